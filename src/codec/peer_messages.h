// The fields of each kind of message between nodes (docs/protocol.md, "Peers"), read and checked one
// by one. For the sources of src/codec alone; the envelope around them is peer_decode.cpp's.
#pragma once

#include <cstdint>

#include "codec/frames.h"
#include "codec/peer_header.h"
#include "raft/messages.h"

namespace codec {

// A message of `kind`, from the fields and the further frames; whole where `fields` has no defect
// in the end.
[[nodiscard]] raft::Message read_message(std::uint64_t kind, const raft::Peer& from,
                                         FieldReader& fields, const Frames& frames);

}  // namespace codec
