#include "client/sockets.h"

#include <cstdint>

namespace client {
namespace {

// A reply to `replay` is the largest message that a node sends; beyond this it is not one of ours.
constexpr std::int64_t kMaxMessageBytes = 64 << 20;

void set_common_options(zmq::socket_t& socket) {
  // A tool that ends does not wait for nodes that do not listen (B13).
  socket.set(zmq::sockopt::linger, 0);
  // A receive queue at its mark can end the process in an assertion of libzmq (B1). What arrives
  // is bounded by the requests in flight, or drained at once.
  socket.set(zmq::sockopt::rcvhwm, 0);
  socket.set(zmq::sockopt::maxmsgsize, kMaxMessageBytes);
  // No HEARTBEAT_IVL: it adds a writer to the danger of B1 and says nothing of the node behind
  // the socket (B9). Dead links are found by TCP, silent nodes by the tools' own clocks.
  socket.set(zmq::sockopt::tcp_keepalive, 1);
  socket.set(zmq::sockopt::tcp_keepalive_idle, 5);
  socket.set(zmq::sockopt::tcp_keepalive_intvl, 2);
  socket.set(zmq::sockopt::tcp_keepalive_cnt, 3);
  // A TCP peer that does not speak ZeroMQ is given up early (B10).
  socket.set(zmq::sockopt::handshake_ivl, 2000);
  socket.set(zmq::sockopt::ipv6, 1);
}

}  // namespace

zmq::socket_t open_dealer(zmq::context_t& context, const std::string& endpoint) {
  zmq::socket_t socket(context, zmq::socket_type::dealer);
  set_common_options(socket);
  // Nothing is queued for a node that is not there (B5).
  socket.set(zmq::sockopt::immediate, true);
  // The requests in flight are the bound; "writable" is then the same as "connected".
  socket.set(zmq::sockopt::sndhwm, 0);
  socket.set(zmq::sockopt::reconnect_ivl, -1);
  socket.connect(endpoint);
  return socket;
}

zmq::socket_t open_subscriber(zmq::context_t& context) {
  zmq::socket_t socket(context, zmq::socket_type::sub);
  set_common_options(socket);
  // Subscriptions must reach a node that comes later, or comes back.
  socket.set(zmq::sockopt::immediate, false);
  socket.set(zmq::sockopt::sndhwm, 0);
  socket.set(zmq::sockopt::reconnect_ivl, 50);
  socket.set(zmq::sockopt::reconnect_ivl_max, 1000);
  return socket;
}

bool is_writable(zmq::socket_t& socket) {
  return (socket.get(zmq::sockopt::events) & ZMQ_POLLOUT) != 0;
}

}  // namespace client
