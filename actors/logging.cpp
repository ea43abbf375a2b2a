#include "actors/logging.h"

#include <unistd.h>

namespace actors {
namespace {

constexpr std::size_t kQueuedLines = 8192;

struct RoleLook {
  std::string_view name;
  std::string_view colour;  // an ANSI sequence
};

RoleLook look_of(raft::Role role) {
  switch (role) {
    case raft::Role::kLeader:
      return {"Leader", "\033[31m"};
    case raft::Role::kCandidate:
      return {"Candidate", "\033[33m"};
    case raft::Role::kPreCandidate:
      return {"PreCandidate", "\033[33m"};
    case raft::Role::kLearner:
      return {"Learner", "\033[36m"};
    case raft::Role::kFollower:
      break;
  }
  return {"Follower", "\033[32m"};
}

spdlog::level::level_enum level_of(settings::LogLevel level) {
  switch (level) {
    case settings::LogLevel::kDebug:
      return spdlog::level::debug;
    case settings::LogLevel::kInfo:
      return spdlog::level::info;
    case settings::LogLevel::kWarning:
      return spdlog::level::warn;
    case settings::LogLevel::kError:
      break;
  }
  return spdlog::level::err;
}

}  // namespace

Logging::Logging(raft::NodeId node, settings::LogLevel level)
    : Logging(node, level, std::make_shared<StderrSink>(STDERR_FILENO, isatty(STDERR_FILENO) == 1),
              isatty(STDERR_FILENO) == 1) {}

Logging::Logging(raft::NodeId node, settings::LogLevel level, std::shared_ptr<StderrSink> sink,
                 bool colours)
    : Logging(node, level, spdlog::sink_ptr(sink), colours) {
  stderr_sink_ = std::move(sink);
}

Logging::Logging(raft::NodeId node, settings::LogLevel level, spdlog::sink_ptr sink, bool colours)
    : node_(node),
      colours_(colours),
      standing_(0),
      writer_(std::make_shared<spdlog::details::thread_pool>(kQueuedLines, 1)),
      logger_(std::make_shared<spdlog::async_logger>(
          "raft-actor", std::move(sink), writer_, spdlog::async_overflow_policy::overrun_oldest)) {
  logger_->set_level(level_of(level));
  logger_->set_pattern("%Y-%m-%d %H:%M:%S.%e %^%-7l%$ %v");
}

Logging::~Logging() {
  // The thread of the log ends when it has written the queue, or given it up.
  if (stderr_sink_) stderr_sink_->close();
}

void Logging::note_standing(raft::Role role, raft::Term term) {
  standing_.store(term << 8 | static_cast<std::uint64_t>(role), std::memory_order_relaxed);
}

std::uint64_t Logging::dropped() const { return writer_->overrun_counter(); }

void Logging::write(spdlog::level::level_enum level, std::string_view actor,
                    std::string_view text) const {
  const std::uint64_t standing = standing_.load(std::memory_order_relaxed);
  const RoleLook look = look_of(static_cast<raft::Role>(standing & 0xff));
  logger_->log(
      level, fmt::format("node {} {}{:<9}{} term {:<3} {}: {}", node_, colours_ ? look.colour : "",
                         look.name, colours_ ? "\033[0m" : "", standing >> 8, actor, text));
}

}  // namespace actors
