#include "actors/socket_options.h"

#include <algorithm>

namespace actors {
namespace {

namespace option = zmq::sockopt;

constexpr std::size_t kMebibyte = 1 << 20;

// What every TCP socket has in common.
void set_tcp_options(zmq::socket_t& socket) {
  // B1: a receive mark that is reached while the peer resets can end the process. The actors read
  // at once and shed by themselves instead.
  socket.set(option::rcvhwm, 0);
  // B10: a TCP peer that says nothing holds its place for 2 s, not 30.
  socket.set(option::handshake_ivl, 2000);
  // B9: liveness is Raft's business; what TCP has to notice is a machine that vanished. First
  // probe after 10 s of silence, then three, 5 s apart. HEARTBEAT_IVL stays unset (B1, B2).
  socket.set(option::tcp_keepalive, 1);
  socket.set(option::tcp_keepalive_idle, 10);
  socket.set(option::tcp_keepalive_intvl, 5);
  socket.set(option::tcp_keepalive_cnt, 3);
}

}  // namespace

std::size_t max_peer_message_bytes(const settings::Settings& settings) {
  // A message carries one batch of entries or commands; a batch may end in one large request.
  // Twice that leaves room for peers that are configured with more.
  const std::size_t batch = settings.raft.max_append_bytes + settings.limits.max_request_bytes;
  return std::max(64 * kMebibyte, 2 * batch);
}

std::size_t max_client_message_bytes(const settings::Settings& settings) {
  return 2 * settings.limits.max_request_bytes + kMebibyte;
}

std::size_t max_join_reply_bytes() { return kMebibyte / 4; }

void set_link_options(zmq::socket_t& socket, int mark) {
  // B7: inproc adds up both sides' marks, and no mark on one side is none at all.
  socket.set(option::sndhwm, mark == 0 ? 0 : (mark + 1) / 2);
  socket.set(option::rcvhwm, mark == 0 ? 0 : std::max(1, mark / 2));
  // B13: the end of the node waits for no message between actors; stop() has flushed them.
  socket.set(option::linger, 0);
}

void set_broadcast_link_options(zmq::socket_t& socket) {
  // What a listener may be behind: ticks of a third of a second, or a word from each peer.
  socket.set(option::sndhwm, 32);
  socket.set(option::rcvhwm, 32);
  // B13
  socket.set(option::linger, 0);
}

void set_peer_router_options(zmq::socket_t& socket, const settings::Settings& settings) {
  set_tcp_options(socket);
  // Nothing is ever sent here: replies leave through outbound_dispatcher.
  socket.set(option::sndhwm, 1);
  // B16, B19: a frame that claims more ends its connection before memory is spent on it.
  socket.set(option::maxmsgsize, static_cast<std::int64_t>(max_peer_message_bytes(settings)));
  // B5: what the kernel keeps for us is old by the time we read it.
  socket.set(option::rcvbuf, static_cast<int>(kMebibyte));
  // A restarted cluster connects at once, two lanes a peer.
  socket.set(option::backlog, 128);
  // B13
  socket.set(option::linger, 0);
}

void set_client_router_options(zmq::socket_t& socket, const settings::Settings& settings) {
  set_tcp_options(socket);
  // B6: EHOSTUNREACH tells that a client is gone, and EAGAIN that it does not read its replies.
  socket.set(option::router_mandatory, true);
  // Replies that wait for a client: all it may have in flight, and as many refusals again.
  const auto in_flight = settings.limits.max_requests_per_client;
  socket.set(option::sndhwm, static_cast<int>(2 * in_flight + 100));
  // B16: a frame that is much too large ends its connection.
  socket.set(option::maxmsgsize, static_cast<std::int64_t>(max_client_message_bytes(settings)));
  // Many clients may come at once, after a restart.
  socket.set(option::backlog, 1024);
  // B13: the last answers get a moment to leave, within the second that a stop may take.
  socket.set(option::linger, 200);
}

void set_dealer_options(zmq::socket_t& socket, Lane lane, const settings::Settings& settings) {
  set_tcp_options(socket);
  // B2, B5: nothing is queued for a peer that is away.
  socket.set(option::immediate, true);
  // B5: a full lane drops, and Raft repairs it. The bulk lane holds the window of one peer, the
  // small lane the answers to a window and the elections of the moment.
  const auto window = static_cast<int>(settings.raft.window_messages);
  socket.set(option::sndhwm, lane == Lane::kBulk ? window + 16 : 2 * window + 128);
  // B5: the kernel's share of what is under way to a slow peer.
  const auto buffer = static_cast<int>(lane == Lane::kBulk ? kMebibyte : kMebibyte / 8);
  socket.set(option::sndbuf, buffer);
  // Nothing comes back on a lane: replies arrive at this node's ROUTER.
  socket.set(option::rcvbuf, 16 * 1024);
  socket.set(option::maxmsgsize, std::int64_t{1024});
  // B10: quickly at first, once a second to a peer that stays away.
  socket.set(option::reconnect_ivl, 50);
  socket.set(option::reconnect_ivl_max, 1000);
  // B9: a peer that acknowledges nothing for 5 s is disconnected, and connected anew.
  socket.set(option::tcp_maxrt, 5000);
  // B3: no routing id; who speaks stands in each message. B13:
  socket.set(option::linger, 0);
}

void set_joiner_options(zmq::socket_t& socket) {
  set_tcp_options(socket);
  // B2, B5: a question is asked once the member is there, and not later by itself.
  socket.set(option::immediate, true);
  // One question at a time, each on a socket of its own or after the last one's answer.
  socket.set(option::sndhwm, 4);
  // B16, B19: a reply names at most 64 members.
  socket.set(option::maxmsgsize, static_cast<std::int64_t>(max_join_reply_bytes()));
  // B10
  socket.set(option::reconnect_ivl, 50);
  socket.set(option::reconnect_ivl_max, 1000);
  // B13
  socket.set(option::linger, 0);
}

void set_publisher_options(zmq::socket_t& socket) {
  set_tcp_options(socket);
  // B15: messages that wait for one slow subscriber; beyond it they are dropped, which it sees by
  // `seq` and `applied_index`, and repairs with `replay`.
  socket.set(option::sndhwm, 32 * 1024);
  // Subscribers send nothing but subscriptions.
  socket.set(option::maxmsgsize, std::int64_t{64 * 1024});
  socket.set(option::backlog, 1024);
  // B13: the last broadcasts get a moment to leave.
  socket.set(option::linger, 200);
}

}  // namespace actors
