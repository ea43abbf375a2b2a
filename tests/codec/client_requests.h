// Requests made by hand and read back, for the tests of this folder that speak the client protocol.
#pragma once

#include <catch2/catch.hpp>
#include <deque>
#include <msgpack.hpp>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "codec/client_codec.h"

namespace client_requests {

inline constexpr codec::ClientLimits kLimits{.max_request_bytes = 4096, .max_key_bytes = 240};

// A map of the keys and values in turn.
template <typename... Fields>
std::string map_of(const Fields&... fields) {
  msgpack::sbuffer buffer;
  msgpack::packer<msgpack::sbuffer> packer(buffer);
  packer.pack_map(sizeof...(fields) / 2);
  (packer.pack(fields), ...);
  return {buffer.data(), buffer.size()};
}

// Lasts until the end of the tests, as what is parsed are views into it.
inline const std::string& kept(std::string frame) {
  static std::deque<std::string> frames;
  return frames.emplace_back(std::move(frame));
}

inline codec::Request parsed(const std::string& frame,
                             const codec::ClientLimits& limits = kLimits) {
  auto result = codec::parse_request(kept(frame), limits);
  if (const auto* error = std::get_if<codec::RequestError>(&result)) FAIL(error->message);
  return std::get<codec::Request>(std::move(result));
}

template <typename Body>
Body parsed_as(const std::string& frame) {
  return std::get<Body>(parsed(frame).body);
}

inline codec::RequestError refused(const std::string& frame,
                                   codec::ErrorCode code = codec::ErrorCode::kBadRequest) {
  auto result = codec::parse_request(frame, kLimits);
  REQUIRE(std::holds_alternative<codec::RequestError>(result));
  auto error = std::get<codec::RequestError>(std::move(result));
  CAPTURE(error.message);
  REQUIRE(error.code == code);
  REQUIRE_FALSE(error.message.empty());
  return error;
}

inline std::string json(std::string_view bytes) {
  std::ostringstream text;
  text << msgpack::unpack(bytes.data(), bytes.size()).get();
  return text.str();
}

inline std::string reply(const codec::ReplyBody& body,
                         const std::optional<codec::LeaderHint>& leader = std::nullopt) {
  return json(codec::encode_reply("\x07", body, leader));
}

}  // namespace client_requests
