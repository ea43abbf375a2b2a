#include "actors/commit_news.h"

#include <utility>

namespace actors {

void CommitNews::hold(const raft::Send& news) {
  // Where all that was held went with entries, the timer may still run for it.
  if (held_.empty()) timer_.start_once(wait_ms_);
  held_.insert_or_assign(news.to.id, news);
}

std::optional<raft::Send> CommitNews::take(raft::NodeId peer) {
  auto held = held_.extract(peer);
  if (held.empty()) return std::nullopt;
  return std::move(held.mapped());
}

std::vector<raft::Send> CommitNews::take_due() {
  if (!timer_.take()) return {};
  return take_all();
}

std::vector<raft::Send> CommitNews::take_all() {
  std::vector<raft::Send> taken;
  for (auto& [peer, news] : std::exchange(held_, {})) taken.push_back(std::move(news));
  return taken;
}

}  // namespace actors
