#include "actors/stderr_sink.h"

#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>

namespace actors {
namespace {

// How soon a wait for the reader notices that the sink was closed.
constexpr int kLookMs = 20;

std::string_view colour_of(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::debug:
      return "\033[36m";
    case spdlog::level::warn:
      return "\033[33m\033[1m";
    case spdlog::level::err:
      return "\033[31m\033[1m";
    default:
      return "\033[32m";
  }
}

}  // namespace

void StderrSink::sink_it_(const spdlog::details::log_msg& message) {
  spdlog::memory_buf_t line;
  formatter_->format(message, line);
  const std::string_view text(line.data(), line.size());
  if (!colours_ || message.color_range_end <= message.color_range_start) {
    write_all(text);
    return;
  }
  std::string coloured(text.substr(0, message.color_range_start));
  coloured += colour_of(message.level);
  coloured +=
      text.substr(message.color_range_start, message.color_range_end - message.color_range_start);
  coloured += "\033[0m";
  coloured += text.substr(message.color_range_end);
  write_all(coloured);
}

void StderrSink::write_all(std::string_view text) {
  while (!text.empty() && wait_writable()) {
    // A pipe that is writable takes so much at once.
    const ssize_t written =
        write(descriptor_, text.data(), std::min<std::size_t>(text.size(), PIPE_BUF));
    if (written < 0 && errno != EINTR && errno != EAGAIN) return;  // nobody is there to be told
    if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
  }
}

bool StderrSink::wait_writable() {
  while (true) {
    const bool closing = closing_.load(std::memory_order_relaxed);
    pollfd descriptor{descriptor_, POLLOUT, 0};
    if (poll(&descriptor, 1, closing && patience_ms_ <= 0 ? 0 : kLookMs) != 0) return true;
    if (!closing) continue;
    if (patience_ms_ <= 0) return false;
    patience_ms_ -= kLookMs;
  }
}

}  // namespace actors
