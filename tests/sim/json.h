// The few words of JSON and of text that the printed results need.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

namespace sim {

[[nodiscard]] inline std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

[[nodiscard]] inline std::string as_json(std::string_view text) {
  std::string json = "\"";
  for (const char letter : text) {
    if (letter == '"' || letter == '\\') {
      json += {'\\', letter};
    } else if (static_cast<unsigned char>(letter) < 0x20) {
      json += fmt::format("\\u{:04x}", static_cast<unsigned char>(letter));
    } else {
      json += letter;
    }
  }
  return json + '"';
}

}  // namespace sim
