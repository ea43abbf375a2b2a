// Logging: the lines of one node on stderr. An actor that logs never waits (A33): lines go through
// a bounded queue to a thread of their own, the oldest are dropped where it is full, and counted.
//
//   12:00:00.123 info  node 2 Leader    term 5   event_handler: won the election
//
// In colour on a terminal, plain elsewhere. Role and term come from one word that event_handler
// alone writes; they colour lines, and nothing is ever decided by them.
#pragma once

#include <fmt/format.h>
#include <spdlog/async_logger.h>
#include <spdlog/details/thread_pool.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "actors/stderr_sink.h"
#include "raft/types.h"
#include "settings/settings.h"

namespace actors {

class ActorLog;

class Logging {
 public:
  // To stderr.
  Logging(raft::NodeId node, settings::LogLevel level);
  // To `sink`, plain or in colour.
  Logging(raft::NodeId node, settings::LogLevel level, spdlog::sink_ptr sink, bool colours);
  // Writes what is still queued, as far as stderr takes it within a moment.
  ~Logging();
  Logging(const Logging&) = delete;
  Logging& operator=(const Logging&) = delete;

  // For event_handler alone.
  void note_standing(raft::Role role, raft::Term term);

  // Lines dropped because stderr did not keep up.
  [[nodiscard]] std::uint64_t dropped() const;

 private:
  friend class ActorLog;
  Logging(raft::NodeId node, settings::LogLevel level, std::shared_ptr<StderrSink> sink,
          bool colours);
  [[nodiscard]] bool wants(spdlog::level::level_enum level) const {
    return logger_->should_log(level);
  }
  void write(spdlog::level::level_enum level, std::string_view actor, std::string_view text) const;

  raft::NodeId node_;
  bool colours_;
  std::atomic<std::uint64_t> standing_;      // role in the lowest byte, term above
  std::shared_ptr<StderrSink> stderr_sink_;  // none where another was given
  std::shared_ptr<spdlog::details::thread_pool> writer_;
  std::shared_ptr<spdlog::async_logger> logger_;
};

// The log under one actor's name. Outlived by the Logging it came from.
class ActorLog {
 public:
  ActorLog(const Logging& logging, std::string actor)
      : logging_(&logging), actor_(std::move(actor)) {}

  [[nodiscard]] bool debugging() const { return logging_->wants(spdlog::level::debug); }

  template <typename... Arguments>
  void debug(fmt::format_string<Arguments...> text, Arguments&&... arguments) const {
    line(spdlog::level::debug, text, std::forward<Arguments>(arguments)...);
  }
  template <typename... Arguments>
  void info(fmt::format_string<Arguments...> text, Arguments&&... arguments) const {
    line(spdlog::level::info, text, std::forward<Arguments>(arguments)...);
  }
  template <typename... Arguments>
  void warning(fmt::format_string<Arguments...> text, Arguments&&... arguments) const {
    line(spdlog::level::warn, text, std::forward<Arguments>(arguments)...);
  }
  template <typename... Arguments>
  void error(fmt::format_string<Arguments...> text, Arguments&&... arguments) const {
    line(spdlog::level::err, text, std::forward<Arguments>(arguments)...);
  }

 private:
  template <typename... Arguments>
  void line(spdlog::level::level_enum level, fmt::format_string<Arguments...> text,
            Arguments&&... arguments) const {
    if (!logging_->wants(level)) return;
    logging_->write(level, actor_, fmt::format(text, std::forward<Arguments>(arguments)...));
  }

  const Logging* logging_;
  std::string actor_;
};

}  // namespace actors
