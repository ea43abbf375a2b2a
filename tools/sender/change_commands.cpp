// Changes of the cluster: sent, and then watched until they are complete.
#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <thread>
#include <utility>

#include "client/ask_each.h"
#include "client/endpoints.h"
#include "client/terminal.h"
#include "sender/commands.h"
#include "sender/members.h"
#include "sender/session.h"

namespace sender {
namespace {

using client::Answer;
using client::Clock;
using client::Json;
using client::Outcome;
using std::chrono::milliseconds;

constexpr milliseconds kPoll{200};
// A node that is there answers well within it; one that is gone holds up a turn that long.
constexpr milliseconds kAnswerTime{500};

struct Observation {
  bool complete = false;
  std::string progress;  // where it is not
};

// One change from its request to its end. What is asked for is a state of the cluster, so where
// it is not known whether a request took effect, the state tells, and the request may be repeated.
class Change {
 public:
  Change(const Options& options, const Options& reach, client::Request request)
      : options_(options),
        session_(reach),
        endpoints_(session_.endpoints()),
        request_(std::move(request)),
        deadline_(Clock::now() + options.timeout()) {}
  virtual ~Change() = default;
  Change(const Change&) = delete;
  Change& operator=(const Change&) = delete;

  int run() {
    if (const auto failed = send()) return *failed;
    if (options_.no_wait) return report(Json::object(), describe_begun());
    client::ProgressLine progress;
    while (true) {
      const Observation seen = observe();
      if (progress.is_due() && !seen.complete) progress.show(seen.progress);
      if (seen.complete || Clock::now() >= deadline_) {
        progress.clear();
        return seen.complete ? report({{"complete", true}}, describe_complete())
                             : report_incomplete(seen.progress);
      }
      pause();
    }
  }

 protected:
  // What is known of the change by now.
  virtual Observation observe() = 0;
  virtual void on_begun(const client::Fields& /*reply*/) {}
  [[nodiscard]] virtual std::string describe_begun() const = 0;
  [[nodiscard]] virtual std::string describe_complete() const = 0;

  // Of every node that is known so far.
  std::vector<Answer> ask_all(const client::Request& request) {
    asked_at_ = Clock::now();
    auto answers = client::ask_each(session_.context(), endpoints_, request, kAnswerTime);
    endpoints_ = client::all_members(answers);
    return answers;
  }

  Json facts_{{"ok", true}};  // for --json

 private:
  // The exit code where the change did not begin.
  std::optional<int> send() {
    bool in_doubt = false;
    while (true) {
      const Outcome outcome = session_.client().call(request_, left());
      if (outcome.ok()) {
        facts_ = outcome.reply->to_json();
        facts_.erase("leader");  // where the reply came from says nothing of the change
        on_begun(outcome.reply->fields());
        return std::nullopt;
      }
      const std::string_view code = outcome.reply ? outcome.reply->error_code() : "";
      const bool unknown = !outcome.reply || code == "unknown_outcome";
      in_doubt |= unknown;
      // A conflict may be with what an earlier attempt has done.
      const bool undecided = unknown || (in_doubt && code == "conflict");
      if (options_.no_wait || !undecided) return print_outcome(options_, outcome);
      if (observe().complete) return std::nullopt;
      if (!unknown || Clock::now() >= deadline_) return print_outcome(options_, outcome);
      pause();
    }
  }

  int report(const Json& more, const std::string& sentence) {
    facts_.update(more);
    options_.json ? print_json(facts_) : print_line(sentence);
    return kSuccess;
  }

  int report_incomplete(const std::string& progress) {
    const std::string message =
        fmt::format("not complete within {} ms, the cluster goes on with it: {}",
                    options_.timeout().count(), progress);
    if (options_.json) {
      facts_.update(Json{{"ok", false},
                         {"complete", false},
                         {"error", {{"code", "not_complete"}, {"message", message}}}});
      print_json(facts_);
    }
    fmt::print(stderr, "zmq-send: {}\n", message);
    return kNoAnswer;
  }

  [[nodiscard]] milliseconds left() const {
    const auto left = std::chrono::ceil<milliseconds>(deadline_ - Clock::now());
    return std::max(left, milliseconds(1));
  }

  void pause() const {
    std::this_thread::sleep_until(std::min(std::max(asked_at_ + kPoll, Clock::now()), deadline_));
  }

  const Options& options_;
  Session session_;
  std::vector<std::string> endpoints_;
  const client::Request request_;
  const Clock::time_point deadline_;
  Clock::time_point asked_at_;
};

class MembershipChange : public Change {
 public:
  using Reached = std::function<bool(const Members&)>;

  MembershipChange(const Options& options, const Options& reach, client::Request request,
                   Reached reached, std::string complete)
      : Change(options, reach, std::move(request)),
        reached_(std::move(reached)),
        complete_(std::move(complete)) {}

 private:
  Observation observe() override {
    const auto members = latest_members(ask_all(client::make_members()));
    if (!members) return {false, "no node says who the members are"};
    const bool in_force = members->index >= index_;
    if (in_force && !members->changing && reached_(*members)) {
      facts_["index"] = index_ = std::max(index_, members->index);
      return {true, {}};
    }
    return {false, describe_change(*members)};
  }

  void on_begun(const client::Fields& reply) override {
    index_ = reply.integer("index").value_or(0);
  }

  [[nodiscard]] std::string describe_begun() const override {
    return fmt::format("the change is under way, index {}", index_);
  }
  [[nodiscard]] std::string describe_complete() const override {
    return fmt::format("{}, index {}", complete_, index_);
  }

  const Reached reached_;
  const std::string complete_;
  std::uint64_t index_ = 0;  // of the configuration that began the change; later of the last one
};

class Transfer : public Change {
 public:
  explicit Transfer(const Options& options)
      : Change(options, options, client::make_transfer(options.node)), wanted_(options.node) {
    if (!wanted_) before_ = find_leader();
  }

 private:
  Observation observe() override {
    const auto leader = find_leader();
    // Without a wish any other leader is right, if it is known who led before.
    const bool there = wanted_ ? leader == wanted_ : before_ && leader && leader != before_;
    if (there) facts_["node"] = *(wanted_ = leader);
    return {there, leader ? fmt::format("node {} leads", *leader) : "no node leads"};
  }

  void on_begun(const client::Fields& reply) override {
    if (const auto node = reply.integer("node")) wanted_ = node;
  }

  [[nodiscard]] std::string describe_begun() const override {
    return fmt::format("leadership goes to node {}", wanted_.value_or(0));
  }
  [[nodiscard]] std::string describe_complete() const override {
    return fmt::format("node {} leads", wanted_.value_or(0));
  }

  // As the node of the highest term knows it.
  std::optional<std::uint64_t> find_leader() {
    std::optional<std::uint64_t> leader;
    std::uint64_t highest = 0;
    for (const Answer& answer : ask_all(client::make_status())) {
      if (!answer.reply) continue;
      const std::uint64_t term = answer.reply->fields().integer("term").value_or(0);
      const auto known = answer.reply->fields().integer("leader");
      if (term < highest || (term == highest && !known)) continue;
      highest = term;
      leader = known;
    }
    return leader;
  }

  std::optional<std::uint64_t> wanted_;
  std::optional<std::uint64_t> before_;  // who led, where anyone else is right
};

client::Newcomer describe_newcomer(const Options& options, Options& reach) {
  client::Newcomer newcomer{.id = options.node.value_or(0),
                            .peer = options.peer_endpoint,
                            .client = options.client_endpoint,
                            .publish = options.publish_endpoint,
                            .priority = options.priority,
                            .voter = !options.learner,
                            .replaces = options.replaces};
  const bool by_hand = options.node || !newcomer.peer.empty() || !newcomer.client.empty() ||
                       !newcomer.publish.empty();
  if (by_hand) {
    if (!options.node || newcomer.peer.empty() || newcomer.client.empty() ||
        newcomer.publish.empty()) {
      throw client::UsageError("--node, --peer, --client and --publish belong together");
    }
    for (const auto* endpoint : {&newcomer.peer, &newcomer.client, &newcomer.publish}) {
      client::check_endpoint(*endpoint);
    }
    return newcomer;
  }
  if (options.config.empty()) {
    throw client::UsageError("who joins? Name its --config, or --node and its endpoints");
  }
  const client::NodeFile file = client::read_node_file(options.config);
  newcomer.id = file.id;
  newcomer.peer = file.peer;
  newcomer.client = file.client;
  newcomer.publish = file.publish;
  // Not the node itself: it has nothing to say before it is let in.
  reach.config.clear();
  if (reach.to.empty()) reach.to = file.others;
  return newcomer;
}

bool is_member(const Members& members, const client::Newcomer& newcomer) {
  const Member* member = members.find(newcomer.id);
  return member != nullptr && member->voter == newcomer.voter && member->peer == newcomer.peer &&
         member->client == newcomer.client && member->publish == newcomer.publish;
}

}  // namespace

int run_join(const Options& options) {
  Options reach = options;
  const client::Newcomer newcomer = describe_newcomer(options, reach);
  std::string complete =
      fmt::format("node {} is a {}", newcomer.id, newcomer.voter ? "voter" : "learner");
  for (const std::uint64_t replaced : newcomer.replaces) {
    complete += fmt::format(", node {} has left", replaced);
  }
  const auto reached = [&newcomer](const Members& members) {
    return is_member(members, newcomer) &&
           std::none_of(newcomer.replaces.begin(), newcomer.replaces.end(),
                        [&](std::uint64_t id) { return members.find(id) != nullptr; });
  };
  return MembershipChange(options, reach, client::make_join(newcomer), reached, complete).run();
}

int run_leave(const Options& options) {
  const std::uint64_t node = options.node.value_or(0);
  const auto reached = [node](const Members& members) { return members.find(node) == nullptr; };
  return MembershipChange(options, options, client::make_leave(node), reached,
                          fmt::format("node {} has left", node))
      .run();
}

int run_promote(const Options& options) {
  const std::uint64_t node = options.node.value_or(0);
  const auto reached = [node](const Members& members) {
    const Member* member = members.find(node);
    return member != nullptr && member->voter;
  };
  return MembershipChange(options, options, client::make_promote(node), reached,
                          fmt::format("node {} is a voter", node))
      .run();
}

int run_transfer(const Options& options) { return Transfer(options).run(); }

}  // namespace sender
