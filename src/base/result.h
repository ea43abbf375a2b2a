// Result: a value, or the sentence that says why there is none. For bytes from outside, where
// failure is an everyday answer and an exception would be the wrong tool.
#pragma once

#include <string>
#include <utility>
#include <variant>

#include "base/check.h"

namespace base {

struct Error {
  std::string message;  // one clear sentence: what is wrong, and where
};

template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value) : content_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : content_(std::in_place_index<1>, std::move(error)) {}

  [[nodiscard]] bool ok() const { return content_.index() == 0; }
  explicit operator bool() const { return ok(); }

  // Only where ok().
  [[nodiscard]] T& value() {
    CHECK(ok(), "value() of a failed result: {}", error());
    return std::get<0>(content_);
  }
  [[nodiscard]] const T& value() const {
    CHECK(ok(), "value() of a failed result: {}", error());
    return std::get<0>(content_);
  }
  T& operator*() { return value(); }
  const T& operator*() const { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }

  // Only where not ok().
  [[nodiscard]] const std::string& error() const { return std::get<1>(content_).message; }

 private:
  std::variant<T, Error> content_;
};

}  // namespace base
