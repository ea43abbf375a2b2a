// The commands of zmq-send, one function each. They print their results to stdout and troubles to
// stderr, and return the exit code. They throw client::UsageError where the user's words make no
// request.
#pragma once

#include "sender/options.h"

namespace sender {

[[nodiscard]] int run_set(const Options& options);
[[nodiscard]] int run_get(const Options& options);
[[nodiscard]] int run_delete(const Options& options);
[[nodiscard]] int run_publish(const Options& options);
[[nodiscard]] int run_subscribe(const Options& options);
[[nodiscard]] int run_replay(const Options& options);
[[nodiscard]] int run_status(const Options& options);
[[nodiscard]] int run_debug(const Options& options);
[[nodiscard]] int run_members(const Options& options);
[[nodiscard]] int run_join(const Options& options);
[[nodiscard]] int run_leave(const Options& options);
[[nodiscard]] int run_promote(const Options& options);
[[nodiscard]] int run_transfer(const Options& options);
[[nodiscard]] int run_snapshot(const Options& options);
[[nodiscard]] int run_backup(const Options& options);
[[nodiscard]] int run_session(const Options& options);
[[nodiscard]] int run_raw(const Options& options);
[[nodiscard]] int run_input(const Options& options);

}  // namespace sender
