#include "database/transition.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/check.h"
#include "database/integers.h"

namespace database {
namespace {

constexpr std::size_t kKeyRecordHeaderSize = 16;
// So many keys at once that the cache of a processor has room for what there is of them.
constexpr std::size_t kPrefetched = 256;
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

// That the command looks up.
std::optional<std::string_view> key_of(const Command& command) {
  if (const auto* set = std::get_if<SetCommand>(&command)) return set->key;
  if (const auto* erase = std::get_if<DeleteCommand>(&command)) return erase->key;
  const auto* in_session = std::get_if<SessionCommand>(&command);
  if (in_session == nullptr) return std::nullopt;
  return std::visit(
      [](const auto& write) -> std::optional<std::string_view> {
        if constexpr (requires { write.key; }) return write.key;
        return std::nullopt;
      },
      in_session->write);
}

// Of a command that is one.
Write as_write(const Command& command) {
  if (const auto* set = std::get_if<SetCommand>(&command)) return *set;
  if (const auto* erase = std::get_if<DeleteCommand>(&command)) return *erase;
  return std::get<PublishCommand>(command);
}

}  // namespace

std::optional<KeyRecord> read_key_record(std::string_view bytes) {
  if (bytes.size() < kKeyRecordHeaderSize) return std::nullopt;
  return KeyRecord{little_endian_at(bytes.data()), little_endian_at(bytes.data() + 8),
                   bytes.substr(kKeyRecordHeaderSize)};
}

Transition::Transition(BufferedStore& store, Versions& versions, Sessions& sessions,
                       std::span<const Committed> entries)
    : store_(store), versions_(versions), sessions_(sessions), entries_(entries) {
  decode();
}

void Transition::decode() {
  commands_.resize(entries_.size());
  for (std::size_t place = 0; place < entries_.size(); ++place) {
    if (!entries_[place].command) continue;
    const auto command = decode_command(entries_[place].command->view());
    if (!command) {
      ++undecodable_commands_;
      continue;
    }
    Decoded& decoded = commands_[place].emplace(Decoded{*command, std::nullopt});
    if (const auto key = key_of(*command)) decoded.key.emplace(*key);
  }
}

// What memory holds of the keys is brought near the processor, of all at once, where one look-up
// after the other would wait for each: first where the tables say that it is, then what is there.
void Transition::prefetch(std::size_t place) const {
  const std::span all(commands_);
  const auto next = all.subspan(place, std::min(all.size() - place, kPrefetched));
  for (const auto& decoded : next) {
    if (!decoded || !decoded->key) continue;
    versions_.prefetch(*decoded->key);
    store_.prefetch(*decoded->key);
  }
  for (const auto& decoded : next) {
    if (!decoded || !decoded->key) continue;
    versions_.prefetch_version(*decoded->key);
    store_.prefetch_value(*decoded->key);
  }
}

Effect Transition::execute(std::size_t place, std::vector<Broadcast>& broadcasts) {
  const Committed& entry = entries_[place];
  if (place % kPrefetched == 0 && entries_.size() > 1) prefetch(place);
  sessions_.advance_to(entry.time_ms);
  const auto& decoded = commands_[place];
  if (!decoded) return {NoOutcome{}, entry.index};
  const auto& [command, hashed_key] = *decoded;
  const HashedKey* key = hashed_key ? &*hashed_key : nullptr;
  if (const auto* in_session = std::get_if<SessionCommand>(&command)) {
    return execute_in_session(*in_session, key, entry, broadcasts);
  }
  if (const auto* open = std::get_if<OpenSessionCommand>(&command)) {
    return {sessions_.open(*open, entry.index), entry.index};
  }
  if (const auto* close = std::get_if<CloseSessionCommand>(&command)) {
    return {sessions_.close(close->session), entry.index};
  }
  return {write(as_write(command), key, entry, broadcasts), entry.index};
}

Effect Transition::execute_in_session(const SessionCommand& command, const HashedKey* key,
                                      const Committed& entry, std::vector<Broadcast>& broadcasts) {
  if (auto known = sessions_.use(command, entry.index)) return *known;
  const Effect effect = {write(command.write, key, entry, broadcasts), entry.index};
  sessions_.keep(command, effect);
  return effect;
}

Outcome Transition::write(const Write& write_command, const HashedKey* key, const Committed& entry,
                          std::vector<Broadcast>& broadcasts) {
  const bool publishes = std::holds_alternative<PublishCommand>(write_command);
  CHECK((key == nullptr) == publishes, "entry {}: a write with the key of another", entry.index);
  if (const auto* command = std::get_if<SetCommand>(&write_command)) {
    const auto outcome = set(*key, command->value, entry.index);
    broadcasts.push_back({BroadcastKind::kSet, entry.index, entry.term, outcome.version,
                          topic(kKeyTopic, command->key), share(*entry.command, command->value)});
    return outcome;
  }
  if (const auto* command = std::get_if<DeleteCommand>(&write_command)) {
    const auto version = erase(*key);
    if (!version) return DeleteOutcome{false};
    broadcasts.push_back({BroadcastKind::kDelete, entry.index, entry.term, *version,
                          topic(kKeyTopic, command->key), base::SharedBytes()});
    return DeleteOutcome{true};
  }
  const auto& command = std::get<PublishCommand>(write_command);
  const auto outcome = publish(command);
  broadcasts.push_back({BroadcastKind::kPublish, entry.index, entry.term, outcome.seq,
                        topic(kChannelTopic, command.channel),
                        share(*entry.command, command.value)});
  return outcome;
}

SetOutcome Transition::set(const HashedKey& key, std::string_view value, std::uint64_t index) {
  const std::uint64_t version = ++version_of(key);
  const auto version_bytes = little_endian(version);
  const auto index_bytes = little_endian(index);
  store_.put(key, {view_of(version_bytes), view_of(index_bytes), value});
  return {version};
}

std::optional<std::uint64_t> Transition::erase(const HashedKey& key) {
  const std::uint64_t version = std::exchange(version_of(key), 0);
  if (version == 0) return std::nullopt;
  store_.erase(key);
  return version + 1;
}

PublishOutcome Transition::publish(const PublishCommand& command) {
  const std::uint64_t seq = seq_of(command.channel) + 1;
  store_.put(Family::kChannels, command.channel, {view_of(little_endian(seq))});
  return {seq};
}

std::uint64_t& Transition::version_of(const HashedKey& key) {
  return versions_.of(key, [this](std::string_view unknown) { return look_up_version(unknown); });
}

std::uint64_t Transition::look_up_version(std::string_view key) {
  const auto bytes = store_.find(Family::kKeys, key, memory_);
  if (!bytes) return 0;
  const auto record = read_key_record(*bytes);
  if (!record) store_.damaged("the record of a key");
  return record->version;
}

std::uint64_t Transition::seq_of(std::string_view channel) {
  const auto bytes = store_.find(Family::kChannels, channel, memory_);
  if (!bytes) return 0;
  const auto seq = read_little_endian(*bytes);
  if (!seq) store_.damaged("the record of a channel");
  return *seq;
}

}  // namespace database
