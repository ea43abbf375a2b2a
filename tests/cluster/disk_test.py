"""Disks that lose what was not synced, and syncs that fail: nothing acknowledged is lost.

unsynced_files.cpp, preloaded into the nodes, makes SIGKILL a failure of the power.
"""

import os
import unittest

from harness import DEADLINE, Cluster, preload, wait_until
from load import Load


def raise_flag(node, name):
    """The path of the file that unsynced_files.cpp looks for, which is there now."""
    path = node.environment[name]
    with open(path, "wb"):
        pass
    return path


class Disks(unittest.TestCase):
    @staticmethod
    def cluster(size):
        cluster = Cluster(size)
        for node in cluster.nodes.values():
            node.environment = preload(
                os.environ["UNSYNCED_FILES_LIBRARY"], UNSYNCED_FILES=node.data,
                UNSYNCED_FILES_FAIL=os.path.join(cluster.folder, f"syncs{node.number}fail"),
                UNSYNCED_FILES_HANG=os.path.join(cluster.folder, f"syncs{node.number}hang"))
        return cluster

    def test_all_lose_power_at_once_under_load_and_lose_nothing_acknowledged(self):
        with self.cluster(3) as cluster:
            with Load(cluster) as load:
                for _ in range(3):
                    for node in cluster.running():
                        node.process.kill()
                    for node in cluster.nodes.values():
                        node.process.wait()
                    for node in cluster.nodes.values():
                        node.start()
                    load.wait_for_more()
            load.check(cluster.nodes.values())

    def test_a_leader_whose_sync_fails_ends_and_what_it_acknowledged_is_there(self):
        with self.cluster(3) as cluster:
            with Load(cluster) as load:
                leader = cluster.leader()
                flag = raise_flag(leader, "UNSYNCED_FILES_FAIL")
                self.assertNotEqual(leader.process.wait(DEADLINE), 0)
                self.assertIn("Input/output error", leader.log())
                load.wait_for_more()
                os.remove(flag)
                leader.start()
                wait_until(leader.status, "the node is back")
                load.wait_for_more()
            load.check(cluster.nodes.values())

    def test_a_leader_whose_disk_hangs_is_followed_by_another_and_still_answers(self):
        with self.cluster(3) as cluster:
            with Load(cluster) as load:
                leader = cluster.leader()
                flag = raise_flag(leader, "UNSYNCED_FILES_HANG")
                others = [node for node in cluster.running() if node is not leader]
                cluster.leader(among=others)
                load.wait_for_more()
                wait_until(lambda: leader.known_status()["leader"] in
                           [node.number for node in others], "it follows another")
                os.remove(flag)
                cluster.wait_applied(max(node.known_status()["applied_index"] for node in others),
                                     [leader])
                load.wait_for_more()
            load.check(cluster.nodes.values())


if __name__ == "__main__":
    unittest.main(verbosity=2)
