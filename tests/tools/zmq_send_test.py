"""zmq-send against fake nodes: exit codes, moving on, hints, JSON, hostile replies."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import unittest

from fake_node import FakeCluster

PROGRAM = sys.argv.pop(1)
NOT_THERE, USAGE, NO_ANSWER = 1, 2, 3


def send(*words, stdin=b""):
    return subprocess.run([PROGRAM, *words], input=stdin, capture_output=True, timeout=60)


def ops(node):
    return [request["op"] for request in node.requests]


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
        keys = [request["key"] for request in self.cluster.nodes[0].requests
                if request["op"] == "set"]
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
                self.assertEqual(ops(cluster.nodes[0]).count("publish"), 4)

    def test_refusal_stands_when_time_is_over(self):
        with FakeCluster(1, node1="no_leader") as cluster:
            done = send("set", "a", "b", "--timeout", "2", "--json", *cluster.to)
            self.assertEqual(done.returncode, NO_ANSWER)
            self.assertEqual(json.loads(done.stdout)["error"]["code"], "no_leader")

    def test_follows_the_hint_to_the_leader(self):
        with FakeCluster(2) as cluster:
            follower = cluster.nodes[1]
            lines = b"".join(b"set k%d v\n" % n for n in range(3))
            words = ("--input", "-", "--in-flight", "1", "--to", follower.client)
            self.assertEqual(send(*words, stdin=lines).returncode, 0)
            self.assertEqual((ops(follower).count("set"), ops(cluster.nodes[0]).count("set")), (1, 2))

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


NEW = ("--node", "6", "--peer", "tcp://127.0.0.1:1", "--client", "tcp://127.0.0.1:2",
       "--publish", "tcp://127.0.0.1:3")
CONFIG = """
[node]
id = 6
cluster = "fake"
data_directory = "data/node6"
[[member]]
id = 6
peer = "tcp://127.0.0.1:1"
client = "tcp://127.0.0.1:2"
publish = "tcp://127.0.0.1:3"
[[member]]
id = 1
peer = "tcp://127.0.0.1:4"
client = "{client}"
publish = "tcp://127.0.0.1:5"
"""


class Membership(unittest.TestCase):
    def setUp(self):
        self.cluster = self.enterContext(FakeCluster(3))
        self.leader = self.cluster.nodes[0]
        self.shared = self.cluster.shared

    def check(self, code, *words):
        done = send(*words, *self.cluster.to)
        self.assertEqual(done.returncode, code, done)
        return done.stdout

    def members(self):
        return {member["id"]: member["voter"] for member in self.cluster.members}

    def asked(self, op):
        found = [r for node in self.cluster.nodes for r in node.requests if r["op"] == op]
        return [{k: v for k, v in request.items() if k not in ("id", "op")} for request in found]

    def test_members_are_told_by_the_leader(self):
        follower = self.cluster.nodes[1]
        done = send("members", "--json", "--to", follower.client)
        self.assertEqual(done.returncode, 0, done)
        reply = json.loads(done.stdout)
        self.assertEqual([m["match_index"] for m in reply["members"]], [0, 0, 0])
        self.assertEqual((ops(follower), ops(self.leader)), (["members"], ["members"]))

    def test_members_table_says_who_votes_and_who_catches_up(self):
        self.check(0, "join", *NEW, "--no-wait")
        lines = self.check(0, "members").decode().splitlines()
        self.assertEqual([line.split()[:2] for line in lines[1:5]],
                         [["1", "voter"], ["2", "voter"], ["3", "voter"], ["6", "promoting"]])
        self.assertIn("changing: node 6 is catching up: index 0 of 0", lines[5])

    def test_join_waits_until_the_node_is_a_voter(self):
        self.assertEqual(self.check(0, "join", *NEW, "--priority", "2"),
                         b"node 6 is a voter, index 2\n")
        self.assertEqual(self.members(), {1: True, 2: True, 3: True, 6: True})
        self.assertEqual(self.asked("join"), [
            {"node": 6, "peer": "tcp://127.0.0.1:1", "client": "tcp://127.0.0.1:2",
             "publish": "tcp://127.0.0.1:3", "priority": 2, "voter": True, "replaces": []}])

    def test_join_takes_the_node_from_its_configuration(self):
        with tempfile.NamedTemporaryFile("w", suffix=".toml") as file:
            file.write(CONFIG.format(client=self.leader.client))
            file.flush()
            done = send("join", "--config", file.name, "--replace", "2", "--replace", "3")
        self.assertEqual(done.stdout, b"node 6 is a voter, node 2 has left, node 3 has left, index 2\n")
        self.assertEqual(self.members(), {1: True, 6: True})

    def test_join_as_a_learner_stays_one(self):
        self.assertEqual(self.check(0, "join", *NEW, "--learner"), b"node 6 is a learner, index 2\n")
        self.assertEqual(self.members()[6], False)
        self.assertEqual(self.check(0, "promote", "6"), b"node 6 is a voter, index 4\n")
        self.assertEqual(self.members()[6], True)

    def test_leave_in_json_says_that_it_is_complete(self):
        reply = json.loads(self.check(0, "leave", "3", "--json"))
        self.assertEqual(reply, {"ok": True, "index": 2, "complete": True})
        self.assertEqual(self.members(), {1: True, 2: True})

    def test_change_that_takes_too_long_is_exit_code_3_and_goes_on(self):
        self.shared.polls_a_change = 1_000_000
        done = send("leave", "3", "--timeout", "3", "--json", *self.cluster.to)
        self.assertEqual(done.returncode, NO_ANSWER)
        reply = json.loads(done.stdout)
        self.assertEqual((reply["ok"], reply["complete"], reply["error"]["code"]),
                         (False, False, "not_complete"))
        self.assertIn(b"the cluster goes on with it: the voters are changing", done.stderr)

    def test_no_wait_returns_when_the_change_has_begun(self):
        self.assertEqual(self.check(0, "leave", "3", "--no-wait"), b"the change is under way, index 1\n")
        self.assertEqual(self.asked("members"), [])

    def test_change_waits_for_another_one(self):
        self.check(0, "join", *NEW, "--no-wait")
        self.shared.polls_to_go = 0
        threading.Timer(0.5, lambda: send("members", *self.cluster.to)).start()
        self.check(0, "leave", "3")
        self.assertEqual(self.members(), {1: True, 2: True, 6: True})

    def test_change_that_does_not_fit_is_a_conflict(self):
        done = send("leave", "9", "--json", *self.cluster.to)
        self.assertEqual(done.returncode, NO_ANSWER)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "conflict")

    def test_change_whose_outcome_is_unknown_is_looked_up(self):
        for behaviour in ("doubtful", "dies"):
            with FakeCluster(2, node1=behaviour) as cluster:
                cluster.shared.polls_a_change = 0
                done = send("leave", "2", *cluster.to)
                self.assertEqual((done.returncode, done.stdout), (0, b"node 2 has left, index 2\n"))
                self.assertEqual(ops(cluster.nodes[0]).count("leave"), 1)

    def test_change_that_did_not_take_effect_is_sent_again(self):
        self.leader.behaviour, self.leader.refusals_left = "unknown_outcome", 2
        self.assertEqual(self.check(0, "leave", "3"), b"node 3 has left, index 2\n")
        self.assertEqual(len(self.asked("leave")), 3)

    def test_removed_node_is_not_believed(self):
        # It never learns of its own removal: its members are those of before.
        stale = {"ok": True, "index": 1, "changing": True, "members": []}
        self.cluster.nodes[2].on_members = lambda _: stale
        done = send("leave", "3", "--to", self.cluster.nodes[2].client,
                    "--to", self.leader.client)
        self.assertEqual((done.returncode, done.stdout), (0, b"node 3 has left, index 2\n"))

    def test_transfer_waits_for_the_new_leader(self):
        self.assertEqual(self.check(0, "transfer", "3"), b"node 3 leads\n")
        self.assertEqual(self.check(0, "transfer"), b"node 1 leads\n")
        self.assertEqual(json.loads(self.check(0, "transfer", "2", "--json")),
                         {"ok": True, "node": 2, "complete": True})
        self.assertEqual(self.asked("transfer"), [{"node": 3}, {}, {"node": 2}])

    def test_transfer_whose_outcome_is_unknown_is_looked_up(self):
        self.leader.behaviour = "doubtful"
        self.assertEqual(self.check(0, "transfer"), b"node 2 leads\n")
        self.assertEqual(len(self.asked("transfer")), 1)

    def test_snapshot_says_its_index(self):
        self.check(0, "set", "a", "b")
        self.assertIn(b"snapshot at index 1, at tcp://", self.check(0, "snapshot"))

    def test_hostile_members_end_no_wait_but_its_time(self):
        for behaviour in ("garbage", "huge", "deep", "wrong_types"):
            with FakeCluster(1, node1=behaviour) as cluster:
                for words in (["members"], ["leave", "3"], ["transfer"], ["session"]):
                    done = send(*words, "--timeout", "0.3", *cluster.to)
                    self.assertEqual(done.returncode, NO_ANSWER, (behaviour, done))

    def test_wrong_usage_is_exit_code_2(self):
        for words in (["join"], ["join", "--node", "6"], ["join", *NEW[:-1], "nonsense"],
                      ["join", "--config", "/none.toml"], ["leave"], ["leave", "0"],
                      ["leave", "65536"], ["promote", "x"], ["transfer", "0"],
                      ["session", "close"], ["session", "open", "5"], ["session", "shut"],
                      ["session", "--expire-after", "0.5"], ["set", "a", "b", "--session", "1"],
                      ["delete", "a", "--seq", "1"], ["publish", "a", "b", "--retry",
                                                     "--session", "1", "--seq", "1"]):
            self.assertEqual(self.check(USAGE, *words), b"", words)


class Backups(unittest.TestCase):
    def setUp(self):
        self.cluster = self.enterContext(FakeCluster(2))
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        self.file = os.path.join(self.folder, "copy")

    def check_refused(self, *says):
        done = send("backup", self.file, "--timeout", "5", *self.cluster.to)
        self.assertEqual(done.returncode, NO_ANSWER, done)
        for text in says:
            self.assertIn(text, done.stderr)
        self.assertEqual(os.listdir(self.folder), [])

    def test_backup_begins_again_with_newer_snapshots_and_not_for_ever(self):
        self.check_refused(b"5 times", b"snapshot_log_bytes")
        self.assertEqual(ops(self.cluster.nodes[0]).count("snapshot.read"), 5)
        self.assertEqual(ops(self.cluster.nodes[1]), [])  # all parts are asked of one node

    def test_backup_of_a_node_that_answers_nonsense_is_none(self):
        part = {"node": 1, "cluster": "fake", "index": 7, "size": 5, "bytes": b"bytes"}
        for answer in ({}, part, {**part, "head": b""}, {**part, "head": b"x" * 500},
                       {**part, "head": b"\xff" * 80}, {**part, "head": 7},
                       {"ok": False, "error": {"code": "damaged", "message": "of its disk"}}):
            self.cluster.shared.snapshot_part = answer
            self.check_refused(self.cluster.nodes[0].client.encode())

    def test_backup_replaces_no_file_unasked(self):
        with open(self.file, "wb"):
            pass
        done = send("backup", self.file, *self.cluster.to)
        self.assertEqual(done.returncode, USAGE, done)
        self.assertEqual(ops(self.cluster.nodes[0]), [])


class Sessions(unittest.TestCase):
    def open(self, cluster, *words):
        done = send("session", *words, *cluster.to)
        self.assertEqual(done.returncode, 0, done)
        return done.stdout.decode().strip()

    def test_session_is_opened_and_closed_by_its_number(self):
        with FakeCluster(1) as cluster:
            number = self.open(cluster, "--expire-after", "60")
            self.assertEqual(cluster.nodes[0].requests[0]["timeout_ms"], 60_000)
            self.assertEqual(send("session", "close", number, *cluster.to).returncode, 0)
            self.assertEqual(send("session", "close", number, *cluster.to).returncode, NOT_THERE)

    def test_write_under_one_number_takes_effect_once(self):
        with FakeCluster(1) as cluster:
            words = ("publish", "news", "x", "--session", self.open(cluster), "--seq", "1", *cluster.to)
            first, second = send(*words), send(*words)
            self.assertEqual((first.returncode, second.returncode), (0, 0))
            self.assertEqual(second.stdout,
                             first.stdout.strip() + b" (done before, and told again)\n")
            self.assertEqual(cluster.shared.sequences, {b"news": 1})

    def test_session_that_is_not_open_is_said(self):
        with FakeCluster(1) as cluster:
            done = send("set", "a", "b", "--session", "9", "--seq", "1", "--json", *cluster.to)
            self.assertEqual(done.returncode, NO_ANSWER)
            self.assertEqual(json.loads(done.stdout)["error"]["code"], "session_expired")

    def test_retry_brings_a_publish_home_exactly_once(self):
        for behaviour in ("doubtful", "dies", "unknown_outcome", "busy", "no_leader", "silent"):
            with self.subTest(behaviour), FakeCluster(2, node1=behaviour) as cluster:
                cluster.nodes[0].refusals_left = 2
                cluster.shared.leader = 2
                done = send("publish", "news", "x", "--retry", "--json", *cluster.to)
                self.assertEqual(done.returncode, 0, done)
                self.assertEqual(json.loads(done.stdout)["seq"], 1)
                self.assertEqual(cluster.shared.sequences, {b"news": 1})
                self.assertEqual(cluster.shared.sessions, {})  # and leaves none behind

    def test_retry_of_a_delete_knows_what_it_found(self):
        with FakeCluster(2) as cluster:
            send("set", "a", "b", *cluster.to)
            cluster.nodes[0].behaviour, cluster.nodes[0].refusals_left = "doubtful", 1
            done = send("delete", "a", "--retry", *cluster.to)
            self.assertEqual(done.returncode, 0, done)
            self.assertIn(b"a: deleted, index", done.stdout)
            self.assertEqual(send("delete", "a", "--retry", *cluster.to).returncode, NOT_THERE)

    def test_retry_ends_with_its_time(self):
        with FakeCluster(1, node1="unknown_outcome") as cluster:
            done = send("set", "a", "b", "--retry", "--timeout", "0.5", "--json", *cluster.to)
            self.assertEqual(done.returncode, NO_ANSWER)
            self.assertEqual(json.loads(done.stdout)["error"]["code"], "unknown_outcome")


if __name__ == "__main__":
    unittest.main()
