"""raft-bench against fake nodes: what it prints, not how fast it is."""

import json
import os
import subprocess
import sys
import tempfile
import unittest
import xml.etree.ElementTree

from fake_node import FakeCluster

PROGRAM = sys.argv.pop(1)


def bench(*words):
    return subprocess.run([PROGRAM, *words], capture_output=True, timeout=60)


SHORT = ("--requests", "200", "--clients", "2", "--in-flight", "4", "--json")
# So many that each node has had some when the last one connects.
MANY = 3000
ALL = ("--any-node", "--requests", str(MANY), "--clients", "6", "--in-flight", "24", "--json")


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
                done = bench("write", "--retry", "--seconds", "1", "--warm-up", "0", "--json",
                             *cluster.to)
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
                self.assertEqual((report["requests"], report["errors"]), (MANY, 0), done)
                self.assertGreater(report["retries"], 0)

    def test_what_a_node_leaves_unanswered_is_an_error_without_retry(self):
        with FakeCluster(3, node2="dies") as cluster:
            report = json.loads(bench("write", *ALL, *cluster.to).stdout)
            self.assertEqual(list(report["errors_by_code"]), ["no_answer"])
            self.assertEqual(report["requests"] + report["errors"], MANY)

    def test_a_leader_that_ends_is_replaced_by_the_next(self):
        with FakeCluster(3, node1="dies") as cluster:
            running = subprocess.Popen([PROGRAM, "write", *ALL[1:], "--retry", *cluster.to],
                                       stdout=subprocess.PIPE)
            cluster.nodes[0].join(30)
            cluster.shared.leader = 3
            report = json.loads(running.communicate(timeout=60)[0])
            self.assertEqual((report["requests"], report["errors"]), (MANY, 0))

    def test_open_loop_counts_what_was_due_and_not_answered(self):
        with FakeCluster(3, node2="silent") as cluster:
            done = bench("write", "--any-node", "--rate", "300", "--clients", "3", "--seconds",
                         "0.6", "--warm-up", "0", "--json", *cluster.to)
            report = json.loads(done.stdout)
            # A third of what is due within half a second, once all are connected; and all of it is in the
            # latencies, with at least the second that it was still waited for.
            self.assertGreaterEqual(report["unanswered"], 45, report)
            self.assertGreater(report["requests"], 0)
            self.assertGreater(report["latency_ms"]["p99"], 1000)
            self.assertEqual(report["rate"], 300)

    def test_mixed_work_has_latencies_of_both(self):
        with FakeCluster(1) as cluster:
            report = json.loads(bench("mixed", "--reads", "0.3", "--keys", "50", "--distribution",
                                      "zipf", *SHORT, *cluster.to).stdout)
            self.assertGreater(report["read_latency_ms"]["p50"], 0)
            self.assertGreater(report["write_latency_ms"]["p50"], 0)
            self.assertEqual(report["not_found"], 0)
            operations = {each["op"] for each in cluster.nodes[0].requests}
            self.assertLessEqual({"get", "set"}, operations)

    def test_sequential_keys_take_turns(self):
        with FakeCluster(1) as cluster:
            bench("write", "--distribution", "sequential", "--keys", "7", "--requests", "70",
                  "--clients", "2", "--in-flight", "2", *cluster.to)
            keys = [each["key"] for each in cluster.nodes[0].requests if each["op"] == "set"]
            self.assertEqual({key: keys.count(key) for key in keys},
                             {f"bench/{i:08}".encode(): 10 for i in range(7)})

    def test_sweep_measures_each_step_and_draws_them(self):
        words = ("--seconds", "0.1", "--warm-up", "0", "--json")
        with FakeCluster(1) as cluster, tempfile.TemporaryDirectory() as folder:
            for over, steps in (("in-flight", "1,4"), ("rate", "50,100"), ("value-bytes", "10,20"),
                                ("keys", "5,10")):
                svg = os.path.join(folder, over + ".svg")
                done = bench("sweep", "--over", over, "--steps", steps, "--svg", svg, *words,
                             *cluster.to)
                self.assertEqual(done.returncode, 0, done)
                report = json.loads(done.stdout)
                name = {"in-flight": "in_flight", "value-bytes": "value_bytes"}.get(over, over)
                self.assertEqual([step[name] for step in report["steps"]],
                                 [int(step) for step in steps.split(",")])
                lines = xml.etree.ElementTree.parse(svg).findall(
                    "{http://www.w3.org/2000/svg}polyline")
                self.assertEqual(len(lines), 3 if over in ("in-flight", "rate") else 1)

    def test_sweep_says_where_it_cannot_draw(self):
        with FakeCluster(1) as cluster:
            done = bench("sweep", "--steps", "1", "--seconds", "0.1", "--warm-up", "0", "--svg",
                         "/nowhere/plot.svg", *cluster.to)
            self.assertEqual(done.returncode, 3)
            self.assertIn(b"/nowhere/plot.svg", done.stderr)

    def test_requests_that_nobody_answers_are_given_up(self):
        with FakeCluster(2, node1="no_leader", node2="no_leader") as cluster:
            done = bench("write", *ALL, "--retry", "--give-up", "0.5", *cluster.to)
            self.assertEqual(done.returncode, 3, done)
            self.assertIn(b"no request was answered for 0.5 s", done.stderr)
            self.assertEqual(done.stdout, b"")

    def test_profile_is_what_was_done_between_two_dumps(self):
        with FakeCluster(2) as cluster:
            for node in cluster.nodes:
                node.profiled = True
            cluster.shared.leader = 2
            report = json.loads(bench("write", "--profile", *SHORT, *cluster.to).stdout)
            self.assertEqual([node["node"] for node in report["profile"]], [2, 1])
            for node in report["profile"]:
                self.assertEqual(node["actors"]["event_handler"],
                                 {"turns": 10, "messages_in": 20, "messages_out": 0, "events": 30,
                                  "turns_ns": 5000, "zeromq_ns": 1000, "waiting_ns": 0})
                self.assertGreater(node["seconds"], 0)
            words = [word for word in SHORT if word != "--json"]
            text = bench("write", "--profile", *words, *cluster.to).stdout.decode()
            self.assertIn("profile of node 2, leader", text)

    def test_profile_says_where_a_node_has_none(self):
        with FakeCluster(1) as cluster:
            done = bench("write", "--profile", *SHORT, *cluster.to)
            self.assertEqual(done.returncode, 3)
            self.assertIn(b"raft-actor --profile", done.stderr)

    def test_wrong_usage_is_exit_code_2(self):
        for words in ([], ["sing"], ["write", "--in-flight", "1", "--clients", "2"],
                      ["write", "--requests", "1", "--seconds", "1"],
                      ["write", "--start", "3", "--to", "tcp://127.0.0.1:4111"],
                      ["write", "--reads", "0.5"], ["write", "--rate", "0"],
                      ["sweep", "--in-flight", "4"], ["sweep", "--steps", "0"],
                      ["sweep", "--over", "rate", "--steps", "10", "--requests", "5"],
                      ["mixed", "--reads", "1.5"], ["write", "--distribution", "normal"],
                      ["sweep", "--profile"], ["failover"], ["failover", "--start", "2"],
                      ["failover", "--start", "3", "--seconds", "1"]):
            self.assertEqual(bench(*words).returncode, 2, words)


if __name__ == "__main__":
    unittest.main()
