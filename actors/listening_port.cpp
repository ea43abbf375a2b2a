#include "actors/listening_port.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>

#include "actors/process.h"

namespace actors {
namespace {

// Of descriptors that connections leave to the node itself; RocksDB alone takes up to 256. Where
// the limit is low, a quarter of it.
constexpr std::uint64_t kReserve = 320;

std::string_view name_of(ListeningPort::For whom) {
  switch (whom) {
    case ListeningPort::For::kPeers:
      return "peers";
    case ListeningPort::For::kClients:
      return "clients";
    case ListeningPort::For::kSubscribers:
      return "subscribers";
  }
  return {};
}

}  // namespace

ListeningPort::ListeningPort(For whom, const InputSocket& socket, ActorLog log)
    : whom_(whom), endpoint_(socket.endpoint()), log_(std::move(log)) {}

void ListeningPort::look(InputSocket& socket) {
  const bool few = few_are_left();
  if (few && listens_) hang_up(socket);
  if (!few && !listens_) listen(socket);
}

bool ListeningPort::few_are_left() const {
  const OpenFiles files = open_files();
  std::uint64_t reserve = std::min(kReserve, files.limit / 4);
  if (whom_ == For::kPeers) reserve /= 2;
  // Some more have to be free before it listens, or it would hang up all the time.
  if (!listens_) reserve += reserve / 4;
  return files.left <= reserve;
}

void ListeningPort::hang_up(InputSocket& socket) {
  socket.stop_listening(endpoint_);
  listens_ = false;
  log_.warning(
      "few more files may be opened: hangs up on all {} at {}; raise limits.max_open_files, or "
      "find out who connects so often",
      name_of(whom_), endpoint_);
}

void ListeningPort::listen(InputSocket& socket) {
  try {
    socket.listen(endpoint_);
  } catch (const zmq::error_t&) {
    return;  // the listener from before may not have ended: the next tick tries again
  }
  listens_ = true;
  log_.info("takes {} at {} again", name_of(whom_), endpoint_);
}

}  // namespace actors
