// Settings: the configuration of one node, read from strict TOML. An unknown key, a wrong type, a
// value out of range, two members with one id, a port used twice: each is one sentence with file,
// line, column, what is wrong and what was probably meant. Every key, its unit, default and range
// is documented in config/node1.toml.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace settings {

// One line: FILE:LINE:COLUMN: what is wrong; what to do. Where there is no text to point at, as in
// a file that cannot be read, the line has no LINE:COLUMN.
class InvalidSettings : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

enum class RuntimeMode : std::uint8_t { kThreaded, kAsync };
enum class LogLevel : std::uint8_t { kDebug, kInfo, kWarning, kError };

struct Member {
  std::uint64_t id;
  std::string peer;  // ZeroMQ endpoints, tcp://HOST:PORT; the node's own HOST is an IP address
  std::string client;
  std::string publish;
};

struct Node {
  std::uint64_t id;
  std::string cluster;                   // 1 to 64 characters: letters, digits, '-', '_', '.'
  std::filesystem::path data_directory;  // relative to the current folder
};

struct Raft {
  std::uint64_t election_timeout_ms;    // drawn from [this, 2 * this)
  std::uint64_t heartbeat_interval_ms;  // at most a third of election_timeout_ms
  std::uint64_t tick_ms;                // of the clock; at most heartbeat_interval_ms
  std::uint64_t max_append_bytes;
  std::uint64_t window_messages;
  std::uint64_t window_bytes;
  std::uint64_t max_uncommitted_bytes;
  std::uint64_t max_applying_bytes;
  std::uint64_t log_memory_bytes;
  std::uint64_t priority;  // of this node; below 2^32
  std::uint64_t snapshot_log_bytes;
  std::uint64_t trailing_entries;
  std::uint64_t snapshot_bytes_per_second;  // 0: no limit
  std::uint64_t commit_news_wait_ms;        // 0: they do not wait
  std::uint64_t max_disk_wait_ms;
  std::uint64_t read_lease_drift_percent;  // 0: no leases; at most 50
};

struct Storage {
  std::uint64_t segment_bytes;
  std::uint64_t reserve_bytes;  // 0: none
};

struct Database {
  std::uint64_t block_cache_bytes;
  std::uint64_t version_cache_bytes;
  std::uint64_t write_buffer_bytes;
  std::uint64_t replay_retention_bytes;
};

struct Sessions {
  std::uint64_t timeout_ms;  // where a client asks for none
  std::uint64_t max_sessions;
};

struct Limits {
  std::uint64_t max_request_bytes;        // of one client request frame
  std::uint64_t max_key_bytes;            // of a key or channel; at most 240 (a topic of 246 to
                                          // 255 bytes is mis-encoded by libzmq 4.3.4)
  std::uint64_t max_requests_in_flight;   // of all clients of this node
  std::uint64_t max_requests_per_client;  // in flight
  std::uint64_t request_timeout_ms;       // every request is answered within it
  std::uint64_t max_replay_bytes;         // of payload in one reply to `replay`
  std::uint64_t max_open_files;           // RLIMIT_NOFILE is raised to this at start
};

struct Logging {
  LogLevel level;
};

struct Settings {
  Node node;
  RuntimeMode runtime;
  // The members of a new cluster, sorted by id; the node itself among them. Once a cluster has
  // begun, its members stand in its log.
  std::vector<Member> members;
  // Client endpoints of members to ask to be let in; empty where the node begins a new cluster.
  std::vector<std::string> join;
  Raft raft;
  Storage storage;
  Database database;
  Sessions sessions;
  Limits limits;
  Logging logging;

  [[nodiscard]] const Member& self() const;
};

// The words that stand for the choices, in the file as on a command line; nothing for another word.
[[nodiscard]] std::optional<RuntimeMode> runtime_mode_of(std::string_view word);
[[nodiscard]] std::optional<LogLevel> log_level_of(std::string_view word);
[[nodiscard]] std::string_view word_of(RuntimeMode mode);
[[nodiscard]] std::string_view word_of(LogLevel level);

// Reads and validates FILE; throws InvalidSettings.
[[nodiscard]] Settings load(const std::filesystem::path& file);
// The same from text; `name` stands for the file in messages.
[[nodiscard]] Settings parse(std::string_view text, const std::string& name);

// A bare file name that is not in the current folder is looked up in the folders of
// RAFT_ACTOR_CONFIG_PATH (separated by ':'); a name with a '/' is used as it is. Throws
// InvalidSettings with the places searched.
[[nodiscard]] std::filesystem::path find(const std::string& file);

}  // namespace settings
