// SharedBytes: an immutable run of bytes, kept alive by a reference-counted owner. An entry is
// encoded once in its life; disk, wire, memory and database hold the same bytes through this
// type. Copying copies a reference. May be handed between threads, as the bytes never change.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace base {

class SharedBytes {
 public:
  SharedBytes() = default;
  SharedBytes(std::shared_ptr<const void> owner, const std::byte* data, std::size_t size)
      : owner_(std::move(owner)), data_(data), size_(size) {}

  [[nodiscard]] static SharedBytes take(std::string text) {
    auto owner = std::make_shared<const std::string>(std::move(text));
    const auto* data = reinterpret_cast<const std::byte*>(owner->data());
    const std::size_t size = owner->size();
    return {std::move(owner), data, size};
  }
  [[nodiscard]] static SharedBytes take(std::vector<std::byte> bytes) {
    auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
    const auto* data = owner->data();
    const std::size_t size = owner->size();
    return {std::move(owner), data, size};
  }
  [[nodiscard]] static SharedBytes copy_of(std::string_view text) {
    auto owner = std::make_shared_for_overwrite<std::byte[]>(text.size());
    std::copy(text.begin(), text.end(), reinterpret_cast<char*>(owner.get()));
    const std::byte* data = owner.get();
    return {std::move(owner), data, text.size()};
  }

  [[nodiscard]] const std::byte* data() const { return data_; }
  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] bool empty() const { return size_ == 0; }
  [[nodiscard]] std::span<const std::byte> span() const { return {data_, size_}; }
  [[nodiscard]] std::string_view view() const {
    return {reinterpret_cast<const char*>(data_), size_};
  }
  [[nodiscard]] const std::shared_ptr<const void>& owner() const { return owner_; }

  // The part from `offset`, `size` bytes long, under the same owner. Within bounds.
  [[nodiscard]] SharedBytes part(std::size_t offset, std::size_t size) const {
    return {owner_, data_ + offset, size};
  }
  // Whether `next` begins where this ends, within the same owner: both are then one run.
  [[nodiscard]] bool continues_with(const SharedBytes& next) const {
    return owner_ == next.owner_ && data_ + size_ == next.data_;
  }

  friend bool operator==(const SharedBytes& a, const SharedBytes& b) {
    return a.view() == b.view();
  }

 private:
  std::shared_ptr<const void> owner_;
  const std::byte* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace base
