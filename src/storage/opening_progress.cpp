#include "storage/opening_progress.h"

#include <algorithm>

namespace storage {
namespace {

constexpr std::uint64_t kStepBytes = 1 << 20;

}  // namespace

ProgressCount::ProgressCount(const OpeningObserver& observer, OpeningProgress::Work work,
                             std::uint64_t all_bytes)
    : observer_(observer), progress_{work, 0, all_bytes, 0}, next_bytes_(kStepBytes) {
  if (observer_) observer_(progress_);
}

void ProgressCount::reach(std::uint64_t bytes, std::uint64_t entries) {
  if (bytes < next_bytes_) return;
  next_bytes_ = bytes + kStepBytes;
  progress_.done_bytes = std::min(bytes, progress_.all_bytes);
  progress_.entries = entries;
  if (observer_) observer_(progress_);
}

}  // namespace storage
