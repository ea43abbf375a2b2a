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
                cluster.leave(6)
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
                    cluster.leave(old)
                    rest = [cluster.nodes[number] for number in sorted(members - {old})]
                    cluster.wait_members(sorted(members - {old}), nodes=rest)
                    retire(cluster.nodes[old])
                    load.wait_for_more()
            load.check(cluster.running())

    def test_all_three_are_replaced_in_one_step_under_load(self):
        with Cluster(3) as cluster:
            old = list(cluster.nodes.values())
            with Load(cluster) as load:
                new = [cluster.add_node(number) for number in (4, 5, 6)]
                cluster.ask("change", old, add=[node.description() for node in new],
                            remove=[node.number for node in old])
                # Nobody waits for those who are to come.
                load.wait_for_more()
                for node in new:
                    node.start()
                cluster.wait_members([4, 5, 6], nodes=new)
                for node in old:
                    retire(node)
                load.wait_for_more()
            load.check(new)

    def test_a_learner_has_everything_and_does_not_count_until_it_is_promoted(self):
        with Cluster(3) as cluster:
            voters = list(cluster.nodes.values())
            learner = cluster.add_node(4)
            cluster.ask("join", voters, node=4, voter=False, **{
                name: learner.endpoint(name) for name in ("peer", "client", "publish")})
            learner.start()
            cluster.wait_applied(cluster.set("key", b"1", voters)["index"], [learner])
            wait_until(lambda: learner.known_status()["role"] == "learner", "it is a learner")
            cluster.wait_members([1, 2, 3], [4])
            cluster.set("key", b"2", [learner])
            # Two of three voters and a learner would be three of four.
            voters[0].kill()
            voters[1].kill()
            for node in (voters[2], learner):
                reply = wait_until(lambda n=node: n.ask_once("set", 8.0, key="key", value=b"3"),
                                   f"an answer of node {node.number}")
                self.assertIn(reply.code, ("no_leader", "unknown_outcome"), reply)
            voters[0].start()
            cluster.ask("promote", node=4)
            cluster.wait_members([1, 2, 3, 4])
            cluster.ask("change", add=[{**learner.description(), "voter": False}], remove=[4])
            cluster.wait_members([1, 2, 3], [4])

    def test_a_node_that_is_killed_while_it_joins_comes_in_at_its_next_start(self):
        with Cluster(3) as cluster:
            expected = {f"k{i}": b"x" * 20_000 for i in range(1000)}
            cluster.set_all(expected)
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


if __name__ == "__main__":
    unittest.main(verbosity=2)
