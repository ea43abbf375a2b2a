// IndexSet: which indices of the log were seen. Takes one bit an index, and nearly none where all
// of a stretch was seen; a wild index costs one block. One thread; merged at the end.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

namespace bench {

class IndexSet {
 public:
  void insert(std::uint64_t index) {
    Block& block = blocks_[index / kBlockBits];
    const std::uint64_t bit = index % kBlockBits;
    if (block.is_full()) return;
    if (block.words.empty()) block.words.resize(kBlockBits / kWordBits);
    std::uint64_t& word = block.words[bit / kWordBits];
    const std::uint64_t mask = std::uint64_t{1} << (bit % kWordBits);
    if ((word & mask) != 0) return;
    word |= mask;
    count(block);
    highest_ = std::max(highest_, index);
  }

  void merge(const IndexSet& other) {
    for (const auto& [number, block] : other.blocks_) {
      for (std::uint64_t bit = 0; bit < kBlockBits; ++bit) {
        if (block.holds(bit)) insert(number * kBlockBits + bit);
      }
    }
  }

  [[nodiscard]] std::uint64_t size() const { return size_; }
  [[nodiscard]] std::uint64_t highest() const { return highest_; }  // 0: none yet

 private:
  static constexpr std::uint64_t kWordBits = 64;
  static constexpr std::uint64_t kBlockBits = 32'768;

  struct Block {
    std::uint64_t count = 0;
    std::vector<std::uint64_t> words;  // empty where it is full, or has nothing yet

    [[nodiscard]] bool is_full() const { return count == kBlockBits; }
    [[nodiscard]] bool holds(std::uint64_t bit) const {
      if (is_full()) return true;
      return !words.empty() && (words[bit / kWordBits] >> (bit % kWordBits) & 1U) != 0;
    }
  };

  void count(Block& block) {
    ++size_;
    ++block.count;
    if (block.is_full()) std::vector<std::uint64_t>().swap(block.words);
  }

  std::map<std::uint64_t, Block> blocks_;  // by index / kBlockBits
  std::uint64_t size_ = 0;
  std::uint64_t highest_ = 0;
};

}  // namespace bench
