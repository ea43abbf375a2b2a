// A socket_server with the ends of its links, clients, and the requests and replies of the
// protocol.
#pragma once

#include <map>
#include <memory>
#include <msgpack.hpp>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actors/socket_options.h"
#include "actors/socket_server.h"
#include "support.h"

namespace actors_test {

using namespace actors;  // NOLINT: of tests alone

// The server with the ends of its links, and a DEALER as a client.
struct ServerBench {
  explicit ServerBench(const std::string& more = "")
      : settings(sample_settings(more)),
        handler(make_link<ClientEvents, HandlerAnswers>(inside, "requests", kMustArrive)),
        peer_messages(make_link<PeerMessages>(inside, "peers", 64)),
        queries(make_link<LocalQueries, DatabaseAnswers>(inside, "queries", kMustArrive)),
        parts(make_link<SnapshotReads, SnapshotReadAnswers>(inside, "parts", kMustArrive)),
        ticks(inside, "ticks"),
        peers(bound(outside, zmq::socket_type::router,
                    [this](auto& socket) { set_peer_router_options(socket, settings); })),
        clients(bound(outside, zmq::socket_type::router,
                      [this](auto& socket) { set_client_router_options(socket, settings); })),
        logging(quiet_logging()) {
    BroadcastSource<PeerHeard> heard_source(inside, "heard");
    heard.emplace(inside, "heard");
    server = std::make_unique<SocketServer>(
        settings, codec::PeerIdentity{"test", 1, 11}, 1, 0,
        SocketServer::Sockets{std::move(peers.socket), std::move(clients.socket)},
        SocketServer::Links{std::move(handler.near),
                            std::move(peer_messages.near),
                            std::move(queries.near),
                            std::move(parts.near),
                            {inside, "ticks"},
                            std::move(heard_source)},
        *logging, counters);
  }

  zmq::socket_t connect(const std::string& endpoint,
                        zmq::socket_type type = zmq::socket_type::dealer) {
    zmq::socket_t socket(outside, type);
    socket.set(zmq::sockopt::linger, 0);
    socket.connect(endpoint);
    return socket;
  }

  settings::Settings settings;
  zmq::context_t inside{0};
  zmq::context_t outside{1};
  LinkEnds<ClientEvents, HandlerAnswers> handler;
  LinkEnds<PeerMessages> peer_messages;
  LinkEnds<LocalQueries, DatabaseAnswers> queries;
  LinkEnds<SnapshotReads, SnapshotReadAnswers> parts;
  BroadcastSource<Tick> ticks;
  std::optional<BroadcastListener<PeerHeard>> heard;
  Bound peers;
  Bound clients;
  std::unique_ptr<Logging> logging;
  Counters counters;
  std::unique_ptr<SocketServer> server;
};

// A request with fields that are text or numbers.
inline std::string request(
    const std::map<std::string, std::variant<std::string, std::uint64_t>>& fields) {
  msgpack::sbuffer buffer;
  msgpack::packer<msgpack::sbuffer> packer(buffer);
  packer.pack_map(static_cast<std::uint32_t>(fields.size()));
  for (const auto& [name, value] : fields) {
    packer.pack(name);
    std::visit([&](const auto& each) { packer.pack(each); }, value);
  }
  return {buffer.data(), buffer.size()};
}

inline std::string set_request(int id) {
  msgpack::sbuffer buffer;
  msgpack::packer<msgpack::sbuffer> packer(buffer);
  packer.pack_map(4);
  packer.pack("op");
  packer.pack("set");
  packer.pack("id");
  packer.pack(id);
  packer.pack("key");
  packer.pack("colour");
  packer.pack("value");
  packer.pack("blue");
  return {buffer.data(), buffer.size()};
}

inline void send(zmq::socket_t& socket, const std::vector<std::string>& frames) {
  for (std::size_t i = 0; i < frames.size(); ++i) {
    const auto more = i + 1 < frames.size() ? zmq::send_flags::sndmore : zmq::send_flags::none;
    socket.send(zmq::buffer(frames[i]), more);
  }
}

inline std::string receive(zmq::socket_t& socket) {
  zmq::message_t frame;
  eventually([&] { return receive_frame(socket, frame); });
  return frame.to_string();
}

// The code of an error reply, or "ok".
inline std::string verdict(const std::string& reply) {
  const auto handle = msgpack::unpack(reply.data(), reply.size());
  const auto map = handle.get().as<std::map<std::string, msgpack::object>>();
  if (map.at("ok").as<bool>()) return "ok";
  return map.at("error").as<std::map<std::string, msgpack::object>>().at("code").as<std::string>();
}

inline raft::RequestNumber number_of(const ClientEvent& event) {
  return std::visit([](const auto& each) { return each.request; }, event);
}

using Fields = std::map<std::string, msgpack::object>;

// A reply, unpacked.
class Reply {
 public:
  explicit Reply(const std::string& bytes) : handle_(msgpack::unpack(bytes.data(), bytes.size())) {}
  [[nodiscard]] Fields fields() const { return handle_.get().as<Fields>(); }
  [[nodiscard]] std::uint64_t number(const std::string& name) const {
    return fields().at(name).as<std::uint64_t>();
  }

 private:
  msgpack::object_handle handle_;
};

inline raft::Members three_members() {
  raft::Members members{1, {}};
  for (raft::NodeId id = 1; id <= 3; ++id) {
    members.configuration.members.push_back({.id = id,
                                             .identity = id * 11,
                                             .peer = fmt::format("tcp://127.0.0.1:310{}", id),
                                             .client = fmt::format("tcp://127.0.0.1:410{}", id),
                                             .publish = fmt::format("tcp://127.0.0.1:510{}", id)});
    members.configuration.voters.push_back(id);
  }
  return members;
}

// Collects events until there are `count`.
inline std::vector<ClientEvent> events(ServerBench& bench, std::size_t count) {
  std::vector<ClientEvent> all;
  while (all.size() < count) {
    auto batch = next(bench.handler.far);
    std::move(batch.events.begin(), batch.events.end(), std::back_inserter(all));
  }
  return all;
}

}  // namespace actors_test
