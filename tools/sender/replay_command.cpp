#include <fmt/format.h>

#include "sender/broadcasts.h"
#include "sender/commands.h"
#include "sender/session.h"

namespace sender {
namespace {

// Up to where there is something to replay now; what comes later is for `subscribe`.
std::uint64_t end_of_replay(Session& session) {
  const client::Outcome status = session.client().call(client::make_status());
  return status.ok() ? status.reply->fields().integer("applied_index").value_or(0) : 0;
}

}  // namespace

int run_replay(const Options& options) {
  Session session(options);
  const auto topics = topics_or_all(options.prefixes);
  const std::uint64_t end = end_of_replay(session);
  std::uint64_t after = options.after.value_or(0);
  std::uint64_t printed = 0;
  while (true) {
    const std::uint64_t left = options.count == 0 ? kPageSize : options.count - printed;
    const Page page = read_page(
        session.client().call(client::make_replay(after, topics, std::min(left, kPageSize))));
    if (!page.outcome.ok()) return print_outcome(options, page.outcome);
    for (const Broadcast& broadcast : page.broadcasts) {
      print_broadcast(broadcast, options.json);
      ++printed;
      if (printed == options.count) return kSuccess;
    }
    if (page.complete_to >= end || page.complete_to <= after) return kSuccess;
    after = page.complete_to;
  }
}

}  // namespace sender
