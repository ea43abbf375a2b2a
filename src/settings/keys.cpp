#include "settings/keys.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "settings/endpoint.h"

namespace settings {
namespace {

constexpr std::uint64_t kKiB = 1024;
constexpr std::uint64_t kMiB = 1024 * kKiB;
constexpr std::uint64_t kGiB = 1024 * kMiB;

constexpr std::array<std::string_view, 2> kRuntimeWords = {"threaded", "async"};
constexpr std::array<std::string_view, 4> kLevelWords = {"debug", "info", "warning", "error"};

template <auto Part, auto Field>
std::uint64_t& field_of(Settings& settings) {
  return settings.*Part.*Field;
}

template <auto Field>
std::uint64_t& member_field(Settings& settings) {
  return settings.members.back().*Field;
}

template <auto Field>
void store_in_node(Settings& settings, std::string_view text) {
  settings.node.*Field = text;
}

template <auto Field>
void store_in_member(Settings& settings, std::string_view text) {
  settings.members.back().*Field = text;
}

std::vector<std::string>& join_field(Settings& settings) { return settings.join; }

void store_runtime(Settings& settings, std::size_t word) {
  settings.runtime = static_cast<RuntimeMode>(word);
}

void store_level(Settings& settings, std::size_t word) {
  settings.logging.level = static_cast<LogLevel>(word);
}

bool is_letter_or_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

std::string objection_to_cluster(std::string_view name) {
  if (name.empty()) return "it is empty";
  if (name.size() > 64) return fmt::format("it has {} characters", name.size());
  const auto fits = [](char c) {
    return is_letter_or_digit(c) || c == '-' || c == '_' || c == '.';
  };
  return std::ranges::all_of(name, fits) ? "" : "it has a forbidden character";
}

std::string objection_to_directory(std::string_view path) {
  if (path.empty()) return "it is empty";
  if (path.size() > 1024) return fmt::format("it has {} bytes", path.size());
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; };
  return std::ranges::any_of(path, is_control) ? "it has a control character" : "";
}

std::string objection_to_endpoint(std::string_view text) {
  std::string objection;
  (void)parse_endpoint(text, objection);
  return objection;
}

constexpr std::string_view kClusterForm = "1 to 64 letters, digits, '-', '_' or '.'";
constexpr std::string_view kDirectoryForm = "a path of 1 to 1024 bytes";

Key endpoint(std::string_view name, void (*store)(Settings&, std::string_view)) {
  return {kMemberTable, name, Text{store, objection_to_endpoint, kEndpointForm}};
}

template <auto Field>
Key raft(std::string_view name, Unit unit, std::uint64_t fallback, std::uint64_t minimum,
         std::uint64_t maximum) {
  return {"raft", name,
          Integer{field_of<&Settings::raft, Field>, unit, minimum, maximum, fallback}};
}

template <auto Field>
Key storage(std::string_view name, std::uint64_t fallback, std::uint64_t minimum,
            std::uint64_t maximum) {
  return {"storage", name,
          Integer{field_of<&Settings::storage, Field>, Unit::kBytes, minimum, maximum, fallback}};
}

template <auto Field>
Key database(std::string_view name, std::uint64_t fallback, std::uint64_t minimum,
             std::uint64_t maximum) {
  return {"database", name,
          Integer{field_of<&Settings::database, Field>, Unit::kBytes, minimum, maximum, fallback}};
}

template <auto Field>
Key session(std::string_view name, Unit unit, std::uint64_t fallback, std::uint64_t minimum,
            std::uint64_t maximum) {
  return {"sessions", name,
          Integer{field_of<&Settings::sessions, Field>, unit, minimum, maximum, fallback}};
}

template <auto Field>
Key limit(std::string_view name, Unit unit, std::uint64_t fallback, std::uint64_t minimum,
          std::uint64_t maximum) {
  return {"limits", name,
          Integer{field_of<&Settings::limits, Field>, unit, minimum, maximum, fallback}};
}

// For the integers: name, unit, default, minimum, maximum.
const std::array kKeys = {
    Key{"node", "id",
        Integer{field_of<&Settings::node, &Node::id>, Unit::kNone, 1, 65535, std::nullopt}},
    Key{"node", "cluster", Text{store_in_node<&Node::cluster>, objection_to_cluster, kClusterForm}},
    Key{"node", "data_directory",
        Text{store_in_node<&Node::data_directory>, objection_to_directory, kDirectoryForm}},
    Key{"node", "join", TextList{join_field, objection_to_endpoint, kEndpointForm, 64}},
    Key{"runtime", "mode", Choice{kRuntimeWords, store_runtime, 1}},
    Key{kMemberTable, "id",
        Integer{member_field<&Member::id>, Unit::kNone, 1, 65535, std::nullopt}},
    endpoint("peer", store_in_member<&Member::peer>),
    endpoint("client", store_in_member<&Member::client>),
    endpoint("publish", store_in_member<&Member::publish>),
    raft<&Raft::election_timeout_ms>("election_timeout_ms", Unit::kMilliseconds, 300, 20, 60000),
    raft<&Raft::heartbeat_interval_ms>("heartbeat_interval_ms", Unit::kMilliseconds, 50, 1, 20000),
    raft<&Raft::tick_ms>("tick_ms", Unit::kMilliseconds, 10, 1, 1000),
    raft<&Raft::max_append_bytes>("max_append_bytes", Unit::kBytes, kMiB, kKiB, 64 * kMiB),
    raft<&Raft::window_messages>("window_messages", Unit::kMessages, 64, 1, 4096),
    raft<&Raft::window_bytes>("window_bytes", Unit::kBytes, 8 * kMiB, kKiB, kGiB),
    raft<&Raft::max_uncommitted_bytes>("max_uncommitted_bytes", Unit::kBytes, 64 * kMiB, kKiB,
                                       4 * kGiB),
    raft<&Raft::max_applying_bytes>("max_applying_bytes", Unit::kBytes, 8 * kMiB, kKiB, kGiB),
    raft<&Raft::log_memory_bytes>("log_memory_bytes", Unit::kBytes, 32 * kMiB, kKiB, 64 * kGiB),
    raft<&Raft::priority>("priority", Unit::kNone, 0, 0, 4294967295),
    raft<&Raft::snapshot_log_bytes>("snapshot_log_bytes", Unit::kBytes, 256 * kMiB, 64 * kKiB,
                                    1024 * kGiB),
    raft<&Raft::trailing_entries>("trailing_entries", Unit::kEntries, 10000, 0, 1000000000),
    raft<&Raft::snapshot_bytes_per_second>("snapshot_bytes_per_second", Unit::kBytes, 64 * kMiB, 0,
                                           64 * kGiB),
    raft<&Raft::commit_news_wait_ms>("commit_news_wait_ms", Unit::kMilliseconds, 1, 0, 1000),
    raft<&Raft::max_disk_wait_ms>("max_disk_wait_ms", Unit::kMilliseconds, 1000, 10, 600000),
    raft<&Raft::read_lease_drift_percent>("read_lease_drift_percent", Unit::kPercent, 0, 0, 50),
    storage<&Storage::segment_bytes>("segment_bytes", 64 * kMiB, 64 * kKiB, kGiB),
    storage<&Storage::reserve_bytes>("reserve_bytes", 64 * kMiB, 0, 64 * kGiB),
    database<&Database::block_cache_bytes>("block_cache_bytes", 64 * kMiB, 64 * kKiB, 64 * kGiB),
    database<&Database::version_cache_bytes>("version_cache_bytes", 128 * kMiB, 64 * kKiB,
                                             64 * kGiB),
    database<&Database::write_buffer_bytes>("write_buffer_bytes", 64 * kMiB, 64 * kKiB, 16 * kGiB),
    database<&Database::replay_retention_bytes>("replay_retention_bytes", 256 * kMiB, 64 * kKiB,
                                                1024 * kGiB),
    session<&Sessions::timeout_ms>("timeout_ms", Unit::kMilliseconds, 3600000, 1000, 86400000),
    session<&Sessions::max_sessions>("max_sessions", Unit::kSessions, 10000, 1, 65536),
    limit<&Limits::max_request_bytes>("max_request_bytes", Unit::kBytes, kMiB, kKiB, 64 * kMiB),
    limit<&Limits::max_key_bytes>("max_key_bytes", Unit::kBytes, 240, 1, 240),
    limit<&Limits::max_requests_in_flight>("max_requests_in_flight", Unit::kRequests, 16384, 1,
                                           1048576),
    limit<&Limits::max_requests_per_client>("max_requests_per_client", Unit::kRequests, 4096, 1,
                                            1048576),
    limit<&Limits::request_timeout_ms>("request_timeout_ms", Unit::kMilliseconds, 5000, 10, 600000),
    limit<&Limits::max_replay_bytes>("max_replay_bytes", Unit::kBytes, 4 * kMiB, kKiB, 64 * kMiB),
    limit<&Limits::max_open_files>("max_open_files", Unit::kFiles, 4096, 64, 1048576),
    Key{"logging", "level", Choice{kLevelWords, store_level, 1}},
};

constexpr std::array kRelations = {
    // Two heartbeats may be lost before a follower stands for election.
    Relation{"raft", "heartbeat_interval_ms", "raft", "election_timeout_ms", 3},
    Relation{"raft", "tick_ms", "raft", "heartbeat_interval_ms", 1},
    // What a client may send must fit through every stage behind it.
    Relation{"limits", "max_request_bytes", "raft", "max_append_bytes", 1},
    Relation{"limits", "max_request_bytes", "raft", "max_uncommitted_bytes", 1},
    Relation{"raft", "max_append_bytes", "raft", "window_bytes", 1},
    Relation{"limits", "max_requests_per_client", "limits", "max_requests_in_flight", 1},
};

std::string_view name_of(Unit unit) {
  switch (unit) {
    case Unit::kNone:
      return "";
    case Unit::kMilliseconds:
      return " milliseconds";
    case Unit::kBytes:
      return " bytes";
    case Unit::kMessages:
      return " messages";
    case Unit::kRequests:
      return " requests";
    case Unit::kFiles:
      return " files";
    case Unit::kEntries:
      return " entries";
    case Unit::kPercent:
      return " percent";
    case Unit::kSessions:
      return " sessions";
  }
  return "";
}

std::string range_of(const Integer& integer) {
  const std::string plain =
      fmt::format("{} to {}{}", integer.minimum, integer.maximum, name_of(integer.unit));
  const bool in_kib = integer.unit == Unit::kBytes && integer.minimum % kKiB == 0;
  if (!in_kib) return plain;
  return fmt::format("{} to {} ({})", quantity(integer.minimum, integer.unit),
                     quantity(integer.maximum, integer.unit), plain);
}

}  // namespace

bool Key::required() const {
  if (const auto* integer = std::get_if<Integer>(&kind)) return !integer->fallback;
  return std::holds_alternative<Text>(kind);
}

std::string Key::domain() const {
  if (const auto* integer = std::get_if<Integer>(&kind)) return range_of(*integer);
  if (const auto* text = std::get_if<Text>(&kind)) return std::string(text->form);
  if (const auto* list = std::get_if<TextList>(&kind)) {
    return fmt::format("a list of at most {}, each {}", list->most, list->form);
  }
  const auto& words = std::get<Choice>(kind).words;
  std::string all;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view separator = i == 0 ? "" : i + 1 == words.size() ? " or " : ", ";
    all += fmt::format("{}\"{}\"", separator, words[i]);
  }
  return all;
}

std::span<const Key> keys() { return kKeys; }

std::span<const Relation> relations() { return kRelations; }

const Key* find_key(std::string_view table, std::string_view name) {
  const auto fits = [&](const Key& key) { return key.table == table && key.name == name; };
  const auto* const found = std::ranges::find_if(kKeys, fits);
  return found == kKeys.end() ? nullptr : &*found;
}

std::string quantity(std::uint64_t value, Unit unit) {
  if (unit != Unit::kBytes || value == 0 || value % kKiB != 0) {
    return fmt::format("{}{}", value, name_of(unit));
  }
  if (value % kGiB == 0) return fmt::format("{} GiB", value / kGiB);
  if (value % kMiB == 0) return fmt::format("{} MiB", value / kMiB);
  return fmt::format("{} KiB", value / kKiB);
}

std::string header_of(std::string_view table) {
  return table == kMemberTable ? "[[member]]" : fmt::format("[{}]", table);
}

std::optional<RuntimeMode> runtime_mode_of(std::string_view word) {
  const auto* const found = std::ranges::find(kRuntimeWords, word);
  if (found == kRuntimeWords.end()) return std::nullopt;
  return static_cast<RuntimeMode>(found - kRuntimeWords.begin());
}

std::optional<LogLevel> log_level_of(std::string_view word) {
  const auto* const found = std::ranges::find(kLevelWords, word);
  if (found == kLevelWords.end()) return std::nullopt;
  return static_cast<LogLevel>(found - kLevelWords.begin());
}

std::string_view word_of(RuntimeMode mode) {
  return kRuntimeWords.at(static_cast<std::size_t>(mode));
}

std::string_view word_of(LogLevel level) { return kLevelWords.at(static_cast<std::size_t>(level)); }

}  // namespace settings
