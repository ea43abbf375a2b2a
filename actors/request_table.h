// RequestTable: the requests of clients that wait for an answer. It numbers them, caps them in
// all and a client, and knows which have waited too long. All have the same time-out, so the one
// with the lowest number is always the next to expire. Part of socket_server.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <unordered_map>

#include "actors/client_listener.h"
#include "codec/client_codec.h"
#include "raft/types.h"

namespace actors {

enum class RequestKind : std::uint8_t {
  kWrite,  // through the log: also a change of members
  kRead,   // linearizable
  kLocal,  // a local read, a replay, a part of a snapshot
  kStatus,
  kMembers,
  kDebug,
  kTransfer,
  kSnapshot,
};

struct WaitingRequest {
  ClientAddress client;
  codec::RequestId id;
  RequestKind kind;
  raft::Milliseconds deadline;
};

class RequestTable {
 public:
  struct Limits {
    std::size_t in_all;
    std::size_t per_client;
    raft::Milliseconds timeout_ms;
  };
  struct Numbered {
    raft::RequestNumber number;
    WaitingRequest request;
  };

  // `starts`: of the data directory, this one included.
  RequestTable(std::uint64_t starts, Limits limits);
  RequestTable(const RequestTable&) = delete;
  RequestTable& operator=(const RequestTable&) = delete;

  [[nodiscard]] bool full() const { return size_ >= limits_.in_all; }
  [[nodiscard]] bool full_for(const ClientAddress& client) const;

  // Not full, in all and for the client.
  [[nodiscard]] raft::RequestNumber add(ClientAddress client, codec::RequestId id, RequestKind kind,
                                        raft::Milliseconds now);
  // None: it was answered already, or has expired.
  [[nodiscard]] std::optional<WaitingRequest> take(raft::RequestNumber number);
  [[nodiscard]] std::optional<Numbered> take_expired(raft::Milliseconds now);

  [[nodiscard]] std::size_t size() const { return size_; }
  [[nodiscard]] std::size_t clients() const { return per_client_.size(); }

 private:
  struct Place {
    WaitingRequest request;
    std::size_t* of_client;  // how many of its client wait, in per_client_
  };

  [[nodiscard]] raft::RequestNumber first_in_row() const { return last_number_ + 1 - row_.size(); }
  void shorten_row();
  void drop_first_in_row();
  [[nodiscard]] WaitingRequest take_first_in_row();
  [[nodiscard]] WaitingRequest take_late(std::map<raft::RequestNumber, Place>::iterator at);
  // What it leaves is to be removed.
  [[nodiscard]] WaitingRequest leave(Place& place);

  Limits limits_;
  raft::RequestNumber last_number_;
  raft::RequestNumber highest_number_;  // of this start
  // Those with the last numbers, one after the other; none where it was answered, but for the
  // first.
  std::deque<std::optional<Place>> row_;
  // Those that are left of earlier numbers, so that one that waits for long keeps no long row.
  std::map<raft::RequestNumber, Place> late_;
  std::size_t size_ = 0;
  std::unordered_map<std::string, std::size_t> per_client_;  // by routing id; only those waiting
};

}  // namespace actors
