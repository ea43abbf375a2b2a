#include "support.h"

#include <stdlib.h>

#include <algorithm>
#include <stdexcept>
#include <type_traits>

namespace database {

bool operator==(const Broadcast& a, const Broadcast& b) {
  return a.kind == b.kind && a.index == b.index && a.term == b.term && a.number == b.number &&
         a.topic == b.topic && a.payload == b.payload;
}

namespace {

// What an outcome says, beside its kind.
struct NumberOf {
  std::uint64_t operator()(const SetOutcome& set) const { return set.version; }
  std::uint64_t operator()(const DeleteOutcome& erase) const { return erase.found ? 1 : 0; }
  std::uint64_t operator()(const PublishOutcome& publish) const { return publish.seq; }
  std::uint64_t operator()(const SessionOpened& opened) const { return opened.session; }
  std::uint64_t operator()(const SessionClosed& closed) const { return closed.found ? 1 : 0; }
  template <typename Nothing>
  std::uint64_t operator()(const Nothing&) const {
    static_assert(std::is_empty_v<Nothing>);
    return 0;
  }
};

}  // namespace

bool operator==(const Outcome& a, const Outcome& b) {
  return a.index() == b.index() && std::visit(NumberOf(), a) == std::visit(NumberOf(), b);
}

namespace test {

TemporaryDirectory::TemporaryDirectory() {
  std::string name = (std::filesystem::temp_directory_path() / "database-test-XXXXXX").string();
  if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary directory");
  path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code error;
  std::filesystem::remove_all(path_, error);
}

Options in_memory() {
  Options options;
  options.in_memory = true;
  options.pending_change_bytes = 4 << 10;  // so that they are handed down now and then
  options.version_bytes = 1 << 10;         // and forgotten
  return options;
}

Log& Log::set(std::string_view key, std::string_view value) {
  return add(encode_command(SetCommand{key, value}));
}
Log& Log::erase(std::string_view key) { return add(encode_command(DeleteCommand{key})); }
Log& Log::publish(std::string_view channel, std::string_view value) {
  return add(encode_command(PublishCommand{channel, value}));
}
Log& Log::no_operation() { return add(std::nullopt); }
Log& Log::raw(std::string_view command) { return add(base::SharedBytes::copy_of(command)); }

Log& Log::open_session(std::uint64_t timeout_ms, std::uint64_t max_sessions) {
  return add(encode_command(OpenSessionCommand{timeout_ms, max_sessions}));
}
Log& Log::close_session(std::uint64_t session) {
  return add(encode_command(CloseSessionCommand{session}));
}
Log& Log::in_session(std::uint64_t session, std::uint64_t seq, const Write& write) {
  return add(encode_command(SessionCommand{session, seq, write}));
}

Log& Log::at_ms(std::uint64_t time_ms) {
  time_ms_ = time_ms;
  return *this;
}

Log& Log::add(std::optional<base::SharedBytes> command) {
  const std::uint64_t term = 1 + next_index_ / 100;
  entries_.push_back({next_index_, term, std::move(command), time_ms_});
  ++next_index_;
  return *this;
}

std::string random_bytes(base::Random& random, std::size_t size) {
  std::string bytes(size, '\0');
  for (auto& byte : bytes) byte = static_cast<char>(random.between(0, 255));
  return bytes;
}

Log random_log(base::Random& random, std::size_t count) {
  Log log;
  for (std::size_t i = 0; i < count; ++i) {
    const std::string key = "key" + std::to_string(random.between(1, 8));
    const std::string channel = "channel" + std::to_string(random.between(1, 3));
    const std::string value = random_bytes(random, random.between(0, 300));
    const auto kind = random.between(1, 100);
    if (kind <= 45) {
      log.set(key, value);
    } else if (kind <= 65) {
      log.erase(key);
    } else if (kind <= 90) {
      log.publish(channel, value);
    } else if (kind <= 95) {
      log.no_operation();
    } else {
      log.raw(value);
    }
  }
  return log;
}

namespace {

struct Client {
  std::uint64_t session;
  std::uint64_t newest_seq = 0;
};

// Mostly the next seq, often one that was there or was left out, sometimes far ahead or behind.
std::uint64_t draw_seq(base::Random& random, Client& client) {
  const auto kind = random.between(1, 100);
  const std::uint64_t newest = client.newest_seq;
  std::uint64_t seq = newest + 1;
  if (kind <= 15) seq = newest + random.between(1, 5);
  if (kind > 15 && kind <= 45) seq = newest - std::min(newest, random.between(0, 8));
  if (kind > 45 && kind <= 47) seq = newest + random.between(1, 2 * kSessionWindow);
  if (kind > 47 && kind <= 52) seq = newest - std::min(newest, random.between(1000, 1050));
  seq = std::max<std::uint64_t>(seq, 1);
  client.newest_seq = std::max(newest, seq);
  return seq;
}

void add_in_session(Log& log, base::Random& random, Client& client) {
  const std::uint64_t seq = draw_seq(random, client);
  const std::string name = "name" + std::to_string(random.between(1, 8));
  const std::string value = random_bytes(random, random.between(0, 40));
  const auto kind = random.between(1, 3);
  if (kind == 1) {
    log.in_session(client.session, seq, SetCommand{name, value});
  } else if (kind == 2) {
    log.in_session(client.session, seq, DeleteCommand{name});
  } else {
    log.in_session(client.session, seq, PublishCommand{name, value});
  }
}

}  // namespace

Log random_session_log(base::Random& random, std::size_t count) {
  Log log;
  std::uint64_t time_ms = random.between(0, 1000);
  std::vector<Client> clients = {{1}};  // some of them of sessions that are not there
  for (std::size_t i = 1; i <= count; ++i) {
    if (random.chance(1, 3)) time_ms += random.between(0, 30);
    if (random.chance(1, 300)) time_ms += 2000;
    log.at_ms(time_ms);
    const auto kind = random.between(1, 100);
    Client& client = clients[random.between(0, clients.size() - 1)];
    if (kind <= 2) {
      log.open_session(random.between(0, 5000), 5);
      clients.push_back({i});
      if (clients.size() > 8) clients.erase(clients.begin());
    } else if (random.chance(1, 200)) {
      log.close_session(client.session);
    } else if (kind <= 9) {
      log.no_operation();
    } else if (kind <= 15) {
      log.set("name" + std::to_string(random.between(1, 8)), "plain");
    } else {
      add_in_session(log, random, client);
    }
  }
  return log;
}

Applied apply_in_batches(Database& database, std::span<const Committed> entries,
                         base::Random& random, std::size_t most) {
  Applied all;
  while (!entries.empty()) {
    const std::size_t count = std::min<std::size_t>(random.between(1, most), entries.size());
    Applied applied = database.apply(entries.first(count));
    for (auto& outcome : applied.outcomes) all.outcomes.push_back(outcome);
    for (const auto index : applied.effect_indices) all.effect_indices.push_back(index);
    for (auto& broadcast : applied.broadcasts) all.broadcasts.push_back(std::move(broadcast));
    entries = entries.subspan(count);
  }
  return all;
}

std::string snapshot_of(const Database& database, std::size_t slice_bytes) {
  const auto reader = database.read_snapshot();
  std::string bytes;
  while (true) {
    const auto slice = reader->next(slice_bytes);
    if (slice.empty()) return bytes;
    REQUIRE(slice.size() <= slice_bytes);
    bytes.append(slice.view());
  }
}

base::Result<std::uint64_t> load(Database& database, std::string_view snapshot,
                                 std::size_t slice_bytes) {
  const auto loader = database.load_snapshot();
  for (; !snapshot.empty(); snapshot.remove_prefix(std::min(slice_bytes, snapshot.size()))) {
    if (const auto error = loader->add(snapshot.substr(0, slice_bytes))) return *error;
  }
  return loader->finish();
}

Replay replay(const Database& database, std::uint64_t after, const std::vector<std::string>& topics,
              std::size_t limit, std::size_t max_bytes) {
  auto result = database.replay(after, topics, limit, max_bytes);
  const auto* replay = std::get_if<Replay>(&result);
  REQUIRE(replay != nullptr);
  return std::move(*std::get_if<Replay>(&result));
}

}  // namespace test
}  // namespace database
