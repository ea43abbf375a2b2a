// BlockCutter: where the content of a snapshot is cut into blocks: where the bytes before the cut
// say so, and not after so and so many. So bytes that are put in, taken out or changed change the
// blocks around them alone, and two contents that have much in common have most of their blocks in
// common. Only a writer cuts; a reader is told the lengths, so the rule may change without a new
// format.
//
// A "gear" hash (Xia et al., FastCDC, 2016) runs over the content: h = 2 h + g(byte) in 64 bits, so
// that it depends on the last 64 bytes alone. A cut comes behind a byte where h is below a limit.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace storage {

// In bytes. The average is that of random bytes.
struct BlockSizes {
  std::size_t least = 16 << 10;
  std::size_t average = 64 << 10;
  std::size_t most = 256 << 10;
};

class BlockCutter {
 public:
  explicit BlockCutter(const BlockSizes& sizes);

  // How many of these bytes, which follow those given before, belong to the block under way. Where
  // that is not all, or at_cut(), the block ends behind them and the next one begins.
  [[nodiscard]] std::size_t take(std::span<const std::byte> bytes);
  [[nodiscard]] bool at_cut() const { return size_ == 0; }

 private:
  [[nodiscard]] std::size_t skip(std::size_t available);

  BlockSizes sizes_;
  std::uint64_t limit_;
  std::size_t size_ = 0;  // of the block under way
  std::uint64_t hash_ = 0;
};

}  // namespace storage
