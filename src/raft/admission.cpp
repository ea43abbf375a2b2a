#include "raft/admission.h"

#include <utility>

#include "raft/roles.h"

namespace raft {
namespace {

// By which this node knows who asks, 0 where it is no member; the one that asks where none was
// seen.
Identity known_directory(const Member* member, const Peer& from) {
  if (member == nullptr) return 0;
  return member->identity != 0 ? member->identity : from.identity;
}

// The sender addresses the directory by which it knows this node.
void note_how_it_is_known(State& state, const MessageReceived& event, const Hello& hello) {
  const Identity own = state.options.self.identity;
  Admission& admission = state.admission;
  if (state.awaits_admission() && event.addressed != 0 && event.addressed != own) {
    if (std::exchange(admission.replaced, true)) return;
    state.trace(
        TraceLevel::kWarning,
        fmt::format("node {} knows node {} by another data directory: this one is not counted "
                    "until the lost one has left the cluster and this node has joined it",
                    event.from.id, state.id()));
  } else if (event.addressed == 0 && !hello.asks && state.is_member({state.id(), own}) &&
             !state.leader()) {
    if (std::exchange(admission.told_unknown, true)) return;
    state.trace(TraceLevel::kWarning,
                fmt::format("node {} does not know node {} as a member (any more)", event.from.id,
                            state.id()));
  }
}

// The first configuration is the entry of the first leader, index 1, or has no entry yet.
constexpr Index kFirstConfigurationIndex = 1;

Hello hello_of(const State& state, bool asks) {
  return {state.current_term(), state.options.self, asks,
          state.configurations.index() <= kFirstConfigurationIndex};
}

bool is_known_as_said(const State& state) {
  const Member* self = state.configuration().find(state.id());
  return self == nullptr || *self == state.options.self;
}

}  // namespace

void on_hello(State& state, const MessageReceived& event, const Hello& hello) {
  const Peer& from = event.from;
  note_how_it_is_known(state, event, hello);
  if (hello.self.id != from.id || hello.self.identity != from.identity) return;
  const Member* member = state.configuration().find(from.id);
  if (hello.asks) {
    state.send(Peer{from.id, known_directory(member, from)}, hello_of(state, false));
  }
  if (member != nullptr && member->identity != 0 && member->identity != from.identity) return;
  state.output.effects.contacts.push_back(hello.self);
  auto* leader = state.as<LeaderState>();
  if (leader != nullptr && member != nullptr) leader->descriptions[from.id] = hello.self;
  if (!state.awaits_admission() || member == nullptr) return;
  // Only who answers this very directory does not know an earlier one of its id. Who has changed
  // members since may have let this one in anew: then it knows a cluster, and its log comes. Two
  // that were wiped would be a majority of the first configuration, and found another cluster.
  if (event.addressed != state.options.self.identity || !hello.founding) return;
  state.admission.heard[from.id] = hello.self;
  admit_if_all_heard(state);
}

void admit_if_all_heard(State& state) {
  const Admission& admission = state.admission;
  if (!state.awaits_admission() || admission.replaced || admission.storing) return;
  Configuration known = state.configuration();
  for (Member& member : known.members) {
    if (member.id == state.id()) {
      member = state.options.self;
      continue;
    }
    const auto heard = admission.heard.find(member.id);
    if (heard == admission.heard.end()) return;
    member = heard->second;
  }
  state.admission.storing = true;
  state.output.effects.first_configuration = StoreFirstConfiguration{std::move(known)};
}

void on_first_configuration_stored(State& state, Configuration configuration) {
  state.admission.heard.clear();
  // The log of a leader may have come first, and then says more.
  if (!state.awaits_admission()) return;
  state.configurations.reset(0, std::move(configuration));
  state.follow_configuration();
  state.snapshots.newest = SnapshotHead{{}, state.configuration(), 0, 0};
  state.trace(TraceLevel::kInformation,
              fmt::format("knows the data directories of all {} first members",
                          state.configuration().members.size()));
}

void say_hello(State& state) {
  if (state.now < state.admission.hello_due) return;
  const bool first = state.admission.hello_due == 0;
  state.admission.hello_due = state.now + state.options.election_timeout_ms;
  if (state.has_left()) {
    if (std::exchange(state.admission.told_left, true)) return;
    state.trace(TraceLevel::kInformation,
                "has left the cluster: stays silent until it is let in again");
    return;
  }
  state.admission.told_left = false;
  const bool asks = state.awaits_admission() || !state.leader();
  const bool to_all = first || asks || !is_known_as_said(state);
  for (const Member& member : state.configuration().members) {
    if (member.id == state.id()) continue;
    // It knows nobody, and hears nothing that is not addressed to its directory.
    const bool unseen = member.identity == 0 && state.role() == Role::kLeader;
    if (!to_all && !unseen) continue;
    state.send(Peer{member.id, member.identity}, hello_of(state, asks || unseen));
  }
}

}  // namespace raft
