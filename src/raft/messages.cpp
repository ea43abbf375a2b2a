#include "raft/messages.h"

#include <array>

namespace raft {

Term message_term(const Message& message) {
  return std::visit([](const auto& each) { return each.term; }, message);
}

bool is_bulk(const Message& message) {
  const auto* append = std::get_if<AppendEntries>(&message);
  return (append != nullptr && !append->entries.empty()) ||
         std::holds_alternative<ForwardCommands>(message) ||
         std::holds_alternative<InstallSnapshot>(message);
}

std::string_view message_name(const Message& message) {
  static constexpr std::array<std::string_view, std::variant_size_v<Message>> kNames = {
      "pre_vote_request",
      "pre_vote_reply",
      "request_vote",
      "request_vote_reply",
      "append_entries",
      "append_entries_accepted",
      "append_entries_rejected",
      "heartbeat",
      "heartbeat_reply",
      "forward_commands",
      "forward_commands_reply",
      "read_index_request",
      "read_index_reply",
      "timeout_now",
      "install_snapshot",
      "install_snapshot_reply",
      "forward_change",
      "forward_change_reply",
      "forward_transfer",
      "forward_transfer_reply",
      "hello",
      "repair_request",
      "repair_reply",
      "disk_space_report",
      "forward_commands_refused",
      "commit_advanced"};
  return kNames[message.index()];
}

}  // namespace raft
