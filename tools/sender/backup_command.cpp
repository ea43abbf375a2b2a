// `backup`: one snapshot of a running node, read in parts and kept as a file.
#include <fmt/format.h>

#include <optional>
#include <string>
#include <utility>

#include "client/endpoints.h"
#include "client/terminal.h"
#include "sender/commands.h"
#include "sender/session.h"
#include "storage/backup_file.h"
#include "storage/identity.h"

namespace sender {
namespace {

using client::Clock;
using client::Outcome;

constexpr std::uint64_t kPartBytes = 1 << 20;
// A node that writes a snapshot this long has another trouble.
constexpr std::chrono::hours kSnapshotPatience{1};
// A node that is written to a lot may have a newer snapshot before the one that is read has come.
constexpr int kAttempts = 5;

// What a reply to `snapshot.read` says.
struct Part {
  storage::BackupOrigin origin;
  std::uint64_t index = 0;
  std::uint64_t size = 0;  // of all parts
  std::string head;
  std::string_view bytes;
};

std::optional<Part> read_part(const client::Reply& reply) {
  const client::Fields fields = reply.fields();
  const auto node = fields.integer("node");
  const auto cluster = fields.bytes("cluster");
  const auto index = fields.integer("index");
  const auto size = fields.integer("size");
  const auto head = fields.bytes("head");
  const auto bytes = fields.bytes("bytes");
  if (!node || !cluster || !index || !size || !head || !bytes) return std::nullopt;
  return Part{{std::string(*cluster), *node}, *index, *size, std::string(*head), *bytes};
}

std::span<const std::byte> bytes_of(std::string_view text) {
  return std::as_bytes(std::span(text));
}

bool is_error(const Outcome& outcome, std::string_view code) {
  return outcome.reply && !outcome.ok() && outcome.reply->error_code() == code;
}

// All of it at one node: the parts of one snapshot are those of one file. Each step returns what
// ends the backup, or nothing.
class Backup {
 public:
  Backup(client::Client& node, std::string endpoint, storage::BackupWriter& writer)
      : node_(node), endpoint_(std::move(endpoint)), writer_(writer) {}

  // The node then has applied whatever was acknowledged to anyone.
  std::optional<Outcome> catch_up();
  std::optional<Outcome> take_snapshot();
  std::optional<Outcome> copy();

  [[nodiscard]] const Part& last_part() const { return part_; }
  [[nodiscard]] std::uint64_t content_size() const { return content_size_; }

 private:
  enum class Step { kMore, kWhole, kAgain, kFailed };

  Step copy_part();
  Step begin(const Part& part);
  Step fail(std::string why);
  void show_progress();

  client::Client& node_;
  std::string endpoint_;
  storage::BackupWriter& writer_;
  client::ProgressLine progress_;
  std::optional<std::uint64_t> index_;  // of the snapshot to be read; none: the newest
  Part part_;                           // the last one, without its bytes; its head names the file
  std::uint64_t content_size_ = 0;
  bool begun_ = false;
  Outcome failure_;
};

std::optional<Outcome> Backup::catch_up() {
  // Any linearizable read will do, of a key that nobody is likely to have.
  Outcome read =
      node_.call(client::make_get(std::string_view("\0", 1), client::Consistency::kLinearizable));
  if (read.ok()) return std::nullopt;
  return read;
}

std::optional<Outcome> Backup::take_snapshot() {
  Outcome status = node_.call(client::make_status());
  if (!status.ok()) return status;
  const std::uint64_t needed = status.reply->fields().integer("commit_index").value_or(0);
  const Clock::time_point deadline = Clock::now() + kSnapshotPatience;
  while (true) {
    Outcome taken = node_.call(client::make_snapshot());
    if (taken.ok()) {
      index_ = taken.reply->fields().integer("index");
      return std::nullopt;
    }
    if (taken.reply && !is_error(taken, "unknown_outcome")) return taken;
    // A large one takes longer than a request may: it goes on.
    Outcome newest = node_.call(client::make_snapshot_read({}, 0, 1));
    if (!newest.ok() && !is_error(newest, "snapshot_gone")) return newest;
    if (newest.ok() && newest.reply->fields().integer("index").value_or(0) >= needed) {
      return std::nullopt;
    }
    if (Clock::now() >= deadline) return taken;
    if (progress_.is_due()) progress_.show(endpoint_ + " writes a snapshot");
  }
}

std::optional<Outcome> Backup::copy() {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    begun_ = false;
    Step step = Step::kMore;
    while (step == Step::kMore) {
      step = copy_part();
      if (progress_.is_due()) show_progress();
    }
    progress_.clear();
    if (step == Step::kWhole) return std::nullopt;
    if (step == Step::kFailed) return std::move(failure_);
    index_.reset();
  }
  fail(
      fmt::format("{} took newer snapshots faster than they could be copied, {} times: raise its "
                  "snapshot_log_bytes, or back up a node that is nearer",
                  endpoint_, kAttempts));
  return std::move(failure_);
}

Backup::Step Backup::copy_part() {
  const std::uint64_t offset = begun_ ? writer_.next_offset() : 0;
  Outcome outcome = node_.call(client::make_snapshot_read(index_, offset, kPartBytes));
  if (is_error(outcome, "snapshot_gone")) return Step::kAgain;
  if (!outcome.ok()) {
    failure_ = std::move(outcome);
    return Step::kFailed;
  }
  const auto part = read_part(*outcome.reply);
  if (!part) return fail(endpoint_ + " answers with no part of a snapshot");
  if (begun_ && part->head != part_.head) return Step::kAgain;  // of another directory
  if (!begun_ && begin(*part) == Step::kFailed) return Step::kFailed;
  const std::uint64_t left = part_.size - writer_.next_offset();
  if (part->bytes.size() > left || (part->bytes.empty() && left > 0)) {
    return fail(endpoint_ + " answers with another part of the snapshot than was asked for");
  }
  if (const auto error = writer_.add_part(bytes_of(part->bytes))) {
    begun_ = false;
    return fail(fmt::format("{}: {}", endpoint_, error->message));
  }
  if (writer_.next_offset() < part_.size) return Step::kMore;
  writer_.finish();
  begun_ = false;
  return Step::kWhole;
}

Backup::Step Backup::begin(const Part& part) {
  if (const auto error = writer_.begin_copy(part.origin, bytes_of(part.head))) {
    return fail(fmt::format("{}: {}", endpoint_, error->message));
  }
  if (writer_.head().transfer_size() != part.size || writer_.head().last.index != part.index) {
    return fail(endpoint_ + " answers with a snapshot that contradicts itself");
  }
  begun_ = true;
  content_size_ = writer_.head().size;
  index_ = part.index;
  part_ = part;
  part_.bytes = {};
  return Step::kMore;
}

Backup::Step Backup::fail(std::string why) {
  failure_ = {{}, std::move(why), endpoint_, false};
  return Step::kFailed;
}

void Backup::show_progress() {
  const std::uint64_t done = begun_ ? writer_.next_offset() : 0;
  progress_.show(fmt::format("{} of {} MiB of the snapshot up to index {}, {} %", done >> 20,
                             part_.size >> 20, part_.index,
                             part_.size == 0 ? 100 : done * 100 / part_.size));
}

std::unique_ptr<storage::BackupWriter> open_file(storage::FileSystem& file_system,
                                                 const Options& options) {
  try {
    return std::make_unique<storage::BackupWriter>(file_system, options.file, options.force);
  } catch (const storage::Refused& refused) {
    throw client::UsageError(refused.what());
  }
}

void print_success(const Options& options, const Backup& backup, const std::string& endpoint) {
  const Part& part = backup.last_part();
  if (options.json) {
    print_json({{"ok", true},
                {"file", options.file},
                {"cluster", client::bytes_to_json(part.origin.cluster)},
                {"node", part.origin.node},
                {"index", part.index},
                {"size", backup.content_size()},
                {"endpoint", endpoint}});
  } else {
    print_line(fmt::format("{}: cluster {} up to index {}, {} bytes, from {}", options.file,
                           client::printable(part.origin.cluster), part.index,
                           backup.content_size(), endpoint));
  }
}

}  // namespace

int run_backup(const Options& options) {
  const auto file_system = storage::posix_file_system();
  const auto writer = open_file(*file_system, options);
  Session session(options);
  const Outcome status = session.client().call(client::make_status());
  if (!status.ok()) return print_outcome(options, status);

  client::Client node(session.context(), {{status.endpoint}, options.timeout()});
  Backup backup(node, status.endpoint, *writer);
  std::optional<Outcome> failure = options.local ? std::nullopt : backup.catch_up();
  if (failure) {
    const int code = print_outcome(options, *failure);
    fmt::print(stderr, "zmq-send: with --local, the backup is of what this node has\n");
    return code;
  }
  failure = backup.take_snapshot();
  if (!failure) failure = backup.copy();
  if (failure) return print_outcome(options, *failure);
  print_success(options, backup, status.endpoint);
  return kSuccess;
}

}  // namespace sender
