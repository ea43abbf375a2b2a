#include "client/terminal.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>

#include "client/json.h"

namespace client {
namespace {

using std::chrono::milliseconds;

constexpr milliseconds kTerminalPause{100};
constexpr milliseconds kPlainPause{5000};

}  // namespace

bool is_terminal(int descriptor) { return isatty(descriptor) == 1; }

std::string printable(std::string_view bytes) {
  const bool utf8 = is_utf8(bytes);
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const char character = bytes[i];
    const auto code = static_cast<unsigned char>(character);
    if (character == '\\') {
      text += "\\\\";
    } else if (character == '\n') {
      text += "\\n";
    } else if (character == '\t') {
      text += "\\t";
    } else if (code < 0x20 || code == 0x7f || (code >= 0x80 && !utf8)) {
      text += fmt::format("\\x{:02x}", code);
    } else if (code == 0xc2 && static_cast<unsigned char>(bytes[i + 1]) < 0xa0) {
      // U+0080 to U+009F: control characters too, in two bytes.
      text += fmt::format("\\xc2\\x{:02x}", static_cast<unsigned char>(bytes[++i]));
    } else {
      text += character;
    }
  }
  return text;
}

std::string coloured_role(std::string_view role, bool colour) {
  const int code = role == "leader" || role == "Leader"       ? 31
                   : role == "follower" || role == "Follower" ? 32
                   : role == "unreachable"                    ? 2
                                                              : 33;
  return colour ? fmt::format("\x1b[{}m{}\x1b[0m", code, role) : std::string(role);
}

ProgressLine::ProgressLine()
    : terminal_(is_terminal(STDERR_FILENO)),
      next_(std::chrono::steady_clock::now() + (terminal_ ? kTerminalPause : kPlainPause)) {}

bool ProgressLine::is_due() const { return std::chrono::steady_clock::now() >= next_; }

void ProgressLine::show(const std::string& text) {
  if (terminal_) {
    fmt::print(stderr, "\r\x1b[K{}", text);
  } else {
    fmt::print(stderr, "{}\n", text);
  }
  std::fflush(stderr);
  shown_ = true;
  next_ = std::chrono::steady_clock::now() + (terminal_ ? kTerminalPause : kPlainPause);
}

void ProgressLine::clear() {
  if (terminal_ && shown_) fmt::print(stderr, "\r\x1b[K");
  std::fflush(stderr);
  shown_ = false;
}

}  // namespace client
