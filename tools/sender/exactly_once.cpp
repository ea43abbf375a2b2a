#include "sender/exactly_once.h"

#include <algorithm>

namespace sender {
namespace {

using client::Clock;
using client::Outcome;
using std::chrono::milliseconds;

// An open session that is not closed expires by itself: not worth more.
constexpr milliseconds kCloseTimeout{1000};

milliseconds left_until(Clock::time_point deadline) {
  return std::chrono::ceil<milliseconds>(deadline - Clock::now());
}

Outcome call_under_own_session(client::Client& client, milliseconds timeout,
                               const MakeWrite& make) {
  const Clock::time_point deadline = Clock::now() + timeout;
  Outcome opened = client.call(client::make_session_open({}), timeout);
  if (!opened.ok()) return opened;
  const auto id = opened.reply->fields().integer("session");
  if (!id) return {{}, opened.endpoint + " opened a session without a number", {}, false};
  const milliseconds left = std::max(left_until(deadline), milliseconds(1));
  Outcome outcome = client.call(make(client::WriteName{*id, 1}), left);
  const milliseconds rest = std::min(left_until(deadline), kCloseTimeout);
  if (rest > milliseconds(0)) {
    static_cast<void>(client.call(client::make_session_close(*id), rest));
  }
  return outcome;
}

}  // namespace

Outcome call_write(Session& session, const Options& options, const MakeWrite& make) {
  client::Client& client = session.client();
  if (options.retry) return call_under_own_session(client, options.timeout(), make);
  if (!options.session || !options.seq) return client.call(make({}));
  return client.call(make(client::WriteName{*options.session, *options.seq}));
}

}  // namespace sender
