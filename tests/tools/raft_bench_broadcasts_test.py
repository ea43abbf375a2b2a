"""raft-bench and what happens beside its requests: broadcasts and elections."""

import json
import subprocess
import sys
import time
import unittest

from fake_node import FakeCluster

PROGRAM = sys.argv.pop(1)


def bench(*words):
    return subprocess.run([PROGRAM, *words], capture_output=True, timeout=60)


def writes_of(node):
    return [each for each in list(node.requests) if each["op"] == "set"]


class Elections(unittest.TestCase):
    # At this rate the load lasts for a second, and nothing of it begins before the first term is known.
    LOAD = ("write", "--requests", "200", "--rate", "200")

    def run_with_a_rise(self, cluster, *words):
        before = len(writes_of(cluster.nodes[0]))
        running = subprocess.Popen([PROGRAM, *self.LOAD, *words, *cluster.to],
                                   stdout=subprocess.PIPE)
        while running.poll() is None and len(writes_of(cluster.nodes[0])) == before:
            time.sleep(0.01)
        cluster.shared.term += 2
        return running.communicate(timeout=60)[0]

    def test_a_term_that_rises_is_told(self):
        with FakeCluster(3) as cluster:
            self.assertEqual(json.loads(self.run_with_a_rise(cluster, "--json"))["elections"], 2)
            self.assertIn(b"elections meanwhile: 2\n", self.run_with_a_rise(cluster))

    def test_without_one_only_json_says_so(self):
        with FakeCluster(1) as cluster:
            words = ("write", "--requests", "10", *cluster.to)
            self.assertEqual(json.loads(bench(*words, "--json").stdout)["elections"], 0)
            self.assertNotIn(b"elections", bench(*words).stdout)


if __name__ == "__main__":
    unittest.main()
