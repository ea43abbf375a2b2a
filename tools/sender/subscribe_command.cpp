#include <fmt/format.h>

#include <algorithm>
#include <cstdio>
#include <map>

#include "client/endpoints.h"
#include "client/interrupt.h"
#include "client/sockets.h"
#include "client/terminal.h"
#include "sender/broadcasts.h"
#include "sender/commands.h"
#include "sender/session.h"

namespace sender {
namespace {

using client::Clock;
using client::Outcome;
using std::chrono::milliseconds;

// A node broadcasts its status at least once a second.
constexpr milliseconds kSilence{3000};
constexpr milliseconds kPoll{200};
// While the node that replays is behind the one that broadcasts.
constexpr milliseconds kBehindPause{20};

void warn(const std::string& text) { fmt::print(stderr, "zmq-send: {}\n", text); }

// The commands end with kSuccess on Ctrl-C, in whatever they wait for.
struct Interrupted {};

class Subscriber {
 public:
  explicit Subscriber(const Options& options)
      : options_(options), session_(options), topics_(topics_or_all(options.prefixes)) {
    for (const std::string& endpoint : options.publish_endpoints) client::check_endpoint(endpoint);
  }

  int run() {
    try {
      if (!find_publishers()) return kNoAnswer;
      listen();
      return options_.complete ? follow_completely() : follow();
    } catch (const Interrupted&) {
      return kSuccess;
    }
  }

 private:
  // Interrupt before Session: its threads must not take the signals.
  client::Interrupt interrupt_;
  const Options& options_;
  Session session_;
  const std::vector<std::string> topics_;
  std::vector<std::string> publishers_;
  std::size_t next_publisher_ = 0;
  std::string publisher_;
  zmq::socket_t socket_;
  Clock::time_point heard_;
  std::uint64_t last_index_ = 0;  // of what was printed, or fetched
  std::uint64_t highest_ = 0;     // seen on the socket
  std::uint64_t printed_ = 0;
  bool warned_ = false;
  std::map<std::string, std::uint64_t, std::less<>> sequences_;

  Outcome call(client::Request request) {
    std::optional<Outcome> outcome;
    session_.client().submit(std::move(request), [&](Outcome o) { outcome = std::move(o); });
    const int descriptor = interrupt_.descriptor();
    while (!outcome) {
      session_.client().turn(milliseconds(100), {&descriptor, 1});
      if (interrupt_.came()) throw Interrupted();
    }
    return std::move(*outcome);
  }

  // The publish endpoints: first that of the node which answered.
  bool find_publishers() {
    publishers_ = options_.publish_endpoints;
    if (!publishers_.empty() && !options_.complete) return true;
    const Outcome status = call(client::make_status());
    if (!status.ok()) {
      static_cast<void>(print_outcome(options_, status));
      return false;
    }
    const client::Fields fields = status.reply->fields();
    last_index_ = options_.after.value_or(fields.integer("applied_index").value_or(0));
    highest_ = fields.integer("applied_index").value_or(0);
    if (publishers_.empty()) add_members(fields);
    if (publishers_.empty()) warn("the node's status names no publish endpoint");
    return !publishers_.empty();
  }

  void add_members(const client::Fields& status) {
    const msgpack::object* members = status.find("members");
    if (members == nullptr || members->type != msgpack::type::ARRAY) return;
    for (std::uint32_t i = 0; i < members->via.array.size; ++i) {
      const client::Fields member(&members->via.array.ptr[i]);
      const std::string endpoint(member.bytes("publish").value_or(""));
      if (!endpoint.starts_with("tcp://")) continue;
      const bool own = member.integer("id") == status.integer("node");
      publishers_.insert(own ? publishers_.begin() : publishers_.end(), endpoint);
    }
  }

  void listen() {
    publisher_ = publishers_[next_publisher_++ % publishers_.size()];
    socket_ = client::open_subscriber(session_.context());
    for (const std::string& topic : topics_) socket_.set(zmq::sockopt::subscribe, topic);
    // Says at least once a second that the node is there, and how far it is.
    socket_.set(zmq::sockopt::subscribe, kStatusTopic);
    socket_.connect(publisher_);
    heard_ = Clock::now();
  }

  void wait(milliseconds time) {
    std::vector<zmq::pollitem_t> items{{socket_.handle(), 0, ZMQ_POLLIN, 0},
                                       {nullptr, interrupt_.descriptor(), ZMQ_POLLIN, 0}};
    try {
      zmq::poll(items, time);
    } catch (const zmq::error_t& error) {
      if (error.num() != EINTR) throw;  // B17
    }
    if (interrupt_.came()) throw Interrupted();
    if (Clock::now() - heard_ < kSilence) return;
    const std::string silent = publisher_;
    listen();
    warn(fmt::format("{} is silent; listening to {}", silent, publisher_));
  }

  // Calls `take` with each broadcast that is there, as long as it returns true.
  template <typename Take>
  bool drain(Take take) {
    while (true) {
      std::vector<zmq::message_t> frames(1);
      if (!socket_.recv(frames[0], zmq::recv_flags::dontwait)) return true;
      while (frames.back().more()) {
        zmq::message_t frame;
        if (!socket_.recv(frame, zmq::recv_flags::dontwait)) break;
        if (frames.size() == 4) frames.pop_back();  // too many already; only `more` matters (B16)
        frames.push_back(std::move(frame));
      }
      if (frames.size() < 2 || frames.size() > 3) continue;
      const auto header = client::unpack(frames[1].to_string_view());
      if (!header) continue;
      heard_ = Clock::now();
      const std::string_view payload =
          frames.size() == 3 ? frames[2].to_string_view() : std::string_view();
      if (!take({frames[0].to_string_view(), client::Fields(&header->get()), payload}))
        return false;
    }
  }

  // Whether to go on.
  bool print(const Broadcast& broadcast) {
    print_broadcast(broadcast, options_.json);
    ++printed_;
    return printed_ != options_.count;
  }

  [[nodiscard]] bool is_wanted(std::string_view topic) const {
    return std::any_of(topics_.begin(), topics_.end(),
                       [&](const std::string& prefix) { return topic.starts_with(prefix); });
  }

  void note_sequence(const Broadcast& broadcast) {
    const auto seq = broadcast.header.integer("seq");
    if (!seq || !broadcast.topic.starts_with("ch/")) return;
    std::uint64_t& last = sequences_[std::string(broadcast.topic)];
    if (last != 0 && *seq > last + 1) {
      warn(fmt::format("{}: {} to {} did not arrive; --complete would have fetched them",
                       client::printable(broadcast.topic), last + 1, *seq - 1));
    }
    last = *seq;
  }

  int follow() {
    last_index_ = 0;  // everything that comes is news
    while (true) {
      const bool more = drain([this](const Broadcast& broadcast) {
        if (!is_wanted(broadcast.topic)) return true;
        if (const auto index = broadcast.index()) {
          // Another node, or the same one after a restart, may broadcast again.
          if (*index <= last_index_) return true;
          last_index_ = *index;
        }
        note_sequence(broadcast);
        return print(broadcast);
      });
      std::fflush(stdout);
      if (!more) return kSuccess;
      wait(kPoll);
    }
  }

  // What arrives on the socket only says that there is something to fetch, as `replay` has every
  // broadcast in order: a lost, late or repeated message then makes no difference.
  int follow_completely() {
    while (true) {
      const bool more = drain([this](const Broadcast& broadcast) {
        const auto index =
            broadcast.index() ? broadcast.index() : broadcast.header.integer("applied_index");
        highest_ = std::max(highest_, index.value_or(0));
        const bool status = broadcast.topic == kStatusTopic && is_wanted(kStatusTopic);
        return !status || print(broadcast);
      });
      const bool going_on = more && fetch();
      std::fflush(stdout);
      if (!going_on) return kSuccess;
      wait(last_index_ < highest_ ? kBehindPause : kPoll);
    }
  }

  // Prints what lies between last_index_ and highest_, as far as a node has it; whether to go on.
  bool fetch() {
    while (last_index_ < highest_) {
      const Page page = read_page(call(client::make_replay(last_index_, topics_, kPageSize)));
      if (!page.outcome.ok()) {
        skip_or_warn(page.outcome);
        return true;
      }
      warned_ = false;
      for (const Broadcast& broadcast : page.broadcasts) {
        if (*broadcast.index() <= last_index_) continue;
        last_index_ = *broadcast.index();
        if (!print(broadcast)) return false;
      }
      if (page.broadcasts.empty() && page.complete_to <= last_index_) return true;
      last_index_ = std::max(last_index_, page.complete_to);
    }
    return true;
  }

  void skip_or_warn(const Outcome& outcome) {
    const auto first = first_kept_index(outcome);
    if (first && *first > last_index_ + 1) {
      warn(fmt::format("what lies between index {} and {} is no longer kept", last_index_, *first));
      last_index_ = *first - 1;
    } else if (!std::exchange(warned_, true)) {
      warn(describe_failure(outcome) + "; trying on");
    }
  }
};

}  // namespace

int run_subscribe(const Options& options) { return Subscriber(options).run(); }

}  // namespace sender
