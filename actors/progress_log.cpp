#include "actors/progress_log.h"

namespace actors {
namespace {

constexpr raft::Milliseconds kIntervalMs = 1000;

constexpr std::string_view kReadsLog = "reads the log";
constexpr std::string_view kVerifiesSnapshot = "verifies the snapshot";
constexpr std::string_view kLoadsSnapshot = "loads the snapshot";
constexpr std::string_view kApplies = "applies the log again";

std::uint64_t percent(std::uint64_t done, std::uint64_t all) {
  return all == 0 ? 100 : done * 100 / all;
}

std::uint64_t mebibytes(std::uint64_t bytes) { return bytes >> 20; }

}  // namespace

bool ProgressLog::is_due(std::string_view work) {
  const raft::Milliseconds now = now_();
  const bool begins = work != work_;
  if (!begins && now < due_) return false;
  work_ = work;
  due_ = now + kIntervalMs;
  return !begins;
}

void ProgressLog::tell(const storage::OpeningProgress& progress) {
  if (progress.work == storage::OpeningProgress::Work::kVerifySnapshot) {
    say_bytes(kVerifiesSnapshot, progress.done_bytes, progress.all_bytes);
    return;
  }
  if (!is_due(kReadsLog)) return;
  log_.info("{}: {} %, {} of {} MiB, {} entries", kReadsLog,
            percent(progress.done_bytes, progress.all_bytes), mebibytes(progress.done_bytes),
            mebibytes(progress.all_bytes), progress.entries);
}

void ProgressLog::tell_loaded(std::uint64_t done_bytes, std::uint64_t all_bytes) {
  say_bytes(kLoadsSnapshot, done_bytes, all_bytes);
}

void ProgressLog::tell_applied(raft::Index first, raft::Index applied, raft::Index last) {
  if (!is_due(kApplies)) return;
  log_.info("{}: {} %, {} of {} entries", kApplies, percent(applied - first, last - first),
            applied - first, last - first);
}

void ProgressLog::say_bytes(std::string_view work, std::uint64_t done, std::uint64_t all) {
  if (!is_due(work)) return;
  log_.info("{}: {} %, {} of {} MiB", work, percent(done, all), mebibytes(done), mebibytes(all));
}

}  // namespace actors
