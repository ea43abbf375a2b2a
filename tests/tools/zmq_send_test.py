"""zmq-send against fake nodes: exit codes, moving on, hints, JSON, hostile replies."""

import json
import signal
import subprocess
import sys
import unittest

from fake_node import FakeCluster

PROGRAM = sys.argv.pop(1)
NOT_THERE, USAGE, NO_ANSWER = 1, 2, 3


def send(*words, stdin=b""):
    return subprocess.run([PROGRAM, *words], input=stdin, capture_output=True, timeout=60)


class Commands(unittest.TestCase):
    def setUp(self):
        self.cluster = self.enterContext(FakeCluster(1))

    def check(self, code, *words, stdin=b""):
        done = send(*words, *self.cluster.to, stdin=stdin)
        self.assertEqual(done.returncode, code, done)
        return done.stdout

    def test_get_prints_the_bytes_alone(self):
        self.check(0, "set", "colour", "-", stdin=b"\xff\x00blue\n")
        self.assertEqual(self.check(0, "get", "colour"), b"\xff\x00blue\n")

    def test_missing_key_is_exit_code_1(self):
        self.assertEqual(self.check(NOT_THERE, "get", "colour"), b"")
        self.check(NOT_THERE, "delete", "colour")

    def test_delete_removes_the_key(self):
        self.check(0, "set", "colour", "blue")
        self.check(0, "delete", "colour")
        self.check(NOT_THERE, "get", "colour")

    def test_bytes_in_json_are_base64(self):
        self.check(0, "set", "colour", "-", stdin=b"\xff")
        line = json.loads(self.check(0, "get", "colour", "--json"))
        self.assertEqual(line["value"], {"base64": "/w=="})

    def test_raw_sends_what_it_is_given(self):
        self.check(0, "raw", '{"op": "set", "key": "a", "value": {"base64": "/w=="}}')
        line = json.loads(self.check(0, "raw", '{"op": "get", "key": "a", "id": "mine"}'))
        self.assertEqual((line["id"], line["value"]), ("mine", {"base64": "/w=="}))

    def test_error_reply_is_exit_code_3(self):
        line = json.loads(self.check(NO_ANSWER, "raw", '{"op": "frobnicate"}'))
        self.assertEqual(line["error"]["code"], "unknown_op")

    def test_wrong_usage_is_exit_code_2(self):
        for words in ([], ["get"], ["frobnicate"], ["raw", "{"], ["set", "a"], ["--input", "/none"],
                      ["get", "a", "--timeout", "x"]):
            self.assertEqual(self.check(USAGE, *words), b"")

    def test_endpoint_that_is_none_is_exit_code_2(self):
        self.assertEqual(send("get", "a", "--to", "nonsense").returncode, USAGE)

    def test_replay_follows_pages_in_order(self):
        for number in range(5):
            self.check(0, "publish", "news", str(number))
        lines = [json.loads(line) for line in
                 self.check(0, "replay", "--after", "1", "ch/", "--json").splitlines()]
        self.assertEqual([line["seq"] for line in lines], [2, 3, 4, 5])

    def test_complete_subscription_has_what_the_socket_never_brought(self):
        for number in range(3):
            self.check(0, "publish", "news", str(number))
        words = ("subscribe", "--complete", "--after", "0", "--count", "3", "ch/news")
        self.assertEqual(self.check(0, *words), b"1 ch/news #1 0\n2 ch/news #2 1\n3 ch/news #3 2\n")

    def test_subscription_ends_well_on_interrupt(self):
        words = [PROGRAM, "subscribe", "raft/status", *self.cluster.to]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as process:
            self.assertIn(b"raft/status", process.stdout.readline())
            process.send_signal(signal.SIGINT)
            process.stdout.read()
            self.assertEqual(process.wait(30), 0)

    def test_input_reports_each_failed_line_by_its_number(self):
        done = send("--input", "-", *self.cluster.to, "--json",
                    stdin=b"set a 'b c'\n\n# nothing\nnonsense\npublish news x\n")
        self.assertEqual(done.returncode, USAGE)
        self.assertIn(b"line 4: ", done.stderr)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual(lines[-1]["summary"]["done"], 2)
        self.assertEqual({line["line"]: line["ok"] for line in lines[:-1]}, {1: True, 4: False, 5: True})
        self.assertEqual(self.check(0, "get", "a"), b"b c")

    def test_input_sends_every_line_once(self):
        self.check(0, "--input", "-", stdin=b"".join(b"set k%d v\n" % n for n in range(2000)))
        keys = [request["key"] for request in self.cluster.nodes[0].requests]
        self.assertEqual(sorted(keys), sorted(b"k%d" % n for n in range(2000)))


class Clusters(unittest.TestCase):
    def test_moves_on_from_a_node_that_is_gone(self):
        with FakeCluster(2) as cluster:
            cluster.shared.leader = 2
            cluster.nodes[0].stop()
            self.assertEqual(send("set", "a", "b", *cluster.to).returncode, 0)

    def test_moves_on_from_a_node_that_is_silent(self):
        with FakeCluster(2, node1="silent") as cluster:
            cluster.shared.leader = 2
            self.assertEqual(send("set", "a", "b", *cluster.to).returncode, 0)

    def test_publish_to_a_silent_node_is_never_sent_again(self):
        with FakeCluster(2, node1="silent") as cluster:
            self.assertEqual(send("publish", "news", "x", *cluster.to).returncode, NO_ANSWER)
            self.assertEqual(cluster.nodes[1].requests, [])

    def test_set_is_not_sent_again_where_that_is_forbidden(self):
        with FakeCluster(2, node1="unknown_outcome") as cluster:
            done = send("set", "a", "b", "--once", "--json", *cluster.to)
            self.assertEqual(done.returncode, NO_ANSWER)
            self.assertEqual(json.loads(done.stdout)["error"]["code"], "unknown_outcome")
            self.assertEqual(cluster.nodes[1].requests, [])

    def test_unknown_outcome_of_a_set_is_resolved_by_another_node(self):
        with FakeCluster(2, node1="unknown_outcome") as cluster:
            self.assertEqual(send("set", "a", "b", *cluster.to).returncode, 0)

    def test_unknown_outcome_of_a_publish_stands(self):
        with FakeCluster(2, node1="unknown_outcome") as cluster:
            self.assertEqual(send("publish", "a", "b", *cluster.to).returncode, NO_ANSWER)
            self.assertEqual(cluster.nodes[1].requests, [])

    def test_what_was_not_taken_is_sent_again(self):
        for refusal in ("no_leader", "busy"):
            with FakeCluster(1, node1=refusal) as cluster:
                cluster.nodes[0].refusals_left = 3
                self.assertEqual(send("publish", "a", "b", *cluster.to).returncode, 0)
                self.assertEqual(len(cluster.nodes[0].requests), 4)

    def test_refusal_stands_when_time_is_over(self):
        with FakeCluster(1, node1="no_leader") as cluster:
            done = send("set", "a", "b", "--timeout", "0.2", "--json", *cluster.to)
            self.assertEqual(done.returncode, NO_ANSWER)
            self.assertEqual(json.loads(done.stdout)["error"]["code"], "no_leader")

    def test_follows_the_hint_to_the_leader(self):
        with FakeCluster(2) as cluster:
            follower = cluster.nodes[1]
            lines = b"".join(b"set k%d v\n" % n for n in range(3))
            words = ("--input", "-", "--in-flight", "1", "--to", follower.client)
            self.assertEqual(send(*words, stdin=lines).returncode, 0)
            self.assertEqual((len(follower.requests), len(cluster.nodes[0].requests)), (1, 2))

    def test_status_shows_members_that_were_not_named(self):
        with FakeCluster(3) as cluster:
            cluster.nodes[2].stop()
            done = send("status", "--json", "--to", cluster.nodes[0].client)
            self.assertEqual(done.returncode, 0)
            lines = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertEqual([(line["node"], line["reachable"]) for line in lines],
                             [(1, True), (2, True), (3, False)])

    def test_hostile_replies_are_no_answer(self):
        # B19: whatever comes back, the tool says so and ends.
        for behaviour in ("garbage", "huge", "deep", "wrong_types"):
            with FakeCluster(1, node1=behaviour) as cluster:
                for words in (["get", "a"], ["status"], ["replay", "--after", "0"], ["debug"]):
                    done = send(*words, "--timeout", "0.3", *cluster.to)
                    self.assertEqual(done.returncode, NO_ANSWER, (behaviour, done))


if __name__ == "__main__":
    unittest.main()
