// Every option of every socket of a node, each with its reason. Nobody else sets one.
#pragma once

#include <cstddef>
#include <zmq.hpp>

#include "settings/settings.h"

namespace actors {

// The largest message between nodes, in bytes, of all frames together.
[[nodiscard]] std::size_t max_peer_message_bytes(const settings::Settings& settings);
// The largest message of a client that is read at all: well above max_request_bytes, so that a
// request that is a little too large is answered with `too_large`.
[[nodiscard]] std::size_t max_client_message_bytes(const settings::Settings& settings);

// The largest reply that a node which is to be let in reads: one that names all members.
[[nodiscard]] std::size_t max_join_reply_bytes();

// Between actors. `mark`: messages under way in one direction; 0: no mark.
void set_link_options(zmq::socket_t& socket, int mark);
void set_broadcast_link_options(zmq::socket_t& socket);

// socket_server
void set_peer_router_options(zmq::socket_t& socket, const settings::Settings& settings);
void set_client_router_options(zmq::socket_t& socket, const settings::Settings& settings);

// outbound_dispatcher
enum class Lane : std::uint8_t { kSmall, kBulk };
void set_dealer_options(zmq::socket_t& socket, Lane lane, const settings::Settings& settings);

// joiner
void set_joiner_options(zmq::socket_t& socket);

// publisher
void set_publisher_options(zmq::socket_t& socket);

}  // namespace actors
