// The ops that ask about members, change them, or move leadership: from fields to a body. For the
// sources of src/codec alone.
#pragma once

#include <string_view>

#include "codec/client_codec.h"
#include "codec/request_reader.h"

namespace codec {

[[nodiscard]] RequestBody read_members(RequestReader& reader);
[[nodiscard]] RequestBody read_change(RequestReader& reader);
[[nodiscard]] RequestBody read_join(RequestReader& reader);
[[nodiscard]] RequestBody read_leave(RequestReader& reader);
[[nodiscard]] RequestBody read_promote(RequestReader& reader);
[[nodiscard]] RequestBody read_transfer(RequestReader& reader);

// Why no node can connect to `endpoint`, to follow "the field peer"; empty where it is fine. What
// passes is taken by libzmq: every node connects to what the members are said to be, and must not
// fail on it.
[[nodiscard]] std::string_view endpoint_objection(std::string_view endpoint);

}  // namespace codec
