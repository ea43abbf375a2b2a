// Loop: calls its actors, one after the other, on one thread. It sleeps until an input of one of
// them is readable. What an actor leaves unread wakes it again at once, so limits a turn starve
// nobody.
//
// A pass goes through the actors in the order they were given, which follows the way of a write:
// once one of them has had a turn, those behind it get theirs in the same pass where it has handed
// them work over a link that counts.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "actors/actor.h"
#include "actors/descriptor_watch.h"
#include "actors/link.h"
#include "actors/profile.h"

namespace actors {

// To a loop: call stop() of this actor, and then never call it again.
struct StopActor {
  Actor* actor;
};

// From a loop: this actor is called no more.
struct ActorEnded {
  Actor* actor;
  std::optional<std::string> fault;  // what its exception said; none: it was stopped
};

using ControlledEnd = Link<ActorEnded, StopActor>;
using ControllingEnd = Link<StopActor, ActorEnded>;

class Loop {
 public:
  // `profile`: where what they do is counted, and that outlives the loop; null: nowhere.
  Loop(std::vector<Actor*> actors, ControlledEnd control, Profile* profile);

  // Returns when all actors have ended.
  void run();

 private:
  struct Member {
    Actor* actor;
    ActorProfile* profile;    // of all or of none; null: nothing is measured
    std::size_t first_input;  // its place in inputs_
    std::size_t input_count;
    bool ended = false;
  };

  void collect_inputs();
  void sleep();
  void wait();
  // Looks for signs at the inputs; -1 ms: until there is one.
  void look(int timeout_ms);
  void pass();
  void obey();
  [[nodiscard]] bool awake(const Member& member) const;
  // Whether one that had its turn before it, in this pass, has sent it something.
  [[nodiscard]] bool was_handed_work(const Member& member) const;
  // Where the time has come for a member, all its inputs are asked.
  void rouse(const Member& member);
  // Calls, and reports what the call throws as the end of the actor.
  void guarded(Member& member, const std::function<void()>& call);
  void forget_ended();

  std::vector<Member> members_;
  std::vector<Input> inputs_;  // the control link first
  DescriptorWatch watch_;      // of the inputs, by their place there
  std::vector<bool> awake_;    // whether a message may wait at an input, by the same
  ControlledEnd control_;
};

}  // namespace actors
