#include "storage/block_cutter.h"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "storage/catch.h"
#include "storage/snapshots.h"

namespace storage {
namespace {

constexpr BlockSizes kSizes{64, 256, 1024};

using Blocks = std::vector<std::string>;

Blocks cut(std::span<const std::byte> content, std::size_t slice = SIZE_MAX,
           const BlockSizes& sizes = kSizes) {
  BlockCutter cutter(sizes);
  Blocks blocks(1);
  while (!content.empty()) {
    auto part = content.first(std::min(slice, content.size()));
    content = content.subspan(part.size());
    while (!part.empty()) {
      const auto taken = part.first(cutter.take(part));
      blocks.back().append(reinterpret_cast<const char*>(taken.data()), taken.size());
      part = part.subspan(taken.size());
      if (cutter.at_cut()) blocks.emplace_back();
    }
  }
  if (blocks.back().empty()) blocks.pop_back();
  return blocks;
}

std::size_t new_in(const Blocks& blocks, const Blocks& before) {
  const std::set<std::string> known(before.begin(), before.end());
  return static_cast<std::size_t>(std::count_if(
      blocks.begin(), blocks.end(), [&](const auto& block) { return !known.contains(block); }));
}

TEST_CASE("block_cutter_keeps_to_the_sizes") {
  for (const BlockSizes& sizes : {kSizes, BlockSizes{1, 50, 100}, BlockSizes{16, 16, 16},
                                  BlockSizes{100, 300, 100'000}, BlockSizes{}}) {
    const std::size_t size = 1'000 * sizes.average;
    const auto blocks = cut(content_of(std::min<std::size_t>(size, 20 << 20), 1), SIZE_MAX, sizes);
    std::size_t all = 0;
    for (std::size_t block = 0; block + 1 < blocks.size(); ++block) {
      REQUIRE(blocks[block].size() >= sizes.least);
      REQUIRE(blocks[block].size() <= sizes.most);
      all += blocks[block].size();
    }
    CHECK(blocks.back().size() <= sizes.most);
    const std::size_t average = all / (blocks.size() - 1);
    CHECK(average > sizes.average * 8 / 10);
    CHECK(average < sizes.average * 12 / 10);
  }
  for (const std::byte byte : {std::byte{}, std::byte{0xff}}) {  // nothing to go by
    for (const auto& block : cut(std::vector<std::byte>(100'000, byte))) {
      REQUIRE(block.size() <= kSizes.most);
    }
  }
}

TEST_CASE("block_cutter_slices_of_any_size_are_the_same_blocks") {
  const auto content = content_of(50'000, 2);
  const auto blocks = cut(content);
  for (const std::size_t slice : {1u, 63u, 64u, 65u, 257u, 1024u, 5000u}) {
    REQUIRE(cut(content, slice) == blocks);
  }
}

TEST_CASE("block_cutter_what_is_changed_changes_only_the_blocks_around_it") {
  const auto content = content_of(50'000, 3);
  const auto before = cut(content);
  base::Random random(3);
  std::size_t most = 0;
  for (int round = 0; round < 300; ++round) {
    auto after = content;
    const auto at = after.begin() + static_cast<std::ptrdiff_t>(random.between(0, 49'900));
    const auto bytes = content_of(random.between(1, 60), static_cast<std::uint64_t>(round));
    if (round % 3 == 0) after.insert(at, bytes.begin(), bytes.end());
    if (round % 3 == 1) after.erase(at, at + static_cast<std::ptrdiff_t>(bytes.size()));
    if (round % 3 == 2) std::copy(bytes.begin(), bytes.end(), at);
    most = std::max(most, new_in(cut(after), before));
  }
  CHECK(most >= 1);
  CHECK(most <= 12);  // of about 200: cuts that were too near or too far fall into step again
}

// What another rule costs: no node has blocks in common with one of the release before.
TEST_CASE("block_cutter_cuts_where_it_always_did") {
  std::vector<std::size_t> sizes;
  for (const auto& block : cut(content_of(2000, 4))) sizes.push_back(block.size());
  CHECK(sizes == std::vector<std::size_t>{96, 232, 217, 143, 64, 173, 101, 124, 172, 73, 440, 165});
}

}  // namespace
}  // namespace storage
