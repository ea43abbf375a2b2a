// Action: a call to be made later, without arguments or result. Move-only, and kept in place: a
// run plans millions of them, and none may cost an allocation.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

namespace sim {

class Action {
 public:
  Action() = default;
  template <typename Function>
  requires(!std::is_same_v<std::remove_cvref_t<Function>, Action>) Action(Function function)
      : kind_(&kKind<Function>) {
    static_assert(sizeof(Function) <= kBytes && alignof(Function) <= alignof(std::max_align_t));
    static_assert(std::is_nothrow_move_constructible_v<Function>);
    ::new (static_cast<void*>(bytes_)) Function(std::move(function));
  }
  Action(Action&& other) noexcept { take(other); }
  Action& operator=(Action&& other) noexcept {
    if (this != &other) {
      clear();
      take(other);
    }
    return *this;
  }
  ~Action() { clear(); }

  void operator()() { kind_->call(bytes_); }

 private:
  static constexpr std::size_t kBytes = 64;

  struct Kind {
    void (*call)(void* function);
    void (*move)(void* from, void* to);  // and ends what it moved from
    void (*end)(void* function);
  };
  template <typename Function>
  static Function& as(void* bytes) {
    return *std::launder(static_cast<Function*>(bytes));
  }
  template <typename Function>
  static constexpr Kind kKind{[](void* function) { as<Function>(function)(); },
                              [](void* from, void* to) {
                                ::new (to) Function(std::move(as<Function>(from)));
                                as<Function>(from).~Function();
                              },
                              [](void* function) { as<Function>(function).~Function(); }};

  void take(Action& other) noexcept {
    kind_ = std::exchange(other.kind_, nullptr);
    if (kind_ != nullptr) kind_->move(other.bytes_, bytes_);
  }
  void clear() noexcept {
    if (kind_ != nullptr) kind_->end(bytes_);
    kind_ = nullptr;
  }

  const Kind* kind_ = nullptr;
  alignas(std::max_align_t) std::byte bytes_[kBytes];
};

}  // namespace sim
