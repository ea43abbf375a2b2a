"""What raft-log prints of data directories that stored.py wrote from docs/log-format.md."""

import json
import os
import subprocess
import unittest

import stored
from raft_log_case import FOUND, PROGRAM, SESSION_WRITE, UNREADABLE, USAGE, Case, raft_log, sample_log
from stored import ZERO, Log, set_command, snapshot_name


class Reading(Case):
    def setUp(self):
        super().setUp()
        self.log = sample_log()
        self.write(stored.directory(self.log, term=2))

    def lines(self, *words):
        done = raft_log("list", self.folder, *words)
        self.assertEqual((done.returncode, done.stderr), (0, b""), done)
        return done.stdout.decode().splitlines()

    def test_verify_of_a_whole_directory_is_clean(self):
        _, summary = self.check_verdict("clean")
        self.assertEqual((summary["entries"], summary["ranges"]), (9, [{"first": 1, "last": 9}]))
        self.assertIn(b": clean: 9 entries, 1 to 9 in 3 segments", raft_log("verify", self.folder).stdout)

    def test_list_says_each_kind_of_command(self):
        lines = self.lines("--values")
        for line, words in zip(lines, (
                "1  term 1  10 ms  configuration", 'set key="colour" bytes=4 value="blue"',
                'delete key="k"', 'publish channel="news" bytes=2', "5  term 2  50 ms  no_operation",
                "session.open timeout_ms=30000 max_sessions=100", 'delete key="k" session=7 seq=1',
                "session.close session=200", 'set key="\\xff\\x00\\n" bytes=40'), strict=True):
            self.assertIn(words, line)
        self.assertIn("members=1,2,3 voters=1,2,3", lines[0])

    def test_list_as_json_has_an_object_a_line(self):
        entries = [json.loads(line) for line in self.lines("--json", "--values")]
        self.assertEqual([each["index"] for each in entries], list(range(1, 10)))
        self.assertEqual(entries[1], {"index": 2, "term": 1, "time_ms": 20, "kind": "command",
                                      "bytes": 16, "command": {"op": "set", "key": "colour",
                                                               "value_bytes": 4, "value": "blue"}})
        self.assertEqual(entries[8]["command"]["key"], {"base64": "/wAK"})
        self.assertEqual(entries[0]["configuration"]["voters"], [1, 2, 3])

    def test_list_takes_a_part(self):
        def indices(*words):
            return [json.loads(line)["index"] for line in self.lines("--json", *words)]
        self.assertEqual(indices("--from", "3", "--to", "7"), [3, 4, 5, 6, 7])
        self.assertEqual(indices("--to", "1"), [1])
        self.assertEqual(indices("--from", "99"), [])
        self.assertEqual(indices("--last", "4"), [6, 7, 8, 9])
        self.assertEqual(indices("--last", "99"), list(range(1, 10)))

    def test_info_names_all_parts(self):
        info = json.loads(raft_log("info", self.folder, "--json").stdout)
        self.assertEqual(info["identity"], {"cluster": "demo", "node": 1, "starts": 3,
                                            "directory": "0123456789abcdef"})
        self.assertEqual(info["hard_state"]["in_force"], {"sequence": 4, "term": 2, "voted_for": 1})
        self.assertEqual([each["valid"] for each in info["hard_state"]["copies"]], [True, True])
        self.assertEqual([(each["first_index"], each["last_index"], each["state"])
                          for each in info["log"]["segments"]],
                         [(1, 3, "closed"), (4, 6, "closed"), (7, 9, "open")])
        self.assertEqual(info["log"]["terms"], [{"term": 1, "first_index": 1},
                                                {"term": 2, "first_index": 5}])
        self.assertEqual(info["configuration"]["index"], 1)
        self.assertEqual((info["snapshots"][0]["state"], info["findings"]), ("complete", []))
        text = raft_log("info", self.folder).stdout.decode()
        for words in ('node 1 of cluster "demo"', "term 2, a vote for node 1", "entries 7 to 9",
                      "term 2 from entry 5", "configuration, of entry 1", "tcp://node2:client"):
            self.assertIn(words, text)

    def test_dump_shows_place_fields_and_bytes(self):
        name, start, end = self.log.places[9]
        text = raft_log("dump", self.folder, "9").stdout.decode()
        for words in (f"{name}, offset {start}: {end - start} bytes", "(right)", "index    9",
                      "entries 8 to 9", "ff 00 0a"):
            self.assertIn(words, text)
        dump = json.loads(raft_log("dump", self.folder, "9", "--json").stdout)
        self.assertEqual(bytes.fromhex(dump["record"]), self.log.segments[name][start:end])
        self.assertEqual(raft_log("dump", self.folder, "7", "--raw").stdout, SESSION_WRITE)

    def test_dump_of_what_is_not_there(self):
        done = raft_log("dump", self.folder, "10")
        self.assertEqual((done.returncode, done.stdout), (FOUND, b""))
        self.assertIn(b"entry 10 is not in the log", done.stderr)
        self.assertIn(b"which holds 1 to 9", done.stderr)

    def test_nothing_is_changed(self):
        def state():
            return {os.path.join(folder, name): os.stat(os.path.join(folder, name))[:9]
                    for folder, _, names in os.walk(self.folder) for name in names + ["."]}
        before = state()
        for words in (["info"], ["list"], ["verify"], ["dump", "3"]):
            raft_log(words[0], self.folder, *words[1:])
        self.assertEqual(state(), before)

    def test_reader_that_goes_away_ends_it_quietly(self):
        log = Log()
        log.append(*[set_command(b"k%d" % number, b"v") for number in range(20000)])
        self.write(stored.directory(log))
        done = subprocess.run(["/bin/sh", "-c", '"$0" list "$1" | head -n 1', PROGRAM, self.folder],
                              capture_output=True, timeout=60)
        self.assertEqual((len(done.stdout.splitlines()), done.stderr), (1, b""))


class Refusals(Case):
    def refuse(self, code, *words):
        done = raft_log(*words)
        self.assertEqual((done.returncode, done.stdout), (code, b""), done)
        return done.stderr.decode()

    def test_older_version_is_one_clear_line(self):
        data = stored.snapshot(ZERO, b"", version=1)
        # Without the number of blocks, which came with version 2.
        rest = data[80:]
        head = bytearray(data[:80] + rest[8:])
        head[20:24] = (len(head) - 80).to_bytes(4, "little")
        self.write({**stored.directory(Log()), snapshot_name(0): stored.sealed(bytes(head))})
        said = self.refuse(UNREADABLE, "verify", self.folder)
        self.assertEqual(len(said.splitlines()), 1)
        self.assertIn("offset 16: the format version is 1", said)

    def test_segment_of_64_bytes_of_header_is_of_an_older_version(self):
        log = sample_log()
        segment = next(iter(log.segments))
        old = stored.sealed(bytes(log.segments[segment][:16]) + (2).to_bytes(4, "little") +
                            bytes(4) + bytes(log.segments[segment][24:64]))
        self.write({**stored.directory(log, term=2), f"log/{segment}": old})
        said = self.refuse(UNREADABLE, "verify", self.folder)
        self.assertEqual(len(said.splitlines()), 1)
        self.assertIn("offset 16: the format version is 2", said)

    def test_newer_version_is_one_clear_line(self):
        log = sample_log()
        segment = next(iter(log.segments))
        other = Log()
        other.roll(version=4)
        for name, version, data in (
                ("identity", 3, stored.identity(version=3)),
                ("hard_state.1", 3, stored.hard_state(4, 2, 1, 1, version=3)),
                (f"log/{segment}", 4, other.segments[segment]),
                (snapshot_name(0), 3, stored.snapshot(ZERO, b"", version=3))):
            self.write({**stored.directory(log, term=2), name: data})
            with self.subTest(name=name):
                said = self.refuse(UNREADABLE, "verify", self.folder)
                self.assertEqual(len(said.splitlines()), 1)
                self.assertIn(f"{os.path.join(self.folder, name)}, offset 16: the format version is {version}",
                              said)

    def test_what_is_no_data_directory(self):
        file = os.path.join(self.folder, "file")
        with open(file, "w", encoding="utf-8") as empty:
            empty.write("x")
        for command in (["info"], ["list"], ["verify"], ["dump", "1"]):
            for path, words in ((self.folder + "/none", "no such directory"), (file, "is a file"),
                                (self.folder, "not the data directory of a node")):
                said = self.refuse(UNREADABLE, command[0], path, *command[1:])
                self.assertIn(words, said)
                self.assertEqual(len(said.splitlines()), 1)

    def test_wrong_usage_is_exit_code_2(self):
        for words in ([], ["sing"], ["info"], ["dump", self.folder], ["dump", self.folder, "0"],
                      ["list", self.folder, "--from", "x"], ["dump", self.folder, "1", "--raw", "--json"],
                      ["list", self.folder, "--last", "1", "--from", "1"]):
            self.assertNotEqual(self.refuse(USAGE, *words), "")

    def test_help_has_examples_and_exit_codes(self):
        for words in ([], ["info"], ["list"], ["verify"], ["dump"]):
            self.assertIn(b"Examples:", raft_log(*words, "--help").stdout)
        self.assertIn(b"Exit codes:", raft_log("--help").stdout)


if __name__ == "__main__":
    unittest.main()
