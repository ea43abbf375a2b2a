#include "support.h"

#include <stdlib.h>

#include <stdexcept>

namespace database {

bool operator==(const Broadcast& a, const Broadcast& b) {
  return a.kind == b.kind && a.index == b.index && a.term == b.term && a.number == b.number &&
         a.topic == b.topic && a.payload == b.payload;
}

bool operator==(const Outcome& a, const Outcome& b) {
  if (a.index() != b.index()) return false;
  if (const auto* set = std::get_if<SetOutcome>(&a)) {
    return set->version == std::get<SetOutcome>(b).version;
  }
  if (const auto* erase = std::get_if<DeleteOutcome>(&a)) {
    return erase->found == std::get<DeleteOutcome>(b).found;
  }
  if (const auto* publish = std::get_if<PublishOutcome>(&a)) {
    return publish->seq == std::get<PublishOutcome>(b).seq;
  }
  return true;
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

Log& Log::add(std::optional<base::SharedBytes> command) {
  const std::uint64_t term = 1 + next_index_ / 100;
  entries_.push_back({next_index_, term, std::move(command)});
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

Applied apply_in_batches(Database& database, std::span<const Committed> entries,
                         base::Random& random, std::size_t most) {
  Applied all;
  while (!entries.empty()) {
    const std::size_t count = std::min<std::size_t>(random.between(1, most), entries.size());
    Applied applied = database.apply(entries.first(count));
    for (auto& outcome : applied.outcomes) all.outcomes.push_back(outcome);
    for (auto& broadcast : applied.broadcasts) all.broadcasts.push_back(std::move(broadcast));
    entries = entries.subspan(count);
  }
  return all;
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
