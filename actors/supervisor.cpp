#include "actors/supervisor.h"

#include <algorithm>
#include <cstddef>

namespace actors {
namespace {

class Supervisor {
 public:
  Supervisor(Runtime& runtime, const Supervision& supervision, const ActorLog& log)
      : runtime_(runtime), supervision_(supervision), log_(log), left_(supervision.stop_order) {}

  bool run() {
    runtime_.start();
    while (!left_.empty()) {
      if (const auto ended = runtime_.wait(supervision_.stop_descriptor)) {
        on_ended(*ended);
      } else {
        on_order();
      }
    }
    log_.info("stopped");
    return !failed_;
  }

 private:
  void on_ended(const ActorEnded& ended) {
    std::erase(left_, ended.actor);
    if (ended.fault) {
      if (!failed_) supervision_.limit_stop();
      failed_ = true;
      log_.error("{} failed, the node stops: {}", ended.actor->name(), *ended.fault);
    }
    // While stopping, an end is waited for before the next order; a failure is the first order.
    if (ended.fault && !stopping_) {
      stopping_ = true;
      stop_next();
    } else if (ended.actor == ordered_) {
      stop_next();
    }
  }

  void on_order() {
    supervision_.take_order();
    if (stopping_) {
      supervision_.end_at_once();
      return;
    }
    log_.info("shutting down; a second signal ends at once");
    stopping_ = true;
    stop_next();
  }

  void stop_next() {
    if (left_.empty()) return;
    ordered_ = left_.front();
    runtime_.stop(ordered_);
  }

  Runtime& runtime_;
  const Supervision& supervision_;
  const ActorLog& log_;
  std::vector<Actor*> left_;  // in the order in which they stop
  Actor* ordered_ = nullptr;
  bool stopping_ = false;
  bool failed_ = false;
};

}  // namespace

bool supervise(Runtime& runtime, const Supervision& supervision, const ActorLog& log) {
  return Supervisor(runtime, supervision, log).run();
}

}  // namespace actors
