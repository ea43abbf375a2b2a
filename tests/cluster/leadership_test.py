"""Leadership is handed over, and every node restarted, while clients work: all is answered."""

import json
import os
import signal
import subprocess
import threading
import unittest

from harness import DEADLINE, Cluster, wait_until
from load import Load

TOOLS = os.environ.get("RAFT_ACTOR_TOOLS", "")


def restart_one_after_the_other(cluster, while_one_is_away):
    """As docs/operations.md says: leadership goes first, and the next node only when the one
    before has caught up."""
    for node in list(cluster.nodes.values()):
        rest = [other for other in cluster.running() if other is not node]
        if cluster.leader() is node:
            cluster.transfer(rest[0].number)
        code = node.kill(signal.SIGTERM)
        assert code == 0, node.log()[-2000:]
        while_one_is_away()
        node.start()
        cluster.wait_applied(max(other.known_status()["commit_index"] for other in rest), [node])


class Rounds(threading.Thread):
    """raft-bench again and again while a test changes the cluster, each time until the last of its
    requests is answered. So there is load for as long as the test takes, and no clock judges it."""

    REQUESTS = 3000

    def __init__(self, cluster):
        super().__init__(daemon=True)
        self.cluster = cluster
        self.ending = threading.Event()
        self.done = []
        to = [word for node in cluster.nodes.values() for word in ("--to", node.endpoint("client"))]
        self.command = [os.path.join(TOOLS, "raft-bench"), "write", "--retry", "--any-node", "--json",
                        "--clients", "6", "--in-flight", "24", "--requests", str(self.REQUESTS), *to]

    def run(self):
        while not self.ending.is_set() and all(each.returncode == 0 for each in self.done):
            self.done.append(subprocess.run(self.command, capture_output=True))

    def written(self):
        return self.cluster.leader().known_status()["last_index"]

    def wait_for_more(self):
        before = self.written()
        wait_until(lambda: self.written() > before + 100, "the load to go on")

    def __enter__(self):
        self.cluster.leader()
        self.start()
        self.wait_for_more()
        return self

    def __exit__(self, *_):
        self.ending.set()
        self.join(4 * DEADLINE)

    def check(self):
        assert not self.is_alive(), "every request is answered"
        for each in self.done:
            assert each.returncode == 0, each
            report = json.loads(each.stdout)
            assert (report["requests"], report["errors"]) == (self.REQUESTS, 0), report


class Leadership(unittest.TestCase):
    def test_leadership_goes_where_it_is_asked_to_under_load(self):
        with Cluster(3) as cluster:
            with Load(cluster) as load:
                for target in (1, 2, 3, 1):
                    cluster.transfer(target)
                    load.wait_for_more()
                asked = cluster.leader().client()
                done = wait_until(lambda: (reply := asked.ask("transfer")).ok and reply,
                                  "whoever fits best leads")
                self.assertIn(done["node"], cluster.nodes)
            load.check(cluster.running())

    def test_a_transfer_to_who_cannot_lead_is_refused(self):
        with Cluster(3) as cluster:
            leader = cluster.leader()
            client = leader.client()
            leader.wait_refused("conflict", "transfer", node=9)
            away = next(node for node in cluster.running() if node is not leader)
            away.kill()
            wait_until(lambda: not client.ask("transfer", node=away.number).ok,
                       "an answer, though not who was asked for")
            cluster.set("key", b"1")

    def test_a_rolling_restart_of_all_nodes_under_load(self):
        with Cluster(5) as cluster:
            with Load(cluster) as load:
                restart_one_after_the_other(cluster, load.wait_for_more)
            load.check(cluster.running())

    def test_a_rolling_restart_under_raft_bench_answers_every_request(self):
        with Cluster(3) as cluster:
            with Rounds(cluster) as rounds:
                restart_one_after_the_other(cluster, rounds.wait_for_more)
            rounds.check()

    def test_a_rolling_restart_that_just_kills_loses_nothing_either(self):
        with Cluster(3) as cluster:
            with Load(cluster) as load:
                for node in list(cluster.nodes.values()):
                    rest = [other for other in cluster.running() if other is not node]
                    node.kill()
                    load.wait_for_more()
                    node.start()
                    cluster.wait_applied(max(other.known_status()["commit_index"] for other in rest),
                                         [node])
            load.check(cluster.running())

    def test_leadership_settles_on_the_node_of_the_highest_priority(self):
        cluster = Cluster(3)
        preferred = cluster.nodes[3]
        cluster.write_config(preferred, options="[raft]\npriority = 7\n")
        with cluster:
            def leads():
                return cluster.find_leader() is preferred

            wait_until(leads, "the preferred node leads")
            preferred.kill()
            with Load(cluster, writers=2) as load:
                cluster.leader(cluster.running())
                preferred.start()
                wait_until(leads, "the preferred node leads again")
                load.wait_for_more()
            load.check(cluster.running())


if __name__ == "__main__":
    unittest.main(verbosity=2)
