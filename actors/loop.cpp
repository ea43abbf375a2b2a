#include "actors/loop.h"

#include <algorithm>
#include <exception>
#include <utility>

namespace actors {
namespace {

void wake(const Input& input) {
  if (input.socket != nullptr) input.socket->wake();
}

}  // namespace

Loop::Loop(std::vector<Actor*> actors, ControlledEnd control, Profile* profile)
    : control_(std::move(control)) {
  for (Actor* actor : actors) {
    members_.push_back({actor, profile == nullptr ? nullptr : &profile->add(actor->name()), 0, 0});
  }
}

void Loop::run() {
  collect_inputs();
  while (!members_.empty()) {
    sleep();
    pass();
    obey();
    forget_ended();
  }
}

void Loop::collect_inputs() {
  inputs_ = {control_.input()};
  for (Member& member : members_) {
    const auto inputs = member.actor->inputs();
    member.first_input = inputs_.size();
    member.input_count = inputs.size();
    inputs_.insert(inputs_.end(), inputs.begin(), inputs.end());
  }
  watch_ = DescriptorWatch();
  for (std::size_t i = 0; i < inputs_.size(); ++i) watch_.add(inputs_[i].descriptor, i);
  awake_.assign(inputs_.size(), false);
}

void Loop::sleep() {
  const bool profiled = !members_.empty() && members_.front().profile != nullptr;
  Counter slept_ns;
  {
    const Stopwatch stopwatch(profiled ? &slept_ns : nullptr);
    wait();
  }
  if (!profiled) return;
  for (const Member& member : members_) member.profile->waiting_ns.add(slept_ns.value());
}

void Loop::wait() {
  bool work = false;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    awake_[i] = inputs_[i].socket != nullptr && inputs_[i].socket->stays_awake();
    work = work || awake_[i];
  }
  look(work ? 0 : -1);
  // The kernel looks at one after the other, and turns rely on an order among inputs. Where the
  // other actors run meanwhile: once more, so that whatever was sent before what was seen is seen
  // with it. What comes while the turn lasts may still come without what was sent before it.
  if (members_.size() == 1) look(0);
}

void Loop::look(int timeout_ms) {
  for (const std::size_t i : watch_.wait(timeout_ms)) {
    wake(inputs_[i]);
    awake_[i] = true;
  }
}

bool Loop::awake(const Member& member) const {
  const auto first = awake_.begin() + static_cast<std::ptrdiff_t>(member.first_input);
  const auto end = first + static_cast<std::ptrdiff_t>(member.input_count);
  return std::find(first, end, true) != end;
}

bool Loop::was_handed_work(const Member& member) const {
  const auto first = inputs_.begin() + static_cast<std::ptrdiff_t>(member.first_input);
  const auto end = first + static_cast<std::ptrdiff_t>(member.input_count);
  return std::any_of(first, end, [](const Input& input) {
    return input.socket != nullptr && input.socket->holds_counted();
  });
}

void Loop::rouse(const Member& member) {
  const std::size_t end = member.first_input + member.input_count;
  bool time = false;
  for (std::size_t i = member.first_input; i < end; ++i) {
    const Input& input = inputs_[i];
    const bool counted = input.socket != nullptr && input.socket->holds_counted();
    time = time || (input.is_time && (awake_[i] || counted));
  }
  for (std::size_t i = member.first_input; time && i < end; ++i) wake(inputs_[i]);
}

void Loop::pass() {
  bool stirred = false;
  for (Member& member : members_) {
    if (!awake(member) && !(stirred && was_handed_work(member))) continue;
    stirred = true;
    rouse(member);
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
    // It may have to look at all of them without a loop.
    for (const Input& input : member->actor->inputs()) wake(input);
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
