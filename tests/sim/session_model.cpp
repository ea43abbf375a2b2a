#include "session_model.h"

#include <variant>

#include "database/command.h"
#include "report.h"

namespace sim {

void SessionModel::on_first_applied(const raft::Entry& entry, const AppliedEntry& applied) {
  expire(entry.time_ms());
  if (write_of(entry) == 0) return;
  const base::SharedBytes payload = entry.payload();
  const auto command = database::decode_command(command_in(payload));
  require(command.ok(), "entry {} holds no command", entry.index);
  if (const auto* opening = std::get_if<database::OpenSessionCommand>(&*command)) {
    const bool opened = std::holds_alternative<database::SessionOpened>(applied.outcome);
    require(opened == (open_.size() < opening->max_sessions),
            "a session is opened where there is room: entry {} finds {} of {}", entry.index,
            open_.size(), opening->max_sessions);
    if (opened) open_[entry.index] = {opening->timeout_ms, entry.time_ms()};
  } else if (const auto* closing = std::get_if<database::CloseSessionCommand>(&*command)) {
    const auto* closed = std::get_if<database::SessionClosed>(&applied.outcome);
    const bool found = open_.erase(closing->session) > 0;
    require(closed != nullptr && closed->found == found,
            "a session is closed where it is open: entry {} tells otherwise", entry.index);
  } else if (const auto* named = std::get_if<database::SessionCommand>(&*command)) {
    const auto found = open_.find(named->session);
    const bool expired = std::holds_alternative<database::SessionExpired>(applied.outcome);
    require(expired == (found == open_.end()),
            "a session expires by the time of the log since its last use: entry {} finds session "
            "{} {}",
            entry.index, named->session, expired ? "expired" : "open");
    if (!expired) found->second.used_ms = entry.time_ms();
  }
}

void SessionModel::expire(std::uint64_t time_ms) {
  std::erase_if(open_, [time_ms](const auto& each) {
    return each.second.used_ms + each.second.timeout_ms < time_ms;
  });
}

}  // namespace sim
