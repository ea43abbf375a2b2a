// Membership (dissertation chapter 4): changes of who belongs to the cluster, in one step each, by
// joint consensus. The leader takes one change at a time, none before it has committed in its own
// term and none while a configuration is uncommitted (A2), and carries through what an earlier
// leader began: promote learners that have caught up, leave a joint configuration.
#pragma once

#include "raft/state.h"

namespace raft {

// What `change` makes of `configuration`; an error says why it cannot. Adding a member that is one
// already, by the same directory, changes nothing of it.
[[nodiscard]] base::Result<Configuration> changed(const Configuration& configuration,
                                                  const MembershipChange& change);
// The configuration that follows a joint one: without the members that were voted out.
[[nodiscard]] Configuration without_old_voters(const Configuration& joint);
// The joint configuration on the way to the goal.
[[nodiscard]] Configuration joint_to_goal(const Configuration& configuration);

void on_change_submitted(State& state, ChangeSubmitted event);
void on_forward_change(State& state, const Peer& from, ForwardChange message);
void on_forward_change_reply(State& state, const ForwardChangeReply& reply);

// End of a turn, at a leader: takes what was asked, or the next step of what is under way.
void advance_membership(State& state);
// This node stops leading before it took them.
void refuse_pending_changes(State& state, LeaderState& leader);

}  // namespace raft
