// What one hop between two actors costs: a message back and forth, each time waking the other, and
// many one way. In both runtimes; in `async` both actors share a loop.
#include <benchmark/benchmark.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <utility>

#include "actors/link.h"
#include "actors/runtime.h"
#include "base/check.h"

namespace {

using actors::Actor;
using actors::kMustArrive;
using actors::Link;
using actors::make_link;

struct Order {
  int messages;  // to be sent to the other actor
  bool at_once;  // else each after the answer to the one before
};
struct Ball {
  bool wants_answer;
};
struct Done {};

// Sends what it is ordered to, and says when all has arrived.
class Player final : public Actor {
 public:
  Player(Link<Done, Order> orders, Link<Ball, Ball> other)
      : orders_(std::move(orders)), other_(std::move(other)) {}
  [[nodiscard]] std::string_view name() const override { return "player"; }
  [[nodiscard]] std::vector<actors::Input> inputs() override {
    return {orders_.input(), other_.input()};
  }
  void turn() override {
    while (const auto order = orders_.receive()) {
      left_ = order->messages;
      if (!order->at_once) other_.send({true});
      for (; order->at_once && left_ > 0; --left_) other_.send({left_ == 1});
      at_once_ = order->at_once;
    }
    while (other_.receive()) {
      if (!at_once_ && --left_ > 0) {
        other_.send({true});
      } else {
        orders_.send({});
      }
    }
  }

 private:
  Link<Done, Order> orders_;
  Link<Ball, Ball> other_;
  int left_ = 0;
  bool at_once_ = false;
};

class Wall final : public Actor {
 public:
  explicit Wall(Link<Ball, Ball> other) : other_(std::move(other)) {}
  [[nodiscard]] std::string_view name() const override { return "wall"; }
  [[nodiscard]] std::vector<actors::Input> inputs() override { return {other_.input()}; }
  void turn() override {
    while (const auto ball = other_.receive()) {
      if (ball->wants_answer) other_.send({false});
    }
  }

 private:
  Link<Ball, Ball> other_;
};

// Both actors, running until the end.
actors::Ends ends_of(settings::RuntimeMode mode) {
  return mode == settings::RuntimeMode::kAsync ? actors::Ends::kOnOneThread : actors::Ends::kApart;
}

class Game {
 public:
  explicit Game(settings::RuntimeMode mode)
      : context_(0),
        orders_(make_link<Order, Done>(context_, "test/player", kMustArrive)),
        way_(make_link<Ball, Ball>(context_, "player/wall", kMustArrive, ends_of(mode))),
        player_(std::move(orders_.far), std::move(way_.near)),
        wall_(std::move(way_.far)),
        never_(eventfd(0, EFD_CLOEXEC)),
        runtime_(context_, mode, {&player_, &wall_}) {
    runtime_.start();
  }
  ~Game() {
    for (Actor* actor : {static_cast<Actor*>(&player_), static_cast<Actor*>(&wall_)}) {
      runtime_.stop(actor);
      (void)runtime_.wait(never_);
    }
    close(never_);
  }
  Game(const Game&) = delete;
  Game& operator=(const Game&) = delete;

  void play(Order order) {
    orders_.near.send(order);
    pollfd item{orders_.near.input().descriptor(), POLLIN, 0};
    while (!orders_.near.receive()) poll(&item, 1, -1);
  }

 private:
  zmq::context_t context_;
  actors::LinkEnds<Order, Done> orders_;
  actors::LinkEnds<Ball, Ball> way_;
  Player player_;
  Wall wall_;
  int never_;
  actors::Runtime runtime_;
};

constexpr int kRounds = 200;

void hop_back_and_forth(benchmark::State& state, settings::RuntimeMode mode) {
  Game game(mode);
  for (auto _ : state) game.play({kRounds, false});
  state.SetItemsProcessed(state.iterations() * kRounds * 2);
}
void hop_many_one_way(benchmark::State& state, settings::RuntimeMode mode) {
  constexpr int kMessages = 10'000;
  Game game(mode);
  for (auto _ : state) game.play({kMessages, true});
  state.SetItemsProcessed(state.iterations() * kMessages);
}

// Of real time, as the work is done on other threads; one item is one hop.
BENCHMARK_CAPTURE(hop_back_and_forth, threaded, settings::RuntimeMode::kThreaded)->UseRealTime();
BENCHMARK_CAPTURE(hop_back_and_forth, async, settings::RuntimeMode::kAsync)->UseRealTime();
BENCHMARK_CAPTURE(hop_many_one_way, threaded, settings::RuntimeMode::kThreaded)->UseRealTime();
BENCHMARK_CAPTURE(hop_many_one_way, async, settings::RuntimeMode::kAsync)->UseRealTime();

}  // namespace
