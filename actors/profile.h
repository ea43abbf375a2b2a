// Profile: what each actor does with its time, for people who look for where a write goes. Off
// unless the node was started for it, as each measured call reads the clock twice. The loop of an
// actor measures its turns and its sleep, actors/zmq_calls.cpp the calls of ZeroMQ in between; the
// actors know nothing of it, but those that say how many events were in what they took.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "actors/counter.h"

namespace actors {

// Times are of the wall clock, in nanoseconds: a thread that waits for a core is at work.
struct ActorProfile {
  explicit ActorProfile(std::string_view actor) : name(actor) {}

  const std::string name;
  Counter turns;
  Counter messages_in;   // of ZeroMQ, whole ones; those on links carry the batch of a turn
  Counter messages_out;  // those that were sent, not those that found a full queue
  Counter events;        // what was in the batches, where the actor says it
  Counter turns_ns;      // in turns, with what ZeroMQ took
  Counter zeromq_ns;     // of these, in calls of ZeroMQ
  Counter waiting_ns;    // in which the loop of the actor slept, or looked for what to do
};

// All actors of a node. They are added before a thread is started.
class Profile {
 public:
  [[nodiscard]] ActorProfile& add(std::string_view actor) { return actors_.emplace_back(actor); }
  // Empty where nothing is measured.
  [[nodiscard]] const std::deque<ActorProfile>& actors() const { return actors_; }

 private:
  std::deque<ActorProfile> actors_;  // which stay where they are
};

// Adds the time of its life to a counter; null: does nothing.
class Stopwatch {
 public:
  explicit Stopwatch(Counter* nanoseconds) : nanoseconds_(nanoseconds) {
    if (nanoseconds_ != nullptr) start_ = std::chrono::steady_clock::now();
  }
  ~Stopwatch() {
    if (nanoseconds_ == nullptr) return;
    const std::chrono::nanoseconds taken = std::chrono::steady_clock::now() - start_;
    nanoseconds_->add(static_cast<std::uint64_t>(taken.count()));
  }
  Stopwatch(const Stopwatch&) = delete;
  Stopwatch& operator=(const Stopwatch&) = delete;

 private:
  Counter* nanoseconds_;
  std::chrono::steady_clock::time_point start_;
};

// A turn of an actor, while this lives: what this thread does meanwhile counts for it. Null:
// nothing is measured.
class ProfiledTurn {
 public:
  explicit ProfiledTurn(ActorProfile* actor) : stopwatch_(actor ? &actor->turns_ns : nullptr) {
    current() = actor;
    if (actor != nullptr) actor->turns.add();
  }
  ~ProfiledTurn() { current() = nullptr; }
  ProfiledTurn(const ProfiledTurn&) = delete;
  ProfiledTurn& operator=(const ProfiledTurn&) = delete;

  // Whose turn it is on this thread; null where none is measured.
  [[nodiscard]] static ActorProfile*& current() {
    thread_local ActorProfile* actor = nullptr;
    return actor;
  }

 private:
  Stopwatch stopwatch_;
};

// By the actor whose turn it is: so many events were in what it took.
inline void note_events(std::size_t count) {
  if (ActorProfile* actor = ProfiledTurn::current()) actor->events.add(count);
}

}  // namespace actors
