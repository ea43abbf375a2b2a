#include "database/transition.h"

#include <array>
#include <string>

#include "database/integers.h"

namespace database {
namespace {

constexpr std::size_t kKeyRecordHeaderSize = 16;
constexpr std::string_view kKeyTopic = "kv/";
constexpr std::string_view kChannelTopic = "ch/";

std::string topic(std::string_view prefix, std::string_view name) {
  std::string result;
  result.reserve(prefix.size() + name.size());
  result.append(prefix);
  result.append(name);
  return result;
}

// `value` is a view into `command`, so its payload is the log entry's own buffer.
base::SharedBytes share(const base::SharedBytes& command, std::string_view value) {
  return command.part(static_cast<std::size_t>(value.data() - command.view().data()), value.size());
}

}  // namespace

std::optional<KeyRecord> read_key_record(std::string_view bytes) {
  if (bytes.size() < kKeyRecordHeaderSize) return std::nullopt;
  return KeyRecord{little_endian_at(bytes.data()), little_endian_at(bytes.data() + 8),
                   bytes.substr(kKeyRecordHeaderSize)};
}

Outcome Transition::execute(const Committed& entry, std::vector<Broadcast>& broadcasts) {
  if (!entry.command) return NoOutcome{};
  const auto decoded = decode_command(entry.command->view());
  if (!decoded) {
    ++undecodable_commands_;
    return NoOutcome{};
  }
  if (const auto* command = std::get_if<SetCommand>(&*decoded)) {
    const auto outcome = set(*command, entry.index);
    broadcasts.push_back({BroadcastKind::kSet, entry.index, entry.term, outcome.version,
                          topic(kKeyTopic, command->key), share(*entry.command, command->value)});
    return outcome;
  }
  if (const auto* command = std::get_if<DeleteCommand>(&*decoded)) {
    const auto version = erase(*command);
    if (!version) return DeleteOutcome{false};
    broadcasts.push_back({BroadcastKind::kDelete, entry.index, entry.term, *version,
                          topic(kKeyTopic, command->key), base::SharedBytes()});
    return DeleteOutcome{true};
  }
  const auto& command = std::get<PublishCommand>(*decoded);
  const auto outcome = publish(command);
  broadcasts.push_back({BroadcastKind::kPublish, entry.index, entry.term, outcome.seq,
                        topic(kChannelTopic, command.channel),
                        share(*entry.command, command.value)});
  return outcome;
}

SetOutcome Transition::set(const SetCommand& command, std::uint64_t index) {
  std::uint64_t& version = version_of(command.key);
  ++version;
  const auto version_bytes = little_endian(version);
  const auto index_bytes = little_endian(index);
  const rocksdb::Slice key = slice(command.key);
  const std::array<rocksdb::Slice, 3> record = {slice(view_of(version_bytes)),
                                                slice(view_of(index_bytes)), slice(command.value)};
  batch_.Put(store_.family(Family::kKeys), rocksdb::SliceParts(&key, 1),
             rocksdb::SliceParts(record.data(), static_cast<int>(record.size())));
  return {version};
}

std::optional<std::uint64_t> Transition::erase(const DeleteCommand& command) {
  std::uint64_t& version = version_of(command.key);
  if (version == 0) return std::nullopt;
  const std::uint64_t deletion = version + 1;
  version = 0;
  batch_.Delete(store_.family(Family::kKeys), slice(command.key));
  return deletion;
}

PublishOutcome Transition::publish(const PublishCommand& command) {
  std::uint64_t& seq = seq_of(command.channel);
  ++seq;
  const auto bytes = little_endian(seq);
  batch_.Put(store_.family(Family::kChannels), slice(command.channel), slice(view_of(bytes)));
  return {seq};
}

std::uint64_t& Transition::version_of(std::string_view key) {
  const auto [position, added] = versions_.try_emplace(key, 0);
  if (!added) return position->second;
  rocksdb::PinnableSlice bytes;
  if (store_.get(Family::kKeys, key, bytes)) {
    const auto record = read_key_record(view(bytes));
    if (!record) store_.damaged("the record of a key");
    position->second = record->version;
  }
  return position->second;
}

std::uint64_t& Transition::seq_of(std::string_view channel) {
  const auto [position, added] = seqs_.try_emplace(channel, 0);
  if (!added) return position->second;
  rocksdb::PinnableSlice bytes;
  if (store_.get(Family::kChannels, channel, bytes)) {
    const auto seq = read_little_endian(view(bytes));
    if (!seq) store_.damaged("the record of a channel");
    position->second = *seq;
  }
  return position->second;
}

}  // namespace database
