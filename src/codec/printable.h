// Bytes from outside made fit for a log line or a message to people.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace codec {

// At most `max_bytes` of `bytes`, each that is not printable ASCII as '?', "..." where cut.
[[nodiscard]] inline std::string printable(std::string_view bytes, std::size_t max_bytes) {
  std::string text(bytes.substr(0, max_bytes));
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  if (bytes.size() > max_bytes) text += "...";
  return text;
}

}  // namespace codec
