"""A node is its data directory: one that lost it is another, one that moves with it is the same."""

import unittest

from harness import Cluster, wait_until
from load import Load


class Identity(unittest.TestCase):
    def wipe(self, cluster):
        """Node 3 lost its data directory, and is neither counted nor in the way."""
        first, second, third = cluster.nodes.values()
        cluster.wait_applied(cluster.set("before", b"1")["index"])
        third.kill()
        third.wipe()
        third.start()
        wait_until(lambda: "by another data directory" in third.log(), "it is told")
        # With its vote there would be a majority.
        second.kill()
        for node in (first, third):
            reply = wait_until(lambda n=node: n.ask_once("set", 8.0, key="never", value=b"2"),
                               f"an answer of node {node.number}")
            self.assertIn(reply.code, ("no_leader", "unknown_outcome"), reply)
        second.start()
        cluster.set("after", b"3")
        return first, second, third

    def check_counts_again(self, cluster, first, second, third):
        cluster.wait_members([1, 2, 3], nodes=[first, second])
        second.kill()
        cluster.wait_applied(cluster.set("again", b"4")["index"])
        cluster.check_local({"before": b"1", "after": b"3", "again": b"4"}, [first, third])

    def test_a_wiped_node_does_not_vote_and_is_let_in_again(self):
        """A28, as docs/operations.md says: leave, then join, while the node runs."""
        with Cluster(3) as cluster:
            first, second, third = self.wipe(cluster)
            cluster.leave(3, [first, second])
            cluster.ask("join", [first, second], node=3, **{
                name: third.endpoint(name) for name in ("peer", "client", "publish")})
            self.check_counts_again(cluster, first, second, third)

    def test_a_wiped_node_asks_by_itself_once_its_lost_directory_has_left(self):
        """A28, with a `join` in its settings."""
        with Cluster(3) as cluster:
            first, second, third = self.wipe(cluster)
            third.kill()
            cluster.write_config(third, join=[first, second])
            third.start()
            wait_until(lambda: "does not let this node in (conflict)" in third.log(), "it asks")
            cluster.leave(3, [first, second])
            self.check_counts_again(cluster, first, second, third)

    def test_a_node_moves_to_other_ports(self):
        with Cluster(3) as cluster:
            with Load(cluster, writers=2) as load:
                mover = cluster.followers()[0]
                mover.kill()
                mover.take_ports()
                cluster.write_config(mover)
                mover.start()
                others = [node for node in cluster.running() if node is not mover]
                for name in ("peer", "client", "publish"):
                    wait_until(lambda n=name: cluster.members(others)[0].get(
                        mover.number, {}).get(n) == mover.endpoint(n), f"its {name} is known")
                load.wait_for_more()
                others[0].kill()  # so that the mover is needed
                load.wait_for_more()
                others[0].start()
            load.check(cluster.running())
            self.assertIn("node: is found at " + mover.endpoint("peer"), mover.log())
            # The list in its file is of before: no matter.
            self.assertNotIn("node: is found at", others[0].log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
