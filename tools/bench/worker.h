// Worker: some of the clients, on one thread. Each client is a DEALER with its share of the
// requests in flight; each request waits for its answer before the next takes its place. Each
// connection is judged by itself, so that one that is dead is not hidden by others that are well.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>
#include <zmq.hpp>

#include "base/random.h"
#include "bench/histogram.h"
#include "bench/outage.h"
#include "client/client.h"
#include "client/request.h"

namespace bench {

using client::Clock;

enum class Phase : int { kWarmUp, kMeasure, kEnd };

struct Plan {
  std::vector<std::string> endpoints;  // all members
  bool any_node;                       // else the leader alone
  bool write;
  bool local;
  std::size_t clients;
  std::size_t in_flight;
  std::size_t value_bytes;
  std::uint64_t keys;
  bool retry;  // a request until it is answered; else a refusal is an error
  // So many, each until it has ended, and no more; else without end.
  std::optional<std::uint64_t> requests;
  bool fill;  // keys first_key, first_key + key_step, …; else random ones
  std::uint64_t first_key;
  std::uint64_t key_step;
  Outage* outage;  // told of every success; may be null
};

struct Tally {
  Histogram latencies;                          // of successes in the measured time
  std::map<std::string, std::uint64_t> errors;  // by code, in the measured time
  std::uint64_t not_found = 0;
  std::uint64_t retries = 0;  // requests sent again, in the measured time
};

// The client endpoint of the leader, asked of all `endpoints` until one is known. Nothing once
// `phase` is kEnd or `timeout` is over.
[[nodiscard]] std::optional<std::string> find_leader(zmq::context_t& context,
                                                     const std::vector<std::string>& endpoints,
                                                     std::chrono::milliseconds timeout,
                                                     const std::atomic<Phase>& phase);

class Worker {
 public:
  Worker(zmq::context_t& context, Plan plan, const std::atomic<Phase>& phase);

  // The body of the thread: until `phase` is kEnd, or all requests of the plan have ended.
  void run();

  // From any thread.
  [[nodiscard]] std::uint64_t completed() const { return completed_.load(); }
  [[nodiscard]] bool done() const { return done_.load(); }
  // Once run() has returned.
  [[nodiscard]] const Tally& tally() const { return tally_; }

 private:
  struct Slot {
    std::uint64_t id = 0;  // of the attempt that waits for its reply; 0: none
    std::uint64_t key = 0;
    Clock::time_point begun;    // sent for the first time
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
  void send_free();
  bool send(std::size_t slot);
  [[nodiscard]] std::optional<std::uint64_t> choose_key(const Slot& slot);
  void wait();
  void receive(Connection& connection);
  void on_reply(Connection& connection, std::string_view frame);
  void on_error(std::size_t slot, std::string_view frame);
  void check();
  void check_connection(std::size_t which);
  [[nodiscard]] bool is_broken(Connection& connection, Clock::time_point now) const;
  void lose_requests(std::size_t connection);
  void expire_requests(Clock::time_point now);
  void release(std::size_t slot);
  void end(std::size_t slot);
  void send_again(std::size_t slot);
  void count_unanswered();
  void count_error(const std::string& code);

  zmq::context_t& context_;
  const Plan plan_;
  const std::atomic<Phase>& phase_;
  client::Request request_;  // its id and key are patched for each send
  std::size_t key_offset_;
  client::Request probe_;
  base::Random random_;
  std::vector<std::string> endpoints_;  // that connections go to
  std::vector<Connection> connections_;
  std::vector<Slot> slots_;  // slot i belongs to connection i modulo their number
  std::deque<std::size_t> free_;
  std::size_t waiting_ = 0;  // slots that wait for a reply
  std::uint64_t begun_ = 0;  // requests
  std::uint64_t ended_ = 0;  // of these: answered, or given up
  std::uint64_t last_round_ = 0;
  bool leader_lost_ = false;  // send nothing more; connect anew once the answers are in
  Clock::time_point next_check_;
  Clock::time_point next_expiry_;
  Tally tally_;
  std::atomic<std::uint64_t> completed_{0};
  std::atomic<bool> done_{false};
};

}  // namespace bench
