// FaultyDisk: the simulated disk, whose reads may fail too, or give what is not there.
#pragma once

#include <cstdint>
#include <memory>

#include "../storage/simulated_disk.h"

namespace sim {

class FaultyDisk final : public storage::SimulatedDisk {
 public:
  // Lets `passing` reads pass, and then the next one fail.
  void fail_read_after(std::uint64_t passing) { reads_left_ = passing + 1; }
  // The next read of this file gives one bit that is not on the disk.
  void garble_read_of(const Path& path) { garbled_ = path; }
  void heal_reads() {
    reads_left_ = 0;
    garbled_.clear();
  }

  [[nodiscard]] std::unique_ptr<storage::File> open(const Path& path, OpenMode mode) override;

 private:
  class ReadFile;
  void count_read(const Path& path);
  void garble(const Path& path, std::span<std::byte> bytes);

  std::uint64_t reads_left_ = 0;  // the last of them fails; 0: none does
  Path garbled_;                  // empty: none
};

}  // namespace sim
