"""Members come, go, are replaced and move while clients work: nothing is lost, all is answered."""

import unittest

from harness import Cluster, wait_until
from load import Load


def retire(node):
    """One that has left: it is stopped, as docs/operations.md says."""
    node.kill()


class Membership(unittest.TestCase):
    def test_a_sixth_node_joins_and_leaves_under_load(self):
        with Cluster(5) as cluster:
            with Load(cluster) as load:
                sixth = cluster.add_node(6).start()
                cluster.wait_members([1, 2, 3, 4, 5, 6])
                load.wait_for_more()
                cluster.ask("leave", node=6)
                cluster.wait_members([1, 2, 3, 4, 5], nodes=list(cluster.nodes.values())[:5])
                load.wait_for_more()
                self.assertTrue(sixth.running, "a node that left goes on until it is stopped")
                retire(sixth)
                load.wait_for_more()
            load.check(cluster.running())

    def test_each_of_three_nodes_is_replaced_one_after_the_other_under_load(self):
        with Cluster(3) as cluster:
            with Load(cluster) as load:
                for old in (1, 2, 3):
                    cluster.add_node(old + 3).start()
                    members = {*range(old, old + 4)}
                    cluster.wait_members(sorted(members))
                    cluster.ask("leave", node=old)
                    rest = [cluster.nodes[number] for number in sorted(members - {old})]
                    cluster.wait_members(sorted(members - {old}), nodes=rest)
                    retire(cluster.nodes[old])
                    load.wait_for_more()
            load.check(cluster.running())

    def test_three_are_replaced_in_one_step(self):
        with Cluster(3) as cluster:
            with Load(cluster) as load:
                # Learners first: they need not be there for the cluster to work.
                for number in (4, 5, 6):
                    node = cluster.add_node(number)
                    cluster.ask("change", add=[{
                        "id": number, "voter": False, "peer": node.endpoint("peer"),
                        "client": node.endpoint("client"),
                        "publish": node.endpoint("publish")}],
                        nodes=[cluster.nodes[n] for n in (1, 2, 3)])
                    cluster.wait_members([1, 2, 3], range(4, number + 1),
                                         nodes=[cluster.nodes[n] for n in (1, 2, 3)])
                for number in (4, 5, 6):
                    cluster.write_config(cluster.nodes[number],
                                         join=[cluster.nodes[n] for n in (1, 2, 3)])
                    cluster.nodes[number].start()
                cluster.wait_members([1, 2, 3, 4, 5, 6])  # their join made them voters
                cluster.ask("change", remove=[1, 2, 3])
                rest = [cluster.nodes[number] for number in (4, 5, 6)]
                cluster.wait_members([4, 5, 6], nodes=rest)
                for number in (1, 2, 3):
                    retire(cluster.nodes[number])
                load.wait_for_more()
            load.check(rest)

    def test_a_learner_stays_one_and_has_all(self):
        with Cluster(3) as cluster:
            node = cluster.add_node(4)
            cluster.ask("change", nodes=list(cluster.nodes.values())[:3], add=[{
                "id": 4, "voter": False, "peer": node.endpoint("peer"),
                "client": node.endpoint("client"), "publish": node.endpoint("publish")}])
            cluster.write_config(node, join=None)
            cluster.write_config(node, join=list(cluster.nodes.values())[:3])
            cluster.wait_members([1, 2, 3], [4], nodes=list(cluster.nodes.values())[:3])
            cluster.set("before", b"1")

    def test_a_node_that_is_killed_while_it_joins_comes_in_at_its_next_start(self):
        with Cluster(3) as cluster:
            client = cluster.leader().client()
            value = b"x" * 20_000
            expected = {f"k{i}": value for i in range(1000)}
            for key in expected:
                client.send("set", key=key, value=value)
            for _ in expected:
                self.assertTrue(client.receive().ok)
            first = list(cluster.nodes.values())
            with Load(cluster, writers=2) as load:
                fourth = cluster.add_node(4)
                for _ in range(3):
                    fourth.start()
                    wait_until(lambda: 4 in cluster.members(first)[0], "node 4 is let in")
                    fourth.kill()
                    load.wait_for_more()
                fourth.start()
                cluster.wait_members([1, 2, 3, 4], nodes=first)
            load.check(cluster.running())
            cluster.check_local(expected, [fourth])

    def test_a_wiped_node_does_not_vote_and_is_let_in_again(self):
        """A28"""
        with Cluster(3) as cluster:
            first, second, third = cluster.nodes.values()
            cluster.wait_applied(cluster.set("before", b"1")["index"])
            third.kill()
            third.wipe()
            third.start()
            wait_until(lambda: "another data directory" in third.log(), "it is told")
            # With its vote there would be a majority.
            second.kill()
            for node in (first, third):
                reply = wait_until(lambda n=node: n.ask_once("set", 8.0, key="never", value=b"2"),
                                   f"an answer of node {node.number}")
                self.assertIn(reply.code, ("no_leader", "unknown_outcome"), reply)
            second.start()
            cluster.set("after", b"3")
            cluster.ask("leave", [first, second], node=3)
            cluster.wait_members([1, 2], nodes=[first, second])
            third.kill()
            cluster.write_config(third, join=[first, second])
            third.start()
            cluster.wait_members([1, 2, 3], nodes=[first, second])
            # It counts again.
            second.kill()
            index = cluster.set("again", b"4")["index"]
            cluster.wait_applied(index)
            cluster.check_local({"before": b"1", "after": b"3", "again": b"4"}, [third])

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


if __name__ == "__main__":
    unittest.main(verbosity=2)
