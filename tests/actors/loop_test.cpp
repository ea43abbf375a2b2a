#include <sys/eventfd.h>
#include <unistd.h>

#include <memory>
#include <set>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "actors/broadcast_link.h"
#include "actors/messages.h"
#include "actors/supervisor.h"
#include "support.h"

using namespace actors;
using namespace actors_test;

namespace {

enum class Work { kPassOn, kFail };

// Passes on what it is told, and notes what became of it in a link to the test.
class Worker final : public Actor {
 public:
  Worker(std::string name, Link<std::string, Work> link)
      : name_(std::move(name)), link_(std::move(link)) {}

  std::string_view name() const override { return name_; }
  std::vector<Input> inputs() override { return {link_.input()}; }
  void turn() override {
    while (const auto work = link_.receive()) {
      if (*work == Work::kFail) throw std::runtime_error("out of order");
      link_.send(name_ + " turned");
    }
  }
  void stop() override {
    if (fails_to_stop) throw std::runtime_error("out of order");
    link_.send(name_ + " stopped");
  }

  bool fails_to_stop = false;

 private:
  std::string name_;
  Link<std::string, Work> link_;
};

struct Workers {
  explicit Workers(zmq::context_t& context)
      : first_link(make_link<Work, std::string>(context, "test/first", kMustArrive)),
        second_link(make_link<Work, std::string>(context, "test/second", kMustArrive)),
        first("first", std::move(first_link.far)),
        second("second", std::move(second_link.far)) {}

  LinkEnds<Work, std::string> first_link;
  LinkEnds<Work, std::string> second_link;
  Worker first;
  Worker second;
};

// Whether a node whose supervisor runs on a thread of its own ended well.
struct Supervised {
  Supervised(zmq::context_t& context, settings::RuntimeMode mode, Workers& workers)
      : order(eventfd(0, EFD_CLOEXEC)),
        logging(quiet_logging()),
        log(*logging, "test"),
        runtime(context, mode, {&workers.first, &workers.second}),
        supervision{.stop_order = {&workers.second, &workers.first},
                    .stop_descriptor = order,
                    .take_order = [this] { eventfd_read(order, &taken); },
                    .end_at_once = [] {},
                    .limit_stop = [this] { limited = true; }},
        thread([this] { well = supervise(runtime, supervision, log); }) {}
  ~Supervised() { close(order); }

  int order;
  eventfd_t taken = 0;
  std::unique_ptr<Logging> logging;
  ActorLog log;
  Runtime runtime;
  Supervision supervision;
  bool well = false;
  bool limited = false;
  std::thread thread;
};

// Notes in which order it and others are called.
class Recorder final : public Actor {
 public:
  Recorder(char letter, std::string& record, Link<Nothing, int> in, Link<int, Nothing>* out)
      : letter_(letter), record_(record), in_(std::move(in)), out_(out) {}
  std::string_view name() const override { return {&letter_, 1}; }
  std::vector<Input> inputs() override { return {in_.input()}; }
  void turn() override {
    while (const auto work = in_.receive()) {
      record_ += letter_;
      if (out_ != nullptr) out_->send(*work);
    }
  }

 private:
  char letter_;
  std::string& record_;
  Link<Nothing, int> in_;
  Link<int, Nothing>* out_;
};

}  // namespace

TEST_CASE("loop_runs_the_actor_whose_input_is_readable") {
  const auto mode = each_runtime();
  zmq::context_t context(0);
  Workers workers(context);
  RunningActors running(context, mode, {&workers.first, &workers.second});
  workers.second_link.near.send(Work::kPassOn);
  CHECK(next(workers.second_link.near) == "second turned");
  CHECK_FALSE(workers.first_link.near.receive());
  workers.first_link.near.send(Work::kPassOn);
  CHECK(next(workers.first_link.near) == "first turned");
}

TEST_CASE("loop_carries_work_through_all_its_actors_in_one_pass") {
  zmq::context_t context(0);
  auto to_a = make_link<int>(context, "test/a", kMustArrive);
  auto to_b = make_link<int>(context, "a/b", kMustArrive, Ends::kOnOneThread);
  std::string record;
  Recorder a('a', record, std::move(to_a.far), &to_b.near);
  Recorder b('b', record, std::move(to_b.far), nullptr);
  to_a.near.send(1);
  {
    RunningActors running(context, settings::RuntimeMode::kAsync, {&a, &b});
    running.stop();  // the order comes behind the first pass
  }
  CHECK(record == "ab");
}

TEST_CASE("profile_counts_what_an_actor_did") {
  const auto mode = each_runtime();
  zmq::context_t context(0);
  Workers workers(context);
  Profile profile;
  const int never = eventfd(0, EFD_CLOEXEC);
  {
    Runtime runtime(context, mode, {&workers.first, &workers.second}, &profile);
    runtime.start();
    for (int i = 0; i < 3; ++i) workers.first_link.near.send(Work::kPassOn);
    for (int i = 0; i < 3; ++i) CHECK(next(workers.first_link.near) == "first turned");
    for (Worker* worker : {&workers.first, &workers.second}) {
      runtime.stop(worker);
      CHECK(runtime.wait(never));
    }
  }
  close(never);
  CHECK(profile.actors().size() == 2);
  const ActorProfile& first = profile.actors().front();
  CHECK(first.name == "first");
  CHECK(first.messages_in.value() == 3);
  CHECK(first.messages_out.value() == 3);
  CHECK(first.turns.value() >= 1);
  CHECK(first.turns_ns.value() >= first.zeromq_ns.value());
  CHECK(first.zeromq_ns.value() > 0);
  CHECK(first.waiting_ns.value() > 0);
  CHECK(profile.actors().back().messages_in.value() == 0);
}

TEST_CASE("profile_is_of_the_actor_whose_turn_it_is") {
  ActorProfile actor("one");
  note_events(5);  // by nobody
  {
    const ProfiledTurn turn(&actor);
    note_events(2);
    note_events(3);
  }
  note_events(5);
  CHECK(actor.events.value() == 5);
  CHECK(actor.turns.value() == 1);
}

TEST_CASE("supervisor_stops_each_actor_in_order") {
  const auto mode = each_runtime();
  zmq::context_t context(0);
  Workers workers(context);
  Supervised node(context, mode, workers);
  eventfd_write(node.order, 1);
  node.thread.join();
  CHECK(node.well);
  CHECK_FALSE(node.limited);
  CHECK(node.taken == 1);
  CHECK(next(workers.second_link.near) == "second stopped");
  CHECK(next(workers.first_link.near) == "first stopped");
}

TEST_CASE("supervisor_ends_the_node_where_an_actor_fails") {
  const auto mode = each_runtime();
  zmq::context_t context(0);
  Workers workers(context);
  Supervised node(context, mode, workers);
  workers.second_link.near.send(Work::kFail);
  node.thread.join();
  CHECK_FALSE(node.well);
  CHECK(node.limited);
  // The one that failed is not called again, not even to stop.
  CHECK_FALSE(workers.second_link.near.receive());
  CHECK(next(workers.first_link.near) == "first stopped");
}

TEST_CASE("supervisor_limits_the_stop_where_an_actor_fails_in_it") {
  const auto mode = each_runtime();
  zmq::context_t context(0);
  Workers workers(context);
  workers.second.fails_to_stop = true;
  Supervised node(context, mode, workers);
  eventfd_write(node.order, 1);
  node.thread.join();
  CHECK_FALSE(node.well);
  CHECK(node.limited);
  CHECK(next(workers.first_link.near) == "first stopped");
}

TEST_CASE("runtime_reports_what_an_exception_said") {
  const auto mode = each_runtime();
  zmq::context_t context(0);
  Workers workers(context);
  RunningActors running(context, mode, {&workers.first, &workers.second});
  workers.first_link.near.send(Work::kFail);
  const ActorEnded ended = running.wait_for_end();
  CHECK(ended.actor == &workers.first);
  CHECK(ended.fault == "out of order");
}

// Says on which thread it has its turns.
class Placed final : public Actor {
 public:
  Placed(bool at_disk, Link<std::thread::id, Work> link)
      : at_disk_(at_disk), link_(std::move(link)) {}
  std::string_view name() const override { return "placed"; }
  std::vector<Input> inputs() override { return {link_.input()}; }
  bool waits_for_disk() const override { return at_disk_; }
  void turn() override {
    while (link_.receive()) link_.send(std::this_thread::get_id());
  }

 private:
  bool at_disk_;
  Link<std::thread::id, Work> link_;
};

TEST_CASE("runtime_leaves_who_waits_for_the_disk_alone_on_a_thread") {
  const auto mode = each_runtime();
  zmq::context_t context(0);
  std::vector<LinkEnds<Work, std::thread::id>> links;
  std::vector<std::unique_ptr<Placed>> placed;
  std::vector<Actor*> actors;
  for (const bool at_disk : {false, true, false, true}) {
    const std::string name = "test/" + std::to_string(links.size());
    links.push_back(make_link<Work, std::thread::id>(context, name, kMustArrive));
    placed.push_back(std::make_unique<Placed>(at_disk, std::move(links.back().far)));
    actors.push_back(placed.back().get());
  }
  RunningActors running(context, mode, actors);
  std::vector<std::thread::id> threads;
  for (auto& link : links) {
    link.near.send(Work::kPassOn);
    threads.push_back(next(link.near));
  }
  const std::set<std::thread::id> different(threads.begin(), threads.end());
  CHECK((threads[0] == threads[2]) == (mode == settings::RuntimeMode::kAsync));
  CHECK(different.size() == (mode == settings::RuntimeMode::kAsync ? 3 : 4));
}

// An actor to which every input is the time has its turn because of work that is counted; what has
// come without being counted is asked for too.
TEST_CASE("loop_asks_all_inputs_where_counted_work_is_the_time") {
  zmq::context_t context(0);
  auto first = make_link<int>(context, "test/first", kMustArrive);
  auto counted = make_link<int>(context, "first/second", kMustArrive, Ends::kOnOneThread);
  auto late = make_link<int>(context, "test/second", kMustArrive);

  class First final : public Actor {
   public:
    First(Link<Nothing, int> in, Link<int, Nothing> out, Link<int, Nothing>& meanwhile)
        : in_(std::move(in)), out_(std::move(out)), meanwhile_(meanwhile) {}
    std::string_view name() const override { return "first"; }
    std::vector<Input> inputs() override { return {in_.input()}; }
    void turn() override {
      while (const auto work = in_.receive()) {
        meanwhile_.send(*work);
        out_.send(*work);
      }
    }

   private:
    Link<Nothing, int> in_;
    Link<int, Nothing> out_;
    Link<int, Nothing>& meanwhile_;
  };
  class Second final : public Actor {
   public:
    Second(Link<Nothing, int> counted, Link<Nothing, int> late)
        : counted_(std::move(counted)), late_(std::move(late)) {}
    std::string_view name() const override { return "second"; }
    std::vector<Input> inputs() override {
      return {Input::of_time(counted_.input()), Input::of_time(late_.input())};
    }
    void turn() override {
      const bool came = late_.receive().has_value();
      while (counted_.receive()) seen += came ? "both " : "one ";
    }
    std::string seen;

   private:
    Link<Nothing, int> counted_;
    Link<Nothing, int> late_;
  };

  First one(std::move(first.far), std::move(counted.near), late.near);
  Second two(std::move(counted.far), std::move(late.far));
  RunningActors running(context, settings::RuntimeMode::kAsync, {&one, &two});
  for (int i = 0; i < 3; ++i) {
    first.near.send(i);
    std::this_thread::sleep_for(std::chrono::milliseconds(1));  // most turns find one message
  }
  running.stop();
  CHECK(two.seen.find("one") == std::string::npos);
  CHECK_FALSE(two.seen.empty());
}

// Takes work, and says how much it had taken when the time came.
struct Judgement {
  int taken;
  raft::Milliseconds now;
};
class Judge final : public Actor {
 public:
  Judge(Link<Nothing, int> work, BroadcastListener<Tick> ticks, Link<Judgement, Nothing> out)
      : work_(std::move(work)), ticks_(std::move(ticks)), out_(std::move(out)) {}
  std::string_view name() const override { return "judge"; }
  std::vector<Input> inputs() override { return {work_.input(), Input::of_time(ticks_.input())}; }
  void turn() override {
    const auto tick = ticks_.latest();
    while (work_.receive()) ++taken_;
    if (tick) out_.send({taken_, tick->now});
  }

 private:
  int taken_ = 0;
  Link<Nothing, int> work_;
  BroadcastListener<Tick> ticks_;
  Link<Judgement, Nothing> out_;
};

// A node that was held up hears what it missed before it judges by the time.
TEST_CASE("loop_shows_a_turn_that_takes_the_time_what_came_before_it") {
  const auto mode = each_runtime();
  zmq::context_t context(0);
  auto work = make_link<int>(context, "test/judge", kMustArrive);
  auto out = make_link<Judgement>(context, "judge/test", kMustArrive);
  BroadcastSource<Tick> ticks(context, "ticks");
  Judge judge(std::move(work.far), {context, "ticks"}, std::move(out.near));
  RunningActors running(context, mode, {&judge});
  constexpr raft::Milliseconds kLast = 5000;
  for (raft::Milliseconds now = 1; now <= kLast; ++now) {
    work.near.send(0);
    ticks.publish({now});
  }
  raft::Milliseconds judged = 0;
  eventually([&] {
    ticks.publish({kLast});  // it may have missed some
    while (const auto judgement = out.far.receive()) {
      REQUIRE(static_cast<raft::Milliseconds>(judgement->taken) >= judgement->now);
      judged = judgement->now;
    }
    return judged == kLast;
  });
}
