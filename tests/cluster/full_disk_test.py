"""Disks that are full: a node refuses writes, reads and votes go on, and room ends it by itself."""

import os
import signal
import time
import unittest

from harness import Cluster, preload, wait_until
from load import Load

LIBRARY = os.environ["RAFT_ACTOR_FULL_DISK"]
# Small, so that the database flushes, and a snapshot is due, within a test.
OPTIONS = """[raft]
snapshot_log_bytes = 1048576
[database]
write_buffer_bytes = 65536
"""
MIB = 1 << 20


class Disk:
    """What the nodes of a cluster are told of their disks."""

    def __init__(self, cluster, below=""):
        self.cluster = cluster
        for node in cluster.nodes.values():
            node.environment = preload(LIBRARY, FULL_DISK_FILE=self.flag(node),
                                       FULL_DISK_BELOW=node.data + below)

    def flag(self, node):
        return os.path.join(self.cluster.folder, f"full{node.number}")

    def leave(self, node, free):
        with open(self.flag(node) + ".new", "w", encoding="utf-8") as flag:
            flag.write(str(free))
        os.rename(self.flag(node) + ".new", self.flag(node))

    def fill(self, node):
        self.leave(node, 0)

    def make_room(self, node):
        os.remove(self.flag(node))


def is_full(node):
    return (node.status() or {}).get("disk_full")


def wait_full(node, full=True):
    wait_until(lambda: is_full(node) is full, f"disk_full of node {node.number} to be {full}")


class FullDisk(unittest.TestCase):
    def write_until_applying_waits(self, node, client):
        """Returns how many were sent; none of the answers is read."""
        sent = 0
        while "applying waits for room" not in node.log():
            self.assertLess(sent, 4000, "applying to wait")
            for _ in range(20):
                client.send("set", key=f"key{sent}", value=b"x" * 2000)
                sent += 1
            time.sleep(0.1)
        return sent

    def test_a_follower_without_room_comes_back_by_itself(self):
        cluster = Cluster(3, OPTIONS)
        disk = Disk(cluster)
        with cluster:
            cluster.set("before", b"1")
            follower = cluster.followers()[0]
            disk.fill(follower)
            wait_full(follower)
            values = {f"key{i}": b"x" * 5000 for i in range(500)}
            cluster.set_all(values)
            self.assertLess(follower.known_status()["last_index"], cluster.leader().known_status()["last_index"])
            cluster.ask("get", [follower], key="before", consistency="local")
            # What it lacks it cannot read, and says so at once.
            reply = follower.wait_refused("disk_full", "get", key="key1")
            self.assertIn(f"node {follower.number}", reply["error"]["message"])
            # It still has a vote: the two others cannot elect one without it.
            leader = wait_until(lambda: (found := cluster.find_leader()) is not follower and found,
                                "one with room to lead")
            away = next(node for node in cluster.running() if node not in (leader, follower))
            away.kill()
            self.assertIs(cluster.leader([leader, follower]), leader)
            away.start()
            disk.make_room(follower)
            wait_full(follower, False)
            index = cluster.set("after", b"2")["index"]
            cluster.wait_applied(index)
            cluster.check_local({**values, "before": b"1", "after": b"2"})
            self.assertIn("has room again", follower.log())

    def test_a_leader_without_room_hands_over_and_loses_nothing(self):
        cluster = Cluster(3, OPTIONS)
        disk = Disk(cluster)
        with cluster:
            with Load(cluster) as load:
                load.wait_for_more()
                leader = cluster.leader()
                disk.fill(leader)
                others = [node for node in cluster.running() if node is not leader]
                wait_until(lambda: cluster.find_leader() in others, "another node to lead")
                load.wait_for_more()
                disk.make_room(leader)
                wait_full(leader, False)
            load.check(cluster.running())

    def test_a_disk_that_is_nearly_full_refuses_writes_before_it_is(self):
        cluster = Cluster(1, OPTIONS)
        disk = Disk(cluster)
        with cluster:
            node = cluster.nodes[1]
            cluster.set("before", b"1")
            disk.leave(node, 700_000)  # less than the reserve, more than a quarter of it
            wait_full(node)
            reply = node.wait_refused("disk_full", "set", key="k", value=b"v")
            self.assertIn("node 1", reply["error"]["message"])
            self.assertEqual(cluster.ask("get", key="before")["value"], b"1")
            disk.make_room(node)
            cluster.set("k", b"v")
            wait_full(node, False)

    def test_where_all_are_full_writes_are_refused_and_reads_go_on(self):
        cluster = Cluster(3, OPTIONS)
        disk = Disk(cluster)
        with cluster:
            with Load(cluster) as load:
                load.wait_for_more()
                for node in cluster.nodes.values():
                    disk.leave(node, 200_000)  # less than a quarter of the reserve
                for node in cluster.nodes.values():
                    wait_full(node)
                for node in cluster.nodes.values():
                    node.wait_refused("disk_full", "set", key="k", value=b"v")
                    cluster.ask("get", [node], key="k", consistency="local")
                cluster.ask("get", key="k")
                # Not even what is left there for the database.
                for node in cluster.nodes.values():
                    disk.fill(node)
                time.sleep(1)
                for node in cluster.nodes.values():
                    wait_full(node)
                    cluster.ask("get", [node], key="k", consistency="local")
                for node in cluster.nodes.values():
                    self.assertTrue(node.running)
                    disk.make_room(node)
                load.wait_for_more()
            load.check(cluster.running())

    def test_a_node_stops_in_order_and_starts_again(self):
        cluster = Cluster(1, OPTIONS)
        disk = Disk(cluster)
        with cluster:
            node = cluster.nodes[1]
            values = {f"key{i}": b"x" * 2000 for i in range(200)}
            cluster.set_all(values)
            disk.fill(node)
            wait_full(node)
            code = node.kill(signal.SIGTERM)
            self.assertEqual(code, 0, node.log()[-2000:])
            self.assertIn("stopped", node.log())
            # Without any room at all it says so, and does not start.
            node.start()
            self.assertEqual(node.process.wait(timeout=60), 1)
            self.assertIn("No space left on device", node.log())
            disk.make_room(node)
            node.start()
            cluster.set("after", b"1")
            cluster.check_local({**values, "after": b"1"})

    def test_the_database_waits_for_room_and_goes_on(self):
        cluster = Cluster(1, OPTIONS)
        disk = Disk(cluster, "/database")
        with cluster:
            node = cluster.nodes[1]
            cluster.set("before", b"1")
            disk.fill(node)
            client = node.client()
            sent = self.write_until_applying_waits(node, client)
            reply = cluster.ask("get", key="before", consistency="local")
            self.assertEqual(reply["value"], b"1")
            disk.make_room(node)
            for _ in range(sent):
                self.assertIsNotNone(client.receive())
            cluster.wait_applied(node.known_status()["commit_index"])
            cluster.check_local({f"key{i}": b"x" * 2000 for i in range(sent)})
            self.assertIn("goes on applying", node.log())

    def test_the_database_does_not_hold_up_the_end(self):
        cluster = Cluster(1, OPTIONS)
        disk = Disk(cluster, "/database")
        with cluster:
            node = cluster.nodes[1]
            cluster.set("before", b"1")
            disk.fill(node)
            sent = self.write_until_applying_waits(node, node.client())
            committed = wait_until(lambda: (found := node.known_status()["commit_index"]) > sent // 2
                                   and found, "half of them to be committed")
            self.assertEqual(node.kill(signal.SIGTERM), 0, node.log()[-2000:])
            disk.make_room(node)
            node.start()
            cluster.wait_applied(committed)
            cluster.check_local({"before": b"1", "key0": b"x" * 2000})

    def test_a_snapshot_for_which_there_is_no_room_is_taken_later(self):
        cluster = Cluster(1, OPTIONS)
        disk = Disk(cluster, "/snapshots")
        with cluster:
            node = cluster.nodes[1]
            cluster.set_all({f"key{i}": b"x" * 1000 for i in range(100)})
            disk.fill(node)
            node.wait_refused("disk_full", "snapshot")
            self.assertEqual([name for name in os.listdir(os.path.join(node.data, "snapshots"))
                              if name.endswith(".writing")], [])
            disk.make_room(node)
            cluster.ask("snapshot")


if __name__ == "__main__":
    unittest.main()
