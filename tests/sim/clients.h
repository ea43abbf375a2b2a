// Clients: who asks the cluster, at random nodes, for sets, deletes and gets. An operation is
// tried again elsewhere as long as that is safe: where it was not taken, gets always, and writes
// under a session, which take effect once. What was told is remembered as one history a key, and
// has to be linearizable in the end. Requests of an operator, whose outcome shows elsewhere, go
// through here too, as their numbers are those of clients.
//
// Checked at once is what one answer shows: an acknowledged write is that very entry, committed
// and on a majority; a read sees every write acknowledged before; what was refused as not taken
// has no effect; a request has one end.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "base/random.h"
#include "checks.h"
#include "linearizability.h"
#include "node.h"

namespace sim {

enum class Outcome : std::uint8_t { kOpen, kDone, kNotTaken, kUnknown };

class Clients {
 public:
  using Ticket = std::size_t;  // of an operation

  Clients(Environment& environment, Checks& checks, const Checks::Nodes& nodes);

  // Operations come until they are stopped; from then on none is tried again.
  void run();
  void stop() { stopped_ = true; }

  // A set or a get, asked once, at this node.
  Ticket write(Node& node);
  Ticket read(Node& node);
  [[nodiscard]] Outcome outcome(Ticket ticket) const { return operations_[ticket].outcome; }
  [[nodiscard]] std::size_t open() const { return open_; }

  // The ends of requests.
  void on_written(const Node& node, raft::RequestNumber number, raft::Index index,
                  const AppliedEntry& applied);
  void on_completed(const Node& node, const raft::Complete& completion);
  void on_read(const Node& node, raft::RequestNumber number);
  void on_refused(const Node& node, const raft::Refuse& refusal);
  void on_ended(const Node& node);

  // An operator asks this node, which runs: `event` gets the number of the request.
  template <typename MakeEvent>
  void ask(Node& node, MakeEvent make_event) {
    const raft::RequestNumber number = begin_attempt(node, {.operation = kOperator});
    node.receive(make_event(number));
  }

  void ask_for_change(Node& node, const raft::MembershipChange& change);

  // From now on every request that such a node is asked has to be answered, by whatever, while it
  // runs; within `limit_us` more than a client waits.
  void expect_answers(Microseconds limit_us, std::function<bool(const Node&)> of) {
    extra_patience_us_ = limit_us;
    answers_all_ = std::move(of);
  }

  // When all is over.
  void check_histories();

 private:
  static constexpr Ticket kOperator = ~Ticket{0};
  static constexpr std::size_t kNoSession = ~std::size_t{0};

  enum class Purpose : std::uint8_t {
    kKey,          // its call is one of the histories
    kPublication,  // all that follow write nothing to a key
    kOpensSession,
    kClosesSession,
  };
  struct Pending {
    Operation told;
    std::uint64_t key = 0;
    Purpose purpose = Purpose::kKey;
    std::size_t session = kNoSession;  // its place in sessions_
    std::optional<SessionSeq> name;
    bool doubtful = false;  // an attempt may have taken effect, and nobody was told
    std::uint64_t attempts_left = 0;
    Outcome outcome = Outcome::kOpen;
  };
  // One request to one node.
  struct Attempt {
    Ticket operation = 0;
    std::uint64_t write = 0;         // none for a get
    raft::Index answered_index = 0;  // the highest that was acknowledged when this was asked
    std::shared_ptr<const raft::MembershipChange> change;  // none: it is none
    bool patient = false;                                  // it has to be answered
    Outcome outcome = Outcome::kOpen;
    bool expired = false;
    bool ended = false;  // by the node, be it too late
  };
  // One client that numbers its writes.
  struct Session {
    std::uint64_t id = 0;  // 0: not open
    std::uint64_t last_seq = 0;
    std::uint64_t under_way = 0;
    bool changing = false;  // it is being opened or closed, alone
  };
  // Those of one node since its last start, by the order of their numbers.
  struct Attempts {
    std::uint64_t start = 0;
    std::vector<Attempt> all;
  };

  void begin_next();
  Ticket begin(Call call, std::uint64_t attempts);
  [[nodiscard]] std::size_t free_session() const;
  void begin_under_session(std::size_t session, Call call);
  raft::RequestNumber begin_attempt(Node& node, Attempt attempt);
  void finish_opening(Ticket ticket, const AppliedEntry& applied);
  void finish_closing(Ticket ticket);
  void finish_write(const Node& node, const Attempt& attempt, const AppliedEntry& applied);
  void on_session_expired(Ticket ticket);
  [[nodiscard]] raft::Event event_of(const Attempt& attempt, raft::RequestNumber number);
  void try_somewhere(Ticket ticket);
  void try_at(Node& node, Ticket ticket);
  [[nodiscard]] Attempt& attempt_of(const Node& node, raft::RequestNumber number);
  // None where nobody waits any more.
  Attempt* end(const Node& node, raft::RequestNumber number, Outcome outcome);
  void expire(Node& node, raft::RequestNumber number, std::uint64_t start);
  // An attempt got no answer that counts.
  void on_failed(const Attempt& attempt, Outcome outcome);
  void finish(Ticket ticket, Outcome outcome);

  Environment& environment_;
  Checks& checks_;
  const Checks::Nodes& nodes_;
  base::Random random_;
  base::Random more_random_;  // of publications and of sessions that are closed
  bool stopped_ = false;
  std::optional<Microseconds> extra_patience_us_;
  std::function<bool(const Node&)> answers_all_;
  std::uint64_t left_;  // operations that have not begun
  std::uint64_t left_in_burst_ = 0;
  std::vector<Pending> operations_;
  std::vector<Ticket> operation_of_write_;  // by write - 1
  std::vector<Session> sessions_;
  std::vector<Attempts> attempts_;  // by node - 1
  std::size_t open_ = 0;
  std::uint64_t last_write_ = 0;
  std::uint64_t last_moment_ = 0;  // of questions and answers
  raft::Index answered_index_ = 0;
};

}  // namespace sim
