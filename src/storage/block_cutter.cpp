#include "storage/block_cutter.h"

#include <algorithm>
#include <array>
#include <limits>

#include "base/check.h"
#include "raft/snapshot_head.h"

namespace storage {
namespace {

// The hash depends on so many bytes.
constexpr std::size_t kWindow = 64;

// One number a byte, without any pattern: SplitMix64 (Steele et al., 2014) at the byte's value.
constexpr std::array<std::uint64_t, 256> kGear = [] {
  std::array<std::uint64_t, 256> gear{};
  for (std::uint64_t byte = 0; byte < gear.size(); ++byte) {
    std::uint64_t mixed = (byte + 1) * 0x9e3779b97f4a7c15;
    mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
    mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
    gear[byte] = mixed ^ (mixed >> 31);
  }
  return gear;
}();

}  // namespace

BlockCutter::BlockCutter(const BlockSizes& sizes)
    : sizes_(sizes),
      limit_(std::numeric_limits<std::uint64_t>::max() /
             std::max<std::uint64_t>(sizes.average - std::min(sizes.average, sizes.least), 1)) {
  CHECK(sizes.least > 0 && sizes.least <= sizes.average && sizes.average <= sizes.most &&
            sizes.most <= raft::SnapshotHead::kMaxBlockBytes,
        "blocks of {} to {} bytes, {} on average", sizes.least, sizes.most, sizes.average);
}

// No cut can come so early that these bytes would have a say.
std::size_t BlockCutter::skip(std::size_t available) {
  const std::size_t until = sizes_.least - std::min(sizes_.least, kWindow);
  return size_ < until ? std::min(until - size_, available) : 0;
}

std::size_t BlockCutter::take(std::span<const std::byte> bytes) {
  std::size_t at = skip(bytes.size());
  size_ += at;
  while (at < bytes.size()) {
    hash_ = (hash_ << 1) + kGear[static_cast<std::uint8_t>(bytes[at])];
    ++at;
    ++size_;
    if ((size_ >= sizes_.least && hash_ < limit_) || size_ == sizes_.most) {
      size_ = 0;
      hash_ = 0;
      break;
    }
  }
  return at;
}

}  // namespace storage
