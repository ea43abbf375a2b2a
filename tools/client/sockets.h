// The tools' sockets, with every option set on purpose and in this one place. A tool connects
// DEALERs to `client` endpoints and SUBs to `publish` endpoints of nodes; it binds nothing.
#pragma once

#include <string>
#include <zmq.hpp>

namespace client {

// Connected to ENDPOINT, once: a connection that fails or breaks stays broken, and the socket is
// then not writable. So no request can vanish in a silent reconnect; the owner opens a new one.
// Throws zmq::error_t where ENDPOINT is none.
[[nodiscard]] zmq::socket_t open_dealer(zmq::context_t& context, const std::string& endpoint);

// Not yet connected, as subscriptions come first; connects again by itself.
[[nodiscard]] zmq::socket_t open_subscriber(zmq::context_t& context);

// Whether a message may be sent now. On a DEALER of open_dealer: whether it is connected.
[[nodiscard]] bool is_writable(zmq::socket_t& socket);

}  // namespace client
