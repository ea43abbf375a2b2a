#include "raft/configurations.h"

#include <algorithm>

#include "base/check.h"

namespace raft {

Configurations::Configurations(const Restored& restored, Configuration first) {
  if (restored.snapshot) {
    all_.push_back({restored.snapshot->last.index, restored.snapshot->configuration});
  } else {
    all_.push_back({0, std::move(first)});
  }
  for (const ConfigurationEntry& entry : restored.configurations) {
    if (entry.index > all_.front().index) all_.push_back(entry);
  }
}

const Configuration& Configurations::at(Index index) const {
  const auto after =
      std::find_if(all_.begin(), all_.end(), [&](const auto& each) { return each.index > index; });
  CHECK(after != all_.begin(), "the configuration at {} is compacted away", index);
  return std::prev(after)->configuration;
}

bool Configurations::have_voter_since(Index index, const Peer& peer) const {
  for (auto each = all_.rbegin(); each != all_.rend(); ++each) {
    const Configuration& configuration = each->configuration;
    const bool votes =
        configuration.is_voter(peer.id) && configuration.find(peer.id)->identity == peer.identity;
    if (votes) return true;
    if (each->index <= index) return false;
  }
  return false;
}

void Configurations::append(Index index, Configuration configuration) {
  CHECK(index > all_.back().index, "configuration {} after {}", index, all_.back().index);
  all_.push_back({index, std::move(configuration)});
  ++version_;
}

void Configurations::truncate_from(Index index) {
  while (all_.back().index >= index) {
    CHECK(all_.size() > 1, "the first configuration is truncated from {}", index);
    all_.pop_back();
    ++version_;
  }
}

void Configurations::compact(Index index) {
  while (all_.size() > 1 && all_[1].index <= index) all_.pop_front();
}

void Configurations::reset(Index index, Configuration configuration) {
  ++version_;
  all_.clear();
  all_.push_back({index, std::move(configuration)});
}

}  // namespace raft
