// Audience: the subscribers of a run, all on one thread and with a ZeroMQ context of their own, so
// that they take nothing from the threads of the load. Each hears all changes of keys from one
// node, and is judged by itself. What is heard is counted and dropped.
//
// Which changes there were is known from the acknowledgements and from what any subscriber heard: a
// write without an answer may have been applied all the same.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <thread>
#include <vector>
#include <zmq.hpp>

#include "bench/index_set.h"

namespace bench {

// In total over all subscribers.
struct Broadcasts {
  std::uint64_t received = 0;      // in log order
  std::uint64_t missing = 0;       // changes that did not come, or after a later one
  std::uint64_t out_of_order = 0;  // that came after a later one, or again
};

class Audience {
 public:
  // Subscribes at once; subscriber i at publisher i modulo their number, of which there is one.
  Audience(const std::vector<std::string>& publishers, std::size_t subscribers);
  ~Audience();
  Audience(const Audience&) = delete;
  Audience& operator=(const Audience&) = delete;

  // How many have not heard their node yet; once they have, they hear every change that follows.
  [[nodiscard]] std::size_t unconnected() const { return unconnected_; }
  // What has a higher index than this counts. Called once, before the load.
  void begin(std::uint64_t after) { after_ = after; }
  // The load is over: what is behind the last change that was acknowledged or heard by now does not
  // count any more. Called once, after begin().
  void end_with(std::uint64_t acknowledged) { acknowledged_ = acknowledged; }
  // How many have not heard that last change yet. Valid once settled().
  [[nodiscard]] std::size_t behind() const { return behind_; }
  [[nodiscard]] bool settled() const { return settled_; }
  // Ends the thread. `acknowledged`: all above what begin() was given.
  [[nodiscard]] Broadcasts finish(const IndexSet& acknowledged);

 private:
  static constexpr std::uint64_t kNotYet = std::numeric_limits<std::uint64_t>::max();

  struct Subscriber {
    zmq::socket_t socket;
    bool connected = false;
    std::uint64_t last = 0;  // the highest index heard
    std::uint64_t received = 0;
    std::uint64_t out_of_order = 0;
  };

  void subscribe(const std::vector<std::string>& publishers, std::size_t subscribers);
  void run();
  void listen();
  void drain(Subscriber& subscriber);
  void take_status(Subscriber& subscriber);
  void take_change(Subscriber& subscriber, std::string_view header);
  void settle();
  void count_behind();
  void stop();

  zmq::context_t context_;
  std::vector<Subscriber> subscribers_;  // of the thread, while it runs
  IndexSet heard_;                       // by any of them; of the thread, too
  std::uint64_t until_ = kNotYet;        // the last change that counts, once settled
  std::atomic<std::uint64_t> after_{kNotYet};
  std::atomic<std::uint64_t> acknowledged_{kNotYet};
  std::atomic<std::size_t> unconnected_;
  std::atomic<std::size_t> behind_{0};
  std::atomic<bool> settled_{false};
  std::atomic<bool> ended_{false};
  std::thread thread_;
};

}  // namespace bench
