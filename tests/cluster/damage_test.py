"""Bits that flip on one disk of three: the node says so, is repaired by the others, and nothing
acknowledged is lost."""

import glob
import os
import struct
import unittest

from harness import DEADLINE, Cluster, wait_until
from load import Load

OPTIONS = "[raft]\nsnapshot_log_bytes = 1048576\ntrailing_entries = 50\n"


def flip(path, offset):
    with open(path, "r+b") as file:
        file.seek(offset)
        byte = file.read(1)
        file.seek(offset)
        file.write(bytes([byte[0] ^ 0x10]))


def segments(node):
    return sorted(glob.glob(os.path.join(node.data, "log", "[0-9]*.segment")))


def frames(path):
    """Where frames with records begin (docs/log-format.md)."""
    with open(path, "rb") as file:
        content = file.read()
    found = []
    at = 80  # behind the header
    while at + 64 <= len(content) and content[at + 8:at + 16] == b"log-fram":
        length, count = struct.unpack_from("<QI", content, at + 48)
        if count == 0:  # a seal
            break
        found.append(at)
        at += (64 + length + 7) // 8 * 8
    return found


def exists(node, name):
    return os.path.exists(os.path.join(node.data, name))


class Damage(unittest.TestCase):
    def fill(self, cluster, expected, megabytes):
        for _ in range(megabytes):
            batch = {f"key/{(len(expected) + i) % 700}": os.urandom(10_000) for i in range(100)}
            cluster.set_all(batch)
            expected.update(batch)

    def heals(self, cluster, node, words):
        node.start()
        wait_until(lambda: (node.status() or {}).get("doubt", 0) is None and
                   not exists(node, "doubt") and not exists(node, "damaged"),
                   f"node {node.number} to vouch for its log again")
        log = node.log()
        for word in words:
            self.assertIn(word, log)
        cluster.wait_applied(cluster.leader().known_status()["commit_index"], [node])

    def check_needed(self, cluster, load, node, expected):
        """The node counts: without it there is no majority now."""
        other = next(each for each in cluster.running() if each is not node)
        other.kill()
        load.wait_for_more()
        other.start()
        cluster.wait_applied(cluster.set("after", b"1")["index"])
        cluster.check_local(expected)

    def test_a_flip_in_the_middle_of_the_log_heals_under_load(self):
        with Cluster(3) as cluster:
            expected = {}
            self.fill(cluster, expected, 3)
            with Load(cluster, writers=2) as load:
                node = cluster.followers()[0]
                node.kill()
                load.wait_for_more()
                path = segments(node)[0]
                places = frames(path)
                flip(path, places[len(places) // 2] + 64 + 100)
                self.heals(cluster, node, [path, "the log is cut behind entry",
                                           "vouches for its log again"])
                self.check_needed(cluster, load, node, expected)
            load.check(cluster.running(), replay=False)

    def test_a_flip_in_the_last_write_is_seen_and_heals(self):
        with Cluster(3) as cluster:
            expected = {f"k{i}": b"%d" % i for i in range(20)}
            for key, value in expected.items():
                index = cluster.set(key, value)["index"]
            cluster.wait_applied(index)
            node = cluster.leader()  # what it lost it had counted itself

            def is_at_rest():
                status = node.known_status()
                return status["applied_index"] == status["last_index"]

            wait_until(is_at_rest, "all of its log to be committed")
            node.kill()
            path = segments(node)[-1]
            flip(path, frames(path)[-1] + 64 + 50)
            self.heals(cluster, node, [path, "vouches for its log again"])
            cluster.wait_applied(cluster.set("after", b"1")["index"])
            cluster.check_local(expected)

    def test_damage_in_every_place_at_once_heals_under_load(self):
        with Cluster(3, OPTIONS) as cluster:
            expected = {}
            self.fill(cluster, expected, 5)
            wait_until(lambda: all(node.known_status()["first_index"] > 1 for node in cluster.running()),
                       "a log that begins behind a snapshot")
            with Load(cluster, writers=2) as load:
                node = cluster.followers()[0]
                node.kill()
                load.wait_for_more()
                snapshot = max(glob.glob(os.path.join(node.data, "snapshots", "*.snapshot")))
                flip(snapshot, os.path.getsize(snapshot) // 2)
                for path in segments(node):
                    flip(path, 70)
                for table in glob.glob(os.path.join(node.data, "database", "*.sst")):
                    flip(table, os.path.getsize(table) // 2)
                    flip(table, os.path.getsize(table) - 20)
                flip(os.path.join(node.data, "hard_state.1"), 33)
                self.heals(cluster, node, ["vouches for its log again"])
                self.check_needed(cluster, load, node, expected)
            load.check(cluster.running(), replay=False)

    def test_a_damaged_snapshot_heals_under_load(self):
        with Cluster(3, OPTIONS) as cluster:
            expected = {}
            self.fill(cluster, expected, 4)
            wait_until(lambda: all(node.known_status()["first_index"] > 1 for node in cluster.running()),
                       "a log that begins behind a snapshot")
            with Load(cluster, writers=2) as load:
                node = cluster.followers()[0]
                node.kill()
                load.wait_for_more()
                snapshot = max(glob.glob(os.path.join(node.data, "snapshots", "*.snapshot")))
                flip(snapshot, os.path.getsize(snapshot) // 3)
                self.heals(cluster, node, [snapshot])
                self.check_needed(cluster, load, node, expected)
            load.check(cluster.running(), replay=False)

    def test_two_of_three_in_doubt_elect_nobody_and_say_what_they_lack(self):
        with Cluster(3) as cluster:
            for number in range(20):
                cluster.wait_applied(cluster.set(f"k{number}", b"x")["index"])
            for node in cluster.running():
                node.kill()
            damaged = [cluster.nodes[1], cluster.nodes[2]]
            for node in damaged:
                path = segments(node)[0]
                flip(path, frames(path)[3] + 70)
            for node in cluster.nodes.values():
                node.start()
            for node in damaged:
                wait_until(lambda n=node: "does not vote, as it lost entries from" in n.log(),
                           f"node {node.number} to say what it lacks")
                self.assertIsNotNone(node.known_status()["doubt"])
            self.assertIsNone(cluster.find_leader())

    def test_an_only_voter_is_refused_with_file_and_offset(self):
        with Cluster(1) as cluster:
            for i in range(10):
                cluster.set(f"k{i}", b"x")
            node = cluster.nodes[1]
            node.kill()
            path = segments(node)[0]
            flip(path, frames(path)[2] + 70)
            node.start()
            self.assertEqual(node.process.wait(DEADLINE), 1)
            self.assertIn(path, node.log())
            self.assertIn("offset", node.log())
            self.assertFalse(exists(node, "doubt"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
