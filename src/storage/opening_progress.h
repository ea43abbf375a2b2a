// How far an opening is with what takes long: reading all of the log, and of the snapshot. Whoever
// opens may have it told, often; what becomes of it is his affair, as there is no clock here.
#pragma once

#include <cstdint>
#include <functional>

namespace storage {

struct OpeningProgress {
  enum class Work : std::uint8_t { kVerifySnapshot, kReadLog };

  Work work = Work::kReadLog;
  std::uint64_t done_bytes = 0;
  std::uint64_t all_bytes = 0;  // of files, which may end in zeros that need no reading
  std::uint64_t entries = 0;    // read so far; 0 where it is a snapshot
};

using OpeningObserver = std::function<void(const OpeningProgress&)>;

// Of one work: tells when it begins, and once a mebibyte.
class ProgressCount {
 public:
  // `observer` may be empty: nobody wants to know.
  ProgressCount(const OpeningObserver& observer, OpeningProgress::Work work,
                std::uint64_t all_bytes);

  // Done up to here, in all.
  void reach(std::uint64_t bytes, std::uint64_t entries = 0);

 private:
  const OpeningObserver& observer_;
  OpeningProgress progress_;
  std::uint64_t next_bytes_;  // to be told
};

}  // namespace storage
