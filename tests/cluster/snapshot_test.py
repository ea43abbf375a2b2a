"""Snapshots bound the log; a node that is far behind gets one, and a restart begins with one."""

import contextlib
import os
import re
import unittest

from harness import Cluster, wait_until
from load import Load

# Small, so that a test sees many.
OPTIONS = "[raft]\nsnapshot_log_bytes = 1048576\ntrailing_entries = 50\n"


def size_of(folder):
    size = 0
    for path, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):  # it is trimmed meanwhile
                size += os.path.getsize(os.path.join(path, name))
    return size


class Snapshots(unittest.TestCase):
    def fill(self, cluster, expected, megabytes):
        """Acknowledged writes of so much, into keys that are written again and again."""
        for _ in range(megabytes):
            batch = {f"key/{(len(expected) + i) % 700}": os.urandom(10_000) for i in range(100)}
            cluster.set_all(batch)
            expected.update(batch)

    def test_a_follower_far_behind_gets_a_snapshot_under_load(self):
        with Cluster(3, OPTIONS) as cluster:
            expected = {}
            self.fill(cluster, expected, 1)
            with Load(cluster, writers=2) as load:
                away = cluster.followers()[0]
                away.kill()
                had = max(node.known_status()["last_index"] for node in cluster.running())
                self.fill(cluster, expected, 8)
                wait_until(lambda: cluster.leader().known_status()["first_index"] > had + 1,
                           "what it lacks is gone from the log")
                away.start()
                cluster.wait_applied(cluster.leader().known_status()["commit_index"], [away])
                self.assertGreater(away.known_status()["first_index"], had + 1, "it got a snapshot")
                load.wait_for_more()
                others = [node for node in cluster.running() if node is not away]
                others[0].kill()  # so that it is needed
                load.wait_for_more()
                others[0].start()
            load.check(cluster.running(), replay=False)
            cluster.check_local(expected)

    def test_a_follower_copies_what_did_not_change_from_its_own_snapshot(self):
        with Cluster(3, OPTIONS) as cluster:
            expected = {}
            self.fill(cluster, expected, 8)
            away = cluster.followers()[0]
            cluster.wait_applied(cluster.set("before", b"1")["index"])
            cluster.ask("snapshot", [away])
            away.kill()
            had = cluster.leader().known_status()["last_index"]
            for i in range(150):  # a few keys of many, and more entries than are kept
                expected[f"key/{i % 5}"] = os.urandom(10_000)
                cluster.set(f"key/{i % 5}", expected[f"key/{i % 5}"])
            others = cluster.running()  # any of them may lead
            for node in others:
                cluster.ask("snapshot", [node])
                wait_until(lambda n=node: n.known_status()["first_index"] > had + 1,
                           "what it lacks is gone from the log")
            away.start()
            cluster.wait_applied(max(node.known_status()["commit_index"] for node in others), [away])
            cluster.check_local(expected)
            found = re.findall(r"has the whole snapshot .*: (\d+) of (\d+) bytes came from this node's",
                               away.log())
            own, size = map(int, found[-1])
            self.assertGreater(size, 5_000_000)
            self.assertLess(size - own, size // 4, "most of it was not sent")

    def test_a_new_node_gets_a_snapshot(self):
        with Cluster(3, OPTIONS) as cluster:
            expected = {}
            self.fill(cluster, expected, 5)
            wait_until(lambda: cluster.leader().known_status()["first_index"] > 1, "a shorter log")
            cluster.add_node(4).start()
            cluster.wait_members([1, 2, 3, 4])
            cluster.wait_applied(cluster.set("after", b"1")["index"])
            self.assertGreater(cluster.nodes[4].known_status()["first_index"], 1)
            cluster.check_local(expected)

    def test_all_killed_under_load_begin_with_their_snapshots(self):
        with Cluster(3, OPTIONS) as cluster:
            expected = {}
            with Load(cluster, writers=2) as load:
                for _ in range(3):
                    self.fill(cluster, expected, 3)
                    for node in cluster.running():
                        node.process.kill()
                    for node in cluster.nodes.values():
                        node.process.wait()
                    for node in cluster.nodes.values():
                        node.start()
                    load.wait_for_more()
            load.check(cluster.running(), replay=False)
            cluster.check_local(expected)

    def test_the_log_on_disk_stays_bounded(self):
        with Cluster(3, OPTIONS) as cluster:
            self.fill(cluster, {}, 30)
            for node in cluster.running():
                wait_until(lambda n=node: size_of(os.path.join(n.data, "log")) < 12_000_000,
                           f"the log of node {node.number} to be short")

    def test_a_snapshot_that_is_asked_for_holds_what_was_applied(self):
        with Cluster(3) as cluster:
            expected = {f"k{i}": b"%d" % i for i in range(300)}
            for key, value in expected.items():
                index = cluster.set(key, value)["index"]
            cluster.wait_applied(index)
            for node in cluster.running():
                client = node.client()
                first = cluster.ask("snapshot", [node])
                self.assertGreaterEqual(first["index"], index)
                again = [client.send("snapshot") for _ in range(5)]
                for _ in again:
                    self.assertIsNotNone(client.receive(), "all are answered")
            for node in cluster.running():
                node.kill()
                node.start()
                cluster.wait_applied(index, [node])
            cluster.check_local(expected)


if __name__ == "__main__":
    unittest.main(verbosity=2)
