// Problem: how the room says what is wrong, always as one line. Inside of the room only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace settings {

// In the text, counted from 1.
struct Place {
  std::uint32_t line = 1;
  std::uint32_t column = 1;

  friend auto operator<=>(const Place&, const Place&) = default;
};

// Throw InvalidSettings, control characters escaped.
[[noreturn]] void fail(std::string_view file, const std::string& sentence);
[[noreturn]] void fail(std::string_view file, Place place, const std::string& sentence);

// Foreign text for a message: cut where it is long.
[[nodiscard]] std::string excerpt(std::string_view text);

// The candidate that was probably meant, empty where none is near.
[[nodiscard]] std::string_view nearest(std::string_view word,
                                       std::span<const std::string_view> candidates);

}  // namespace settings
