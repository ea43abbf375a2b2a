#include "state_machine.h"

#include <fmt/format.h>

#include <charconv>
#include <string>

#include "base/checksum.h"
#include "base/little_endian.h"
#include "database/command.h"
#include "report.h"

namespace sim {
namespace {

constexpr std::size_t kWriteBytes = sizeof(std::uint64_t);
constexpr std::uint64_t kReplayBytes = 64 << 10;

std::string key_name(std::uint64_t key) { return fmt::format("k{}", key); }

// A number in front of whatever makes the value longer.
std::uint64_t number_in(std::string_view value) {
  std::uint64_t number = 0;
  std::from_chars(value.data(), value.data() + value.size(), number);
  return number;
}

base::SharedBytes with_write(std::uint64_t write, const database::Command& command) {
  std::string bytes(kWriteBytes, '\0');
  base::store_little_endian(reinterpret_cast<std::byte*>(bytes.data()), write);
  bytes += database::encode_command(command).view();
  return base::SharedBytes::take(std::move(bytes));
}

// A few dozen changes, so that reads and snapshots meet all there is: changes in memory, handed
// down just now, and long ago; and a few versions.
constexpr std::size_t kPendingChangeBytes = 8 << 10;
constexpr std::size_t kVersionBytes = 1 << 10;

database::Options in_memory(std::shared_ptr<database::MemoryImage> image) {
  database::Options options;
  options.in_memory = true;
  options.pending_change_bytes = kPendingChangeBytes;
  options.version_bytes = kVersionBytes;
  options.memory_image = std::move(image);
  options.replay_retention_bytes = kReplayBytes;
  return options;
}

class Digest {
 public:
  void add(std::uint64_t number) { text_ += fmt::format("{} ", number); }
  void add(std::string_view text) { text_ += text; }
  [[nodiscard]] std::uint64_t value() const {
    return base::checksum(std::as_bytes(std::span<const char>(text_)));
  }

 private:
  std::string text_;
};

struct OutcomeDigest {
  Digest& digest;
  void operator()(const database::SetOutcome& set) const { digest.add(set.version); }
  void operator()(const database::DeleteOutcome& erase) const { digest.add(erase.found ? 1 : 0); }
  void operator()(const database::PublishOutcome& publish) const { digest.add(publish.seq); }
  void operator()(const database::SessionOpened& opened) const { digest.add(opened.session); }
  void operator()(const database::SessionClosed& closed) const { digest.add(closed.found ? 1 : 0); }
  void operator()(const auto&) const {}
};

}  // namespace

base::SharedBytes Command::encode(std::size_t padding) const {
  const std::string name_of_key = key_name(key);
  const std::string content = fmt::format("{}{}", value, std::string(padding, '.'));
  database::Write change = database::SetCommand{name_of_key, content};
  if (deed == Deed::kDelete) change = database::DeleteCommand{name_of_key};
  if (deed == Deed::kPublish) change = database::PublishCommand{name_of_key, content};
  if (name) return with_write(write, database::SessionCommand{name->session, name->seq, change});
  return std::visit([&](const auto& each) { return with_write(write, each); }, change);
}

base::SharedBytes OpenSession::encode() const {
  return with_write(write, database::OpenSessionCommand{timeout_ms, max_sessions});
}

base::SharedBytes CloseSession::encode() const {
  return with_write(write, database::CloseSessionCommand{session});
}

std::string_view command_in(const base::SharedBytes& payload) {
  return payload.view().substr(kWriteBytes);
}

std::uint64_t write_of(const raft::Entry& entry) {
  if (entry.kind != raft::EntryKind::kCommand) return 0;
  return base::load_little_endian<std::uint64_t>(entry.payload().data());
}

std::optional<SessionSeq> session_seq_of(const raft::Entry& entry) {
  if (entry.kind != raft::EntryKind::kCommand) return std::nullopt;
  const base::SharedBytes payload = entry.payload();
  const auto command = database::decode_command(command_in(payload));
  const auto* session = command ? std::get_if<database::SessionCommand>(&*command) : nullptr;
  if (session == nullptr) return std::nullopt;
  return SessionSeq{session->session, session->seq};
}

StateMachine::StateMachine(std::shared_ptr<database::MemoryImage> image)
    : database_("simulated", in_memory(std::move(image))) {}

AppliedEntry StateMachine::apply(const raft::Entry& entry) {
  database::Committed committed{entry.index, entry.term, std::nullopt, entry.time_ms()};
  if (entry.kind == raft::EntryKind::kCommand) {
    const base::SharedBytes payload = entry.payload();
    committed.command = payload.part(kWriteBytes, payload.size() - kWriteBytes);
  }
  database::Applied applied = database_.apply({&committed, 1});
  AppliedEntry result{applied.outcomes.front(), applied.effect_indices.front(), 0, 0, {}};
  Digest digest;
  digest.add(result.outcome.index());
  std::visit(OutcomeDigest{digest}, result.outcome);
  result.outcome_digest = digest.value();
  digest.add(result.effect_index);
  for (const database::Broadcast& broadcast : applied.broadcasts) {
    digest.add(broadcast.index);
    digest.add(broadcast.number);
    digest.add(broadcast.topic);
    digest.add(broadcast.payload.view());
  }
  result.digest = digest.value();
  result.broadcasts = std::move(applied.broadcasts);
  return result;
}

Register StateMachine::read(std::uint64_t key) const {
  const auto found = database_.get(key_name(key));
  if (!found) return {};
  return {found->version, number_in(found->value), found->index};
}

std::variant<database::Replay, database::Compacted> StateMachine::replay(raft::Index after) const {
  constexpr std::size_t kMost = 100;  // so that it takes more than one
  return database_.replay(after, {}, kMost, kReplayBytes);
}

void StateMachine::load(std::string_view snapshot) {
  const auto loader = database_.load_snapshot();
  const auto error = loader->add(snapshot);
  require(!error, "a snapshot is not taken by the state machine: {}", error ? error->message : "");
  const auto index = loader->finish();
  require(index.ok(), "a snapshot is not taken by the state machine: {}",
          index ? "" : index.error());
}

}  // namespace sim
