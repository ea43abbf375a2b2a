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
  kCompacted,  // replay: what comes after `after` is no longer kept
};
[[nodiscard]] std::string_view error_code_name(ErrorCode code);  // as in the protocol

struct SetRequest {
  std::string key, value;
};
struct DeleteRequest {
  std::string key;
};
struct PublishRequest {
  std::string channel, value;
};
struct GetRequest {
  std::string key;
  bool linearizable;
};
struct ReplayRequest {
  std::uint64_t after;
  std::vector<std::string> topics;
  std::uint64_t limit;
};
struct StatusRequest {};
struct DebugRequest {};

using RequestBody = std::variant<SetRequest, DeleteRequest, PublishRequest, GetRequest,
                                 ReplayRequest, StatusRequest, DebugRequest>;

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

struct SetReply {
  std::uint64_t index, version;
};
struct DeleteReply {
  std::uint64_t index;
  bool found;
};
struct PublishReply {
  std::uint64_t index, seq;
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
  std::vector<MemberStatus> members;
  std::string release;
};
struct DebugReply {
  std::string text;
};
struct ErrorReply {
  ErrorCode code;
  std::string message;
  std::optional<std::uint64_t> first_index;  // with kCompacted
};

using ReplyBody = std::variant<SetReply, DeleteReply, PublishReply, GetReply, ReplayReply,
                               StatusReply, DebugReply, ErrorReply>;

[[nodiscard]] base::SharedBytes encode_reply(const RequestId& id, const ReplyBody& body,
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
