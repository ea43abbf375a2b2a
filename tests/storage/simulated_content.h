// SimulatedContent: the bytes of a file of SimulatedDisk, apart from its names.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <set>
#include <utility>
#include <vector>

#include "base/random.h"

namespace storage {

// How much of what was not synced survives a crash.
enum class Mood : std::uint8_t { kNothing, kEverything, kPrefix, kChaos };

inline Mood draw_mood(base::Random& random) { return static_cast<Mood>(random.between(0, 3)); }

class SimulatedContent {
 public:
  [[nodiscard]] const std::vector<std::byte>& bytes() const { return live_; }
  [[nodiscard]] std::uint64_t generation() const { return generation_; }

  void write(std::uint64_t offset, std::vector<std::byte> bytes) {
    pending_.push_back({offset, std::move(bytes), false});
    apply(live_, pending_.back());
  }
  void truncate(std::uint64_t size) {
    pending_.push_back({size, {}, true});
    apply(live_, pending_.back());
  }
  void sync() {
    for (const auto& each : pending_) apply(durable_, each);
    pending_.clear();
  }
  void flip_bit(std::uint64_t bit) {
    const auto mask = static_cast<std::byte>(1 << (bit % 8));
    for (auto* bytes : {&live_, &durable_}) {
      if (bit / 8 < bytes->size()) (*bytes)[bit / 8] ^= mask;
    }
  }
  // A sync failed: the pages count as clean and are not on disk. The size is still to come.
  void drop_pages() {
    for (auto& each : pending_) {
      if (!each.truncation) each = {each.offset + each.bytes.size(), {}, false};
    }
    dropped_ = true;
  }
  void set(std::vector<std::byte> bytes) {
    pending_.clear();
    dropped_ = false;
    live_ = bytes;
    durable_ = std::move(bytes);
  }

  void crash(base::Random& random) {
    ++generation_;
    if (pending_.empty() && !dropped_) return;  // the two are the same
    dropped_ = false;
    const Mood mood = draw_mood(random);
    if (mood == Mood::kEverything) sync();
    if (mood == Mood::kPrefix) keep_prefix(random);
    if (mood == Mood::kChaos) keep_sectors(random);
    pending_.clear();
    live_ = durable_;
  }

 private:
  static constexpr std::uint64_t kSectorBytes = 512;

  struct Change {
    std::uint64_t offset;  // of a truncation: the new size
    std::vector<std::byte> bytes;
    bool truncation;
  };

  static void apply(std::vector<std::byte>& bytes, const Change& change) {
    if (change.truncation) {
      bytes.resize(change.offset);
      return;
    }
    apply_part(bytes, change, change.offset, change.offset + change.bytes.size());
  }
  static void apply_part(std::vector<std::byte>& bytes, const Change& change, std::uint64_t from,
                         std::uint64_t to) {
    if (bytes.size() < to) bytes.resize(to);
    std::copy_n(change.bytes.data() + (from - change.offset), to - from, bytes.data() + from);
  }

  template <typename Decide>  // whether the sector with this number is written
  void apply_sectors(const Change& change, Decide decide) {
    const std::uint64_t end = change.offset + change.bytes.size();
    for (std::uint64_t from = change.offset; from < end;) {
      const std::uint64_t sector = from / kSectorBytes;
      const std::uint64_t to = std::min(end, (sector + 1) * kSectorBytes);
      if (decide(sector)) apply_part(durable_, change, from, to);
      from = to;
    }
  }

  // The first changes whole, then one torn, nothing of the others.
  void keep_prefix(base::Random& random) {
    const std::size_t whole = random.between(0, pending_.size());
    for (std::size_t i = 0; i < whole; ++i) apply(durable_, pending_[i]);
    if (whole == pending_.size() || pending_[whole].truncation) return;
    apply_sectors(pending_[whole], [&](std::uint64_t) { return random.chance(1, 2); });
  }

  // Each sector was written back at a moment of its own. Nothing overtakes a lost truncation.
  void keep_sectors(base::Random& random) {
    std::set<std::uint64_t> frozen;
    for (const auto& each : pending_) {
      if (each.truncation) {
        if (random.chance(1, 2)) return;
        apply(durable_, each);
        continue;
      }
      apply_sectors(each, [&](std::uint64_t sector) {
        if (!frozen.contains(sector) && random.chance(1, 3)) frozen.insert(sector);
        return !frozen.contains(sector);
      });
    }
  }

  std::vector<std::byte> live_;     // as the page cache has it
  std::vector<std::byte> durable_;  // as the disk has it
  std::vector<Change> pending_;     // since the last sync, in order
  bool dropped_ = false;            // pages that no sync will write
  std::uint64_t generation_ = 0;    // crashes so far
};

}  // namespace storage
