// What a node asks of the members of a cluster, as their client, so as to be let in (`members` and
// `join`), and what it reads of their replies (docs/protocol.md). Replies are bytes from
// outside: parsing never throws, and keeps nothing but what is named here, within limits.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "codec/client_codec.h"

namespace codec {

[[nodiscard]] std::string encode_join_request(std::uint64_t id, const NewMember& member);
[[nodiscard]] std::string encode_members_request(std::uint64_t id);

// Of one who knows the members: at a reply to `members`, all that it named.
struct KnownMember {
  std::uint64_t id = 0;        // 1 to kMaxNodeId
  std::uint64_t identity = 0;  // 0: not known yet
  std::uint32_t priority = 0;
  std::string peer, client, publish;  // endpoints that libzmq can connect to
  bool voter = false;
  bool promoting = false;  // a learner that becomes a voter
};

struct MemberReply {
  std::uint64_t id = 0;  // of the request; 0 where it was no number
  bool ok = false;
  std::string code, message;         // where not ok; printable, and cut where long
  std::uint64_t index = 0;           // of the configuration; where ok
  std::vector<KnownMember> members;  // of a reply to `members`
};

// Nothing where the frame is no reply, or names a member that nobody could connect to.
[[nodiscard]] std::optional<MemberReply> parse_member_reply(std::string_view frame);

}  // namespace codec
