// Worker: some of the clients, on one thread. Each client is a DEALER with its share of the
// requests in flight; each request waits for its answer before the next takes its place. Each
// connection is judged by itself, so that one that is dead is not hidden by others that are well.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "base/random.h"
#include "bench/alarm.h"
#include "bench/plan.h"
#include "bench/reply_scan.h"
#include "bench/stage.h"
#include "bench/tally.h"
#include "bench/traffic.h"
#include "client/request.h"

namespace bench {

// The client endpoint of the leader, asked of all `endpoints` until one is known. Nothing once
// `phase` is kEnd or `timeout` is over.
[[nodiscard]] std::optional<std::string> find_leader(zmq::context_t& context,
                                                     const std::vector<std::string>& endpoints,
                                                     std::chrono::milliseconds timeout,
                                                     const std::atomic<Phase>& phase);

class Worker {
 public:
  Worker(zmq::context_t& context, Plan plan, const Stage& stage);
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // The body of the thread: until the stage is at its end, or all requests of the plan have ended.
  void run();

  // From any thread.
  [[nodiscard]] std::uint64_t completed() const { return completed_.load(); }
  [[nodiscard]] bool done() const { return done_.load(); }
  // In Phase::kDrain: nothing is under way any more.
  [[nodiscard]] bool drained() const { return drained_.load(); }
  // Once run() has returned.
  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  struct Slot {
    std::uint64_t id = 0;  // of the attempt that waits for its reply; 0: none
    Work work;
    Clock::time_point sent_at;  // this attempt
    bool again = false;         // refused or lost, and to be sent once more
  };
  // A DEALER connects once, see open_dealer: when it is broken, another takes its place.
  struct Connection {
    zmq::socket_t socket;
    std::size_t endpoint;           // of those that connect() found
    Clock::time_point give_up_at;   // where not connected
    bool connected = false;         // has been
    std::size_t waiting = 0;        // slots that wait for a reply
    Clock::time_point quiet_since;  // the last reply, or the first request that waits for one
    std::optional<Clock::time_point> probed_at = {};  // asked for its status, since then
    Clock::time_point resume_at;                      // after a refusal
    unsigned failures = 0;  // connections that came to nothing since the last that did not
  };

  [[nodiscard]] bool finished() const;
  void connect();
  [[nodiscard]] Connection open(std::size_t endpoint, unsigned failures);
  [[nodiscard]] std::size_t another_endpoint(std::size_t than);
  [[nodiscard]] Connection& connection_of(std::size_t slot);
  [[nodiscard]] const Work* next_work(Clock::time_point now);
  void send_due();
  bool send_next(std::size_t slot, Clock::time_point now);
  bool send(std::size_t slot, const Work& work, Clock::time_point now);
  void wait();
  void receive(Connection& connection);
  void on_reply(Connection& connection, std::string_view frame);
  void on_success(const Slot& slot, const ScannedReply& reply, Clock::time_point now);
  void on_error(std::size_t slot, std::string_view frame);
  void check();
  void check_connection(std::size_t which);
  [[nodiscard]] bool is_broken(Connection& connection, Clock::time_point now) const;
  void lose_requests(std::size_t connection);
  void expire_requests(Clock::time_point now);
  void release(std::size_t slot);
  void end(std::size_t slot);
  void send_again(std::size_t slot);
  [[nodiscard]] bool is_measured(const Work& work) const;
  void count_unanswered();
  void count_as_unanswered(const Work& work, Clock::time_point now);
  void count_error(const Work& work, const std::string& code);

  zmq::context_t& context_;
  const Plan plan_;
  const Stage& stage_;
  Traffic traffic_;  // of plan_
  Alarm alarm_;      // for what is due next
  client::Request probe_;
  base::Random random_;
  std::vector<std::string> endpoints_;  // that connections go to
  std::vector<Connection> connections_;
  std::vector<Slot> slots_;         // slot i belongs to connection i modulo their number
  std::deque<std::size_t> free_;    // slots with nothing to do
  std::deque<std::size_t> resend_;  // slots whose work is to be sent again
  std::size_t waiting_ = 0;         // slots that wait for a reply
  std::uint64_t ended_ = 0;         // requests: answered, or given up
  std::uint64_t last_round_ = 0;
  bool leader_lost_ = false;  // send nothing more; connect anew once the answers are in
  Clock::time_point next_check_;
  Clock::time_point next_expiry_;
  Tally tally_;
  std::atomic<std::uint64_t> completed_{0};
  std::atomic<bool> done_{false};
  std::atomic<bool> drained_{false};
};

}  // namespace bench
