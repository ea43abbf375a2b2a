"""Disks that lose what was not synced, and syncs that fail: nothing acknowledged is lost.

unsynced_files.cpp, preloaded into the nodes, makes SIGKILL a failure of the power.
"""

import os
import unittest

from harness import DEADLINE, Cluster, preload, wait_until
from load import Load


class Disks(unittest.TestCase):
    @staticmethod
    def cluster(size):
        cluster = Cluster(size)
        for node in cluster.nodes.values():
            node.environment = preload(
                os.environ["UNSYNCED_FILES_LIBRARY"], UNSYNCED_FILES=node.data,
                UNSYNCED_FILES_FAIL=os.path.join(cluster.folder, f"syncs{node.number}fail"))
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
                flag = leader.environment["UNSYNCED_FILES_FAIL"]
                with open(flag, "wb"):
                    pass
                self.assertNotEqual(leader.process.wait(DEADLINE), 0)
                self.assertIn("Input/output error", leader.log())
                load.wait_for_more()
                os.remove(flag)
                leader.start()
                wait_until(leader.status, "the node is back")
                load.wait_for_more()
            load.check(cluster.nodes.values())


if __name__ == "__main__":
    unittest.main(verbosity=2)
