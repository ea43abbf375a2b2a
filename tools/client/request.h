// Request: one request of the public protocol as the bytes of its frame, with a place for the id
// that Client fills in. Pure; any thread.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace client {

using Json = nlohmann::ordered_json;

// What may be done with a request whose outcome is unknown.
enum class Resend : std::uint8_t {
  kAlways,  // it changes nothing that matters, or has a name by which the cluster knows it again
  kIdempotent,  // a write that leaves the same state when it takes effect twice: set, delete
  kNever,       // publish; changes of the members; and what the tool does not know
};

struct Request {
  std::string frame;
  std::optional<std::size_t> id_offset;  // of eight bytes, big-endian; none: it carries no id
  Resend resend = Resend::kNever;
  bool needs_leader = false;  // worth following a leader's hint for

  void set_id(std::uint64_t id);
};

enum class Consistency : std::uint8_t { kLinearizable, kLocal };

// Names a write within a session: whatever is sent under one name takes effect once.
struct WriteName {
  std::uint64_t session;
  std::uint64_t seq;
};

// A node that is to become a member, or to change as one.
struct Newcomer {
  std::uint64_t id;
  std::string peer, client, publish;  // endpoints
  std::uint64_t priority = 0;
  bool voter = true;
  std::vector<std::uint64_t> replaces;
};

[[nodiscard]] Request make_set(std::string_view key, std::string_view value,
                               const std::optional<WriteName>& name = {});
[[nodiscard]] Request make_get(std::string_view key, Consistency consistency);
[[nodiscard]] Request make_delete(std::string_view key, const std::optional<WriteName>& name = {});
[[nodiscard]] Request make_publish(std::string_view channel, std::string_view value,
                                   const std::optional<WriteName>& name = {});
[[nodiscard]] Request make_replay(std::uint64_t after, const std::vector<std::string>& topics,
                                  std::uint64_t limit);
[[nodiscard]] Request make_status();
[[nodiscard]] Request make_debug();
[[nodiscard]] Request make_members();
[[nodiscard]] Request make_join(const Newcomer& newcomer);
[[nodiscard]] Request make_leave(std::uint64_t node);
[[nodiscard]] Request make_promote(std::uint64_t node);
// Without a node: to the one that fits best.
[[nodiscard]] Request make_transfer(std::optional<std::uint64_t> node);
[[nodiscard]] Request make_snapshot();
// Without an index: of the newest snapshot.
[[nodiscard]] Request make_snapshot_read(std::optional<std::uint64_t> index, std::uint64_t offset,
                                         std::uint64_t max_bytes);
// Without a timeout: the cluster's own.
[[nodiscard]] Request make_session_open(std::optional<std::uint64_t> timeout_ms);
[[nodiscard]] Request make_session_close(std::uint64_t session);
// Any JSON as it is; {"base64": "…"} stands for bytes. An `id` in it is replaced.
// Throws std::invalid_argument where base64 is not.
[[nodiscard]] Request make_raw(const Json& json);

}  // namespace client
