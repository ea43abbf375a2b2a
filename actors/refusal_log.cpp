#include "actors/refusal_log.h"

#include <cctype>

namespace actors {
namespace {

constexpr raft::Milliseconds kIntervalMs = 1000;
constexpr std::size_t kDetailBytes = 300;

// A detail may quote what came from outside: one printable line of it.
std::string printable(std::string_view text) {
  std::string line(text.substr(0, kDetailBytes));
  for (char& c : line) {
    if (std::iscntrl(static_cast<unsigned char>(c)) != 0) c = '?';
  }
  return line;
}

}  // namespace

void RefusalLog::note(std::string_view reason, std::string_view detail) {
  auto found = reasons_.find(reason);
  if (found == reasons_.end()) found = reasons_.emplace(std::string(reason), Reason{}).first;
  Reason& entry = found->second;
  if (entry.unsaid == 0) entry.detail = printable(detail);
  ++entry.total;
  ++entry.unsaid;
}

void RefusalLog::on_tick(raft::Milliseconds now) {
  if (now - said_at_ < kIntervalMs) return;
  said_at_ = now;
  for (auto& [name, reason] : reasons_) {
    if (reason.unsaid == 0) continue;
    log_.warning("refused {} ({} times): {}", name, reason.unsaid, reason.detail);
    reason.unsaid = 0;
  }
}

std::map<std::string, std::uint64_t> RefusalLog::totals() const {
  std::map<std::string, std::uint64_t> totals;
  for (const auto& [name, reason] : reasons_) totals.emplace(name, reason.total);
  return totals;
}

}  // namespace actors
