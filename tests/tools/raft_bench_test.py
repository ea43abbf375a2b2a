"""raft-bench against fake nodes: what it prints, not how fast it is."""

import json
import subprocess
import sys
import unittest

from fake_node import FakeCluster

PROGRAM = sys.argv.pop(1)


def bench(*words):
    return subprocess.run([PROGRAM, *words], capture_output=True, timeout=60)


SHORT = ("--seconds", "0.2", "--warm-up", "0", "--clients", "2", "--in-flight", "4", "--json")
ALL = ("--any-node", "--requests", "300", "--clients", "6", "--in-flight", "24", "--json")


class Bench(unittest.TestCase):
    def test_write_prints_one_line_of_json(self):
        with FakeCluster(3) as cluster:
            done = bench("write", *SHORT, *cluster.to)
            self.assertEqual(done.returncode, 0, done)
            report = json.loads(done.stdout)
            self.assertGreater(report["requests_per_second"], 0)
            self.assertEqual(list(report["latency_ms"]), ["p50", "p90", "p99", "p999", "max"])
            self.assertEqual(report["errors"], 0)
            writes = [each for each in cluster.nodes[0].requests if each["op"] == "set"]
            self.assertGreaterEqual(len(writes), report["requests"])
            self.assertEqual({len(each["value"]) for each in writes}, {256})

    def test_requests_go_to_the_leader(self):
        with FakeCluster(3) as cluster:
            cluster.shared.leader = 3
            self.assertEqual(bench("write", *SHORT, "--to", cluster.nodes[0].client).returncode, 0)
            for node in cluster.nodes[:2]:
                self.assertEqual({each["op"] for each in node.requests}, {"status"})

    def test_read_finds_every_key(self):
        with FakeCluster(1) as cluster:
            report = json.loads(bench("read", "--keys", "100", *SHORT, *cluster.to).stdout)
            self.assertEqual(report["not_found"], 0)
            self.assertEqual(len(cluster.shared.values), 100)

    def test_refusals_are_errors(self):
        with FakeCluster(1, node1="busy") as cluster:
            done = bench("write", *SHORT, *cluster.to)
            self.assertEqual(done.returncode, 3)
            report = json.loads(done.stdout)
            self.assertGreater(report["errors"], 0)
            self.assertEqual(list(report["errors_by_code"]), ["busy"])

    def test_refusals_are_retries_where_that_is_asked_for(self):
        for behaviour in ("busy", "no_leader", "unknown_outcome"):
            with FakeCluster(1, node1=behaviour) as cluster:
                done = bench("write", "--retry", *SHORT, *cluster.to)
                report = json.loads(done.stdout)
                self.assertEqual((report["errors"], report["requests"]), (0, 0), behaviour)
                self.assertGreater(report["retries"], 0, behaviour)

    def test_so_many_requests_and_no_more(self):
        with FakeCluster(1) as cluster:
            done = bench("write", "--requests", "301", "--clients", "4", "--threads", "2",
                         "--in-flight", "8", "--json", *cluster.to)
            report = json.loads(done.stdout)
            self.assertEqual((report["requests"], report["errors"]), (301, 0), done)
            writes = [each for each in cluster.nodes[0].requests if each["op"] == "set"]
            self.assertEqual(len(writes), 301)

    def test_what_a_node_leaves_unanswered_is_asked_of_another(self):
        # One that ends with requests in hand and stays away, one that is there and says nothing.
        for behaviour in ("dies", "silent"):
            with FakeCluster(3, node2=behaviour) as cluster:
                done = bench("write", *ALL, "--retry", *cluster.to)
                report = json.loads(done.stdout)
                self.assertEqual((report["requests"], report["errors"]), (300, 0), done)
                self.assertGreater(report["retries"], 0)

    def test_what_a_node_leaves_unanswered_is_an_error_without_retry(self):
        with FakeCluster(3, node2="dies") as cluster:
            report = json.loads(bench("write", *ALL, *cluster.to).stdout)
            self.assertEqual(list(report["errors_by_code"]), ["no_answer"])
            self.assertEqual(report["requests"] + report["errors"], 300)

    def test_a_leader_that_ends_is_replaced_by_the_next(self):
        with FakeCluster(3, node1="dies") as cluster:
            running = subprocess.Popen([PROGRAM, "write", *ALL[1:], "--retry", *cluster.to],
                                       stdout=subprocess.PIPE)
            cluster.nodes[0].join(30)
            cluster.shared.leader = 3
            report = json.loads(running.communicate(timeout=60)[0])
            self.assertEqual((report["requests"], report["errors"]), (300, 0))

    def test_wrong_usage_is_exit_code_2(self):
        for words in ([], ["sing"], ["write", "--in-flight", "1", "--clients", "2"],
                      ["write", "--requests", "1", "--seconds", "1"],
                      ["write", "--start", "3", "--to", "tcp://127.0.0.1:4111"],
                      ["failover"], ["failover", "--start", "2"],
                      ["failover", "--start", "3", "--seconds", "1"]):
            self.assertEqual(bench(*words).returncode, 2, words)


if __name__ == "__main__":
    unittest.main()
