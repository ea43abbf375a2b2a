// The public contract: requests of clients and their replies, one MessagePack map each
// (docs/protocol.md). Bytes from outside: parsing never throws, and unpacks within small limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/bytes.h"

namespace codec {

inline constexpr std::uint32_t kClientProtocol = 1;

enum class ErrorCode : std::uint8_t {
  kBadRequest,
  kUnknownOperation,
  kNoLeader,
  kBusy,
  kUnknownOutcome,
  kTooLarge,
  kCompacted,       // replay: what comes after `after` is no longer kept
  kSessionExpired,  // a write named a session that is not open, or no longer
  kConflict,        // a change that does not fit the members or roles as they are
  kSnapshotGone,    // the newest snapshot of the node is not the one asked for
  kDamaged,         // what is asked for does not check on the disk of the node
  kDiskFull,        // a write, and there is no room on the disks of those that would store it
};
[[nodiscard]] std::string_view error_code_name(ErrorCode code);  // as in the protocol

// Names a write within a session: whatever is sent under one name takes effect once (§6.3).
struct WriteName {
  std::uint64_t session, seq;  // from 1, below 2^63

  friend bool operator==(const WriteName&, const WriteName&) = default;
};

// Keys, channels and values are views into the frame of the request.
struct SetRequest {
  std::string_view key, value;
  std::optional<WriteName> name;
};
struct DeleteRequest {
  std::string_view key;
  std::optional<WriteName> name;
};
struct PublishRequest {
  std::string_view channel, value;
  std::optional<WriteName> name;
};
struct GetRequest {
  std::string_view key;
  bool linearizable;
};
struct ReplayRequest {
  std::uint64_t after;
  std::vector<std::string> topics;
  std::uint64_t limit;
};
struct StatusRequest {};
struct DebugRequest {};

inline constexpr std::size_t kMaxChangedMembers = 64;
inline constexpr std::uint64_t kMaxNodeId = 65535;
inline constexpr std::size_t kMaxEndpointBytes = 256;
inline constexpr std::uint64_t kMinSessionTimeoutMs = 1000;
inline constexpr std::uint64_t kMaxSessionTimeoutMs = 86'400'000;

// A member to be let in.
struct NewMember {
  std::uint64_t id;
  std::uint64_t identity;  // of its data directory, any 64 bits; 0: not known
  std::uint32_t priority;
  std::string peer, client, publish;  // endpoints that libzmq can connect to
  bool voter;                         // at once a learner, a voter once it caught up

  friend bool operator==(const NewMember&, const NewMember&) = default;
};
// One step from the members as they are to others: the ops `change`, `join`, `leave` and
// `promote`. Not empty, at most kMaxChangedMembers in all, and no node in it twice, but for a voter
// who is to stay as a learner: removed, and added with `voter` false.
struct ChangeRequest {
  std::vector<NewMember> add;
  std::vector<std::uint64_t> promote, remove;
};
struct MembersRequest {};
struct TransferRequest {
  std::optional<std::uint64_t> node;  // none: the one that fits best
};
struct SnapshotRequest {};
inline constexpr std::uint64_t kMaxSnapshotPartBytes = 1 << 20;
struct SnapshotReadRequest {
  std::optional<std::uint64_t> index;  // none: the newest, whichever it is
  std::uint64_t offset, max_bytes;
};
struct SessionOpenRequest {
  std::optional<std::uint64_t> timeout_ms;  // none: the node's setting
};
struct SessionCloseRequest {
  std::uint64_t session;
};

using RequestBody =
    std::variant<SetRequest, DeleteRequest, PublishRequest, GetRequest, ReplayRequest,
                 StatusRequest, DebugRequest, MembersRequest, ChangeRequest, TransferRequest,
                 SnapshotRequest, SnapshotReadRequest, SessionOpenRequest, SessionCloseRequest>;

// The request's `id` as its own MessagePack bytes, echoed as it came; nil (0xc0) where it was
// missing or could not be read.
using RequestId = std::string;

struct Request {
  RequestId id;
  RequestBody body;
};

struct RequestError {
  RequestId id;
  ErrorCode code;
  std::string message;
};

struct ClientLimits {
  std::size_t max_request_bytes;
  std::size_t max_key_bytes;
  std::size_t max_replay_count = 10'000;
};

[[nodiscard]] std::variant<Request, RequestError> parse_request(std::string_view frame,
                                                                const ClientLimits& limits);

// In a reply of a node that does not lead.
struct LeaderHint {
  std::uint64_t id;
  std::string client;  // its endpoint
};

// `repeated`: this was a retry, and the first outcome is told again, its index too.
struct SetReply {
  std::uint64_t index, version;
  bool repeated = false;
};
struct DeleteReply {
  std::uint64_t index;
  bool found;
  bool repeated = false;
};
struct PublishReply {
  std::uint64_t index, seq;
  bool repeated = false;
};
struct GetReply {
  struct Value {
    std::string value;
    std::uint64_t version, index;
  };
  std::optional<Value> found;
};
// Frames of one broadcast, as on the PUB socket.
struct EncodedBroadcast {
  std::string topic;
  std::string header;  // a MessagePack map
  base::SharedBytes payload;
};
struct ReplayReply {
  std::vector<EncodedBroadcast> broadcasts;
  std::uint64_t complete_to;
};
struct MemberStatus {
  std::uint64_t id;
  std::string peer, client, publish;
  bool voter;
};
struct StatusReply {
  std::uint64_t node;
  std::string cluster, role;
  std::uint64_t term;
  std::optional<std::uint64_t> leader;
  std::uint64_t commit_index, applied_index, first_index, last_index;
  std::optional<std::uint64_t> doubt;  // from this entry on the node cannot vouch for its log
  std::vector<MemberStatus> members;
  std::string release;
  bool disk_full;
};
struct DebugReply {
  std::string text;
};
struct MembersReply {
  struct Member {
    std::uint64_t id;
    std::uint64_t identity;  // 0: not known yet
    std::uint32_t priority;
    std::string peer, client, publish;
    bool voter;
    bool promoting;                            // a learner that becomes a voter once it caught up
    std::optional<std::uint64_t> match_index;  // none: not known at this node
  };
  std::uint64_t index;  // of the configuration in force
  bool changing;        // a change of voters is under way
  std::vector<Member> members;
};
struct ChangeReply {
  std::uint64_t index;  // of the configuration that begins the change
};
struct TransferReply {
  std::uint64_t node;  // that leads now
};
struct SnapshotReply {
  std::uint64_t index;
};
struct SnapshotReadReply {
  std::uint64_t node;
  std::string cluster;
  std::uint64_t index, size;    // of the snapshot, and of its content
  std::vector<std::byte> head;  // as its file begins (docs/log-format.md)
  base::SharedBytes bytes;      // of the content
};
struct SessionOpenReply {
  std::uint64_t session, index;
};
struct SessionCloseReply {
  std::uint64_t index;
  bool found;
};
struct ErrorReply {
  ErrorCode code;
  std::string message;
  std::optional<std::uint64_t> first_index;  // with kCompacted
};

using ReplyBody =
    std::variant<SetReply, DeleteReply, PublishReply, GetReply, ReplayReply, StatusReply,
                 DebugReply, MembersReply, ChangeReply, TransferReply, SnapshotReply,
                 SnapshotReadReply, SessionOpenReply, SessionCloseReply, ErrorReply>;

[[nodiscard]] std::string encode_reply(const RequestId& id, const ReplyBody& body,
                                       const std::optional<LeaderHint>& leader);

// Headers of broadcasts (the second frame).
[[nodiscard]] std::string encode_set_header(std::uint64_t index, std::uint64_t term,
                                            std::uint64_t version);
[[nodiscard]] std::string encode_delete_header(std::uint64_t index, std::uint64_t term,
                                               std::uint64_t version);
[[nodiscard]] std::string encode_publish_header(std::uint64_t index, std::uint64_t term,
                                                std::uint64_t seq);
struct StatusBroadcast {
  std::uint64_t node;
  std::string role;
  std::uint64_t term;
  std::optional<std::uint64_t> leader;
  std::uint64_t commit_index, applied_index, first_index;
};
[[nodiscard]] std::string encode_status_header(const StatusBroadcast& status);

}  // namespace codec
