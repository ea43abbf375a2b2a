// CHECK: the guard of every invariant. On in every build, release included: a node whose
// invariant is broken must stop before it promises anything more.
//
//   CHECK(commit_index_ <= log_.last_index(), "node {} term {}: commit {} beyond last {}", ...);
//
// The message is a fmt format string that says node, term and the values involved.
#pragma once

#include <fmt/format.h>

#include <string>

namespace base {

// Writes the failed condition, its place and the message to stderr, then aborts.
[[noreturn]] void check_failed(const char* condition, const char* file, int line,
                               const std::string& message) noexcept;

}  // namespace base

#define CHECK(condition, ...)                                                               \
  do {                                                                                      \
    if (!(condition)) [[unlikely]] {                                                        \
      ::base::check_failed(#condition, __FILE__, __LINE__, ::fmt::format(__VA_ARGS__));     \
    }                                                                                       \
  } while (false)
