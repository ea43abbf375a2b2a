// Frames of messages between peers as a test writes them, right or wrong, and what is made of them.
#pragma once

#include <catch2/catch.hpp>
#include <msgpack.hpp>

#include "codec/peer_codec.h"
#include "samples.h"

namespace peer_frames {

using codec::Frames;
using codec::PeerMessage;
using codec::PeerRefusal;
using codec::Refusal;
using samples::kReceiver;
using samples::kSender;

inline std::variant<PeerMessage, Refusal> decode(const Frames& frames,
                                                 codec::PeerLimits limits = {}) {
  return codec::decode_peer_message(kReceiver, limits, frames);
}

inline raft::Message decoded(const Frames& frames) {
  auto result = decode(frames);
  if (const auto* refusal = std::get_if<Refusal>(&result)) FAIL(refusal->detail);
  return std::get<PeerMessage>(std::move(result)).message;
}

inline Refusal refused(const Frames& frames, codec::PeerLimits limits = {}) {
  auto result = decode(frames, limits);
  REQUIRE(std::holds_alternative<Refusal>(result));
  REQUIRE_FALSE(std::get<Refusal>(result).detail.empty());
  return std::get<Refusal>(result);
}

template <typename... Fields>
base::SharedBytes header(const Fields&... fields) {
  msgpack::sbuffer buffer;
  msgpack::pack(buffer, std::make_tuple(fields...));
  return base::SharedBytes::copy_of({buffer.data(), buffer.size()});
}

inline base::SharedBytes bytes_of(std::string_view text) {
  return base::SharedBytes::copy_of(text);
}

inline constexpr int kHeartbeat = 8;

// From node 1 to node 2, as their identities are.
template <typename... Fields>
base::SharedBytes message(int kind, const Fields&... fields) {
  return header(2, "test", 1, 2, kind, kSender.identity, kReceiver.identity, fields...);
}

}  // namespace peer_frames
