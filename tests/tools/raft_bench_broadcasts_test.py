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
    # At this rate the load lasts for three seconds, and nothing of it begins before the first term is known.
    LOAD = ("write", "--requests", "600", "--rate", "200")

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


class Subscribers(unittest.TestCase):
    @staticmethod
    def count(report):
        return tuple(report[f"broadcasts_{name}"]
                     for name in ("received", "missing", "out_of_order"))

    def test_each_hears_every_write_of_real_nodes(self):
        for nodes, words in ((1, ()), (3, ("--threads", "2"))):
            done = bench("write", "--start", str(nodes), "--requests", "2000", "--retry",
                         "--subscribers", "3", "--json", *words)
            self.assertEqual(done.returncode, 0, done)
            report = json.loads(done.stdout)
            self.assertEqual(report["subscribers"], 3)
            received, missing, out_of_order = self.count(report)
            self.assertEqual((missing, out_of_order), (0, 0), report)
            # Where an election makes an outcome unknown, the write is sent again.
            self.assertEqual(received % 3, 0, report)
            self.assertGreaterEqual(received, 3 * 2000, report)

    def test_warm_up_and_what_is_never_answered_count_but_reads_and_filling_do_not(self):
        done = bench("mixed", "--start", "3", "--seconds", "0.5", "--warm-up", "0.2",
                     "--subscribers", "4", "--keys", "500", "--json")
        report = json.loads(done.stdout)
        received, missing, out_of_order = self.count(report)
        self.assertEqual((missing, out_of_order), (0, 0), report)
        self.assertEqual(received % 4, 0)
        self.assertGreater(received, 0)

    # A single node of one subscriber: that there was a write, its acknowledgement alone tells.
    def test_a_hole_is_told_and_is_no_failure(self):
        with FakeCluster(1) as cluster:
            cluster.nodes[0].left_out = {5, 70}
            words = ("write", "--requests", "100", *cluster.to)
            done = bench(*words, "--subscribers", "1", "--json")
            self.assertEqual(done.returncode, 0, done)
            self.assertEqual(self.count(json.loads(done.stdout)), (98, 2, 0))
            cluster.nodes[0].left_out = {105}
            self.assertIn(b"broadcasts: 198 to 2 subscribers, 2 missing, 0 out of order\n",
                          bench(*words, "--subscribers", "2").stdout)

    def test_what_comes_again_is_out_of_order(self):
        with FakeCluster(1) as cluster:
            cluster.nodes[0].repeated = {7}
            done = bench("write", "--requests", "100", "--subscribers", "2", "--json", *cluster.to)
            self.assertEqual(self.count(json.loads(done.stdout)), (200, 0, 2), done)

    def test_the_end_is_not_waited_for_without_end(self):
        with FakeCluster(1) as cluster:
            cluster.nodes[0].left_out = {10}
            done = bench("write", "--requests", "10", "--subscribers", "1", "--json", *cluster.to)
            self.assertEqual(self.count(json.loads(done.stdout)), (9, 1, 0), done)

    def test_a_subscriber_that_hears_nothing_ends_the_run_before_it_begins(self):
        with FakeCluster(1) as cluster:
            cluster.nodes[0].member["publish"] = "tcp://127.0.0.1:1"
            done = bench("write", "--requests", "10", "--subscribers", "2", *cluster.to)
            self.assertEqual((done.returncode, done.stdout), (3, b""), done)
            self.assertIn(b"2 subscribers heard nothing", done.stderr)
            self.assertEqual(writes_of(cluster.nodes[0]), [])

    def test_without_subscribers_nothing_is_said_of_broadcasts(self):
        with FakeCluster(1) as cluster:
            report = json.loads(bench("write", "--requests", "10", "--json", *cluster.to).stdout)
            self.assertNotIn("broadcasts_received", report)

    def test_wrong_numbers_and_modes_are_refused_in_one_sentence(self):
        for words in (["write", "--subscribers", "1001"], ["write", "--subscribers", "-1"],
                      ["write", "--subscribers", "many"], ["read", "--subscribers", "1"],
                      ["sweep", "--subscribers", "1"],
                      ["failover", "--start", "3", "--subscribers", "1"]):
            done = bench(*words)
            self.assertEqual((done.returncode, done.stdout), (2, b""), words)
            self.assertIn(b"--subscribers", done.stderr.splitlines()[0])


if __name__ == "__main__":
    unittest.main()
