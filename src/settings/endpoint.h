// Endpoint: tcp://HOST:PORT taken apart, so that two spellings of one port are known as one.
// Inside of the room only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace settings {

inline constexpr std::string_view kEndpointForm = "tcp://HOST:PORT with a port of 1 to 65535";

struct Endpoint {
  std::string host;  // in lower case; an IPv6 address without its brackets
  std::uint16_t port;

  friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// Nothing where the text is no endpoint that other nodes can connect to; `objection` says why.
[[nodiscard]] std::optional<Endpoint> parse_endpoint(std::string_view text, std::string& objection);

// Whether a socket can bind to the host: libzmq binds to addresses, and not to names.
[[nodiscard]] bool is_address(const std::string& host);

}  // namespace settings
