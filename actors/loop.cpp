#include "actors/loop.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <exception>
#include <utility>

namespace actors {

Loop::Loop(std::vector<Actor*> actors, ControlledEnd control, Profile* profile)
    : control_(std::move(control)) {
  for (Actor* actor : actors) {
    members_.push_back({actor, profile == nullptr ? nullptr : &profile->add(actor->name()), 0, 0});
  }
  collect_inputs();
}

void Loop::run() {
  while (!members_.empty()) {
    sleep();
    pass();
    obey();
    forget_ended();
  }
}

void Loop::collect_inputs() {
  items_ = {control_.input()};
  for (Member& member : members_) {
    const auto inputs = member.actor->inputs();
    member.first_input = items_.size();
    member.input_count = inputs.size();
    items_.insert(items_.end(), inputs.begin(), inputs.end());
  }
}

void Loop::sleep() {
  const bool profiled = !members_.empty() && members_.front().profile != nullptr;
  Counter slept_ns;
  {
    const Stopwatch stopwatch(profiled ? &slept_ns : nullptr);
    poll();
  }
  if (!profiled) return;
  for (const Member& member : members_) member.profile->waiting_ns.add(slept_ns.value());
}

void Loop::poll() {
  // zmq::poll, as the other pollers of cppzmq need an interface that Debian leaves out (B20).
  try {
    zmq::poll(items_, std::chrono::milliseconds(-1));
  } catch (const zmq::error_t& error) {
    if (error.num() != EINTR) throw;
    for (auto& item : items_) item.revents = 0;  // B17: look again
  }
}

bool Loop::awake(const Member& member) const {
  const auto first = items_.begin() + static_cast<std::ptrdiff_t>(member.first_input);
  return std::any_of(first, first + static_cast<std::ptrdiff_t>(member.input_count),
                     [](const zmq::pollitem_t& item) { return item.revents != 0; });
}

void Loop::pass() {
  bool stirred = false;
  for (Member& member : members_) {
    stirred = stirred || awake(member);
    if (!stirred) continue;
    guarded(member, [&member] {
      const ProfiledTurn profiled(member.profile);
      member.actor->turn();
    });
  }
}

void Loop::obey() {
  while (const auto order = control_.receive()) {
    const auto member = std::find_if(members_.begin(), members_.end(), [&](const Member& each) {
      return each.actor == order->actor && !each.ended;
    });
    if (member == members_.end()) continue;  // it failed before the order came
    guarded(*member, [&] {
      member->actor->stop();
      member->ended = true;
      control_.send({member->actor, std::nullopt});
    });
  }
}

void Loop::guarded(Member& member, const std::function<void()>& call) {
  try {
    call();
  } catch (const std::exception& fault) {
    member.ended = true;
    control_.send({member.actor, fault.what()});
  }
}

void Loop::forget_ended() {
  if (std::erase_if(members_, [](const Member& member) { return member.ended; }) > 0) {
    collect_inputs();
  }
}

}  // namespace actors
