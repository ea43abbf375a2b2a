"""What raft-log verify finds in data directories that stored.py wrote from docs/log-format.md."""

import json
import os
import random
import unittest

import stored
from raft_log_case import FOUND, Case, raft_log, sample_log
from stored import CONFIGURATION, ZERO, Log, set_command, snapshot_name

SEED = int(os.environ.get("RAFT_LOG_TEST_SEED", random.randrange(1 << 32)))


class Damage(Case):
    """One byte is changed, or the end is cut off."""

    def setUp(self):
        super().setUp()
        self.log = sample_log()
        # Zeros ahead of the log, as a node writes them.
        for name in self.log.segments:
            self.log.segments[name] += bytes(200)
        content = bytes(range(256)) * 300  # two blocks
        self.last = (3, 1, self.log_checksum(3), 30)
        self.files = stored.directory(self.log, {
            snapshot_name(3): stored.snapshot(self.last, content, (1, 2, 3))}, term=2)
        self.head = self.files[snapshot_name(3)].index(content)
        self.write(self.files)

    def log_checksum(self, index):
        name, start, _ = self.log.places[index]
        return int.from_bytes(self.log.segments[name][start:start + 8], "little")

    def expected(self, name, offset):
        """What a change of this byte is, and where it is said to be."""
        if name.startswith("snapshots"):
            if offset < self.head:
                return "damage", 0
            table = len(self.files[name]) - 48
            if offset >= table:
                return "damage", table
            return "damage", self.head + (offset - self.head) // stored.BLOCK * stored.BLOCK
        if not name.startswith("log/"):
            return "damage", 0
        segment = name[4:]
        last = segment == list(self.log.segments)[-1]
        if offset < 80:
            return "damage", 0
        for index, (where, start, end) in self.log.places.items():
            if where == segment and start <= offset < end:
                return ("torn tail" if index >= 8 else "damage"), start
        for index, (where, start, _) in self.log.frames.items():
            if where == segment and start <= offset < start + 64:
                return ("torn tail" if index >= 8 else "damage"), start
        # Zeros that mean nothing: between two frames, or behind the last. Before and behind the last
        # write of the log they pass for an interrupted one, elsewhere such a write is impossible.
        end = (max(frame[2] for frame in self.log.frames.values() if frame[0] == segment) + 7) // 8 * 8
        place = end if end <= offset < end + 16 else offset  # where a frame might have begun
        return "torn tail" if last else "damage", place

    def test_changed_byte_is_found_where_it_is(self):
        generator = random.Random(SEED)
        for name, data in self.files.items():
            count = min(len(data), 30)
            for offset in sorted(generator.sample(range(len(data)), count)):
                with self.subTest(name=name, offset=offset, seed=SEED):
                    changed = bytearray(data)
                    changed[offset] ^= 1 << generator.randrange(8)
                    self.write({name: changed})
                    weight, place = self.expected(name, offset)
                    if weight == "damage":
                        self.check_damage(name, place)
                    else:
                        findings, _ = self.check_verdict("torn tail")
                        self.assertEqual([each["offset"] for each in findings], [place])
            self.write({name: data})
        self.check_verdict("clean")

    def test_last_write_cut_at_each_byte_is_a_torn_tail_or_shows_not_at_all(self):
        name, start, end = self.log.frames[9]
        records = [self.log.places[index][2] for index in (8, 9)]
        data = self.log.segments[name]
        for cut in range(self.log.places[7][2], end + 1):
            self.write({f"log/{name}": data[:cut]})
            kept = 7 + sum(place <= cut for place in records)
            # At the end of a record it looks like a truncation, before the frame there is nothing.
            verdict = "clean" if cut <= start or cut in records else "torn tail"
            with self.subTest(cut=cut):
                _, summary = self.check_verdict(verdict)
                self.assertEqual(summary["ranges"], [{"first": 1, "last": kept}])
                listed = raft_log("list", self.folder)
                self.assertEqual((listed.returncode, len(listed.stdout.splitlines())), (0, kept))

    def test_what_can_be_read_behind_damage_is_read(self):
        name, start, _ = self.log.places[2]
        data = bytearray(self.log.segments[name])
        data[start + 50] ^= 1
        self.write({f"log/{name}": data})
        done = raft_log("list", self.folder, "--json")
        self.assertEqual(done.returncode, FOUND)
        self.assertEqual([json.loads(line)["index"] for line in done.stdout.splitlines()],
                         [1, 4, 5, 6, 7, 8, 9])
        self.assertIn(f"{name}, offset {start}".encode(), done.stderr)
        dump = json.loads(raft_log("dump", self.folder, "2", "--json").stdout)
        self.assertEqual((dump["offset"], dump["checks"]), (start, False))


class Contradictions(Case):
    """All checksums are right, and yet it cannot be."""

    def check(self, log, offset, words, name=None, term=1):
        self.write(stored.directory(log, term=term))
        self.check_damage("log/" + (name or log.name), offset, words)

    def test_lost_and_repeated_writes(self):
        """The second of three frames is not what followed the first."""
        for last, words in (((2, 1, 77, 20), "begins with entry 3 where entry 2 belongs"),
                            (ZERO, "begins with entry 1 where entry 2 belongs")):
            with self.subTest(words=words):
                log = Log()
                log.append(set_command(b"a", b"v"))
                log.last = last
                log.append(set_command(b"b", b"v"))
                self.check(log, log.frames[log.last[0]][1], words)

    def test_chain_index_term_time_and_kind(self):
        for record, words in (({"previous": 5}, "follows a record with checksum"),
                              ({"index": 7}, "entry 7 where entry 2 belongs"),
                              ({"term": 1}, "follows term 2"),
                              ({"time_ms": 1}, "follows term 2 at 10 ms"),
                              ({"kind": 9}, "unknown kind 9"),
                              ({"kind": CONFIGURATION}, "no configuration")):
            with self.subTest(words=words):
                log = Log()
                log.append({"payload": set_command(b"a", b"b"), "term": 2})
                log.append({"payload": b"12", "term": 2, **record})
                self.check(log, log.places[2][1], words, term=2)

    def test_frame_that_cannot_be(self):
        for frame, offset, words in (({"count": 0}, 80, "no record"), ({"count": 9}, 80, "9 records"),
                                     ({"count": 1}, 144, "not the 1 that it says"),
                                     ({"synced": 1 << 20}, 80, "were on disk before")):
            with self.subTest(words=words):
                log = Log()
                log.append(set_command(b"a", b"b"), set_command(b"c", b"d"), **frame)
                self.check(log, offset, words)

    def test_missing_segment(self):
        log = sample_log()
        names = list(log.segments)
        log.segments.pop(names[1])
        self.check(log, 32, "entries 4 to 6 are missing", names[2], term=2)

    def test_segment_behind_another_end(self):
        log = sample_log()
        names = list(log.segments)
        log.segments.pop(names[2])
        log.last = (6, 2, 77, 60)
        log.roll()
        self.check(log, 32, "checksum 000000000000004d", names[2], term=2)

    def test_log_of_a_term_that_was_not_saved(self):
        self.write(stored.directory(sample_log(), term=1))
        self.check_damage("hard_state.0", 0, "entries of term 2")

    def test_table_of_blocks_that_do_not_fill_the_content(self):
        content = b"x" * 100
        for block, words in ((content[:99], "blocks have 99 bytes, its content 100"),
                             (b"", "a block of 0 bytes")):
            with self.subTest(words=words):
                self.write({**stored.directory(Log()), snapshot_name(0): stored.snapshot(
                    ZERO, content, table=stored.entry(block))})
                data = stored.snapshot(ZERO, content)
                self.check_damage(snapshot_name(0), data.index(content) + 100, words)

    def test_log_behind_its_snapshot(self):
        log = Log(base=(5, 1, 77, 50))
        self.check(log, 0, "what is between is missing")
        self.write({snapshot_name(5): stored.snapshot((5, 1, 77, 50), b"")})
        os.remove(os.path.join(self.folder, snapshot_name(0)))
        self.check_verdict("clean")
        self.write({snapshot_name(7): stored.snapshot((7, 1, 78, 60), b"")})
        os.remove(os.path.join(self.folder, snapshot_name(5)))
        findings, _ = self.check_verdict("clean")
        self.assertIn("before the snapshot's last, 7", findings[0]["what"])


class Crashes(Case):
    """What a crash may leave is no damage."""

    def test_copies_of_term_and_vote(self):
        for first, second, verdict in ((5, 4, "clean"), (6, 4, "damaged"), (4, 5, "damaged"),
                                       (None, 4, "damaged"), (4, None, "damaged")):
            with self.subTest(first=first, second=second):
                copies = [b"" if sequence is None else stored.hard_state(sequence, sequence, 1, which)
                          for which, sequence in enumerate((first, second))]
                self.write({**stored.directory(Log()), "hard_state.0": copies[0],
                            "hard_state.1": copies[1]})
                self.assertEqual(self.verify()[2]["verdict"], verdict)
        self.write({"hard_state.0": stored.hard_state(4, 1, 1, 1)})
        self.check_damage("hard_state.0", 0, "copy 1 in the file of copy 0")

    def test_replacement_that_was_cut_short(self):
        base = (5, 1, 77, 50)
        self.write(stored.directory(sample_log(), {
            snapshot_name(5): stored.snapshot(base, b"x")}, term=2))
        data = Log(base=base).segments
        self.write({"log/replacement.segment": list(data.values())[0]})
        findings, summary = self.check_verdict("clean")
        self.assertIn("being replaced", findings[0]["what"])
        self.assertEqual((summary["segments"], summary["entries"]), (1, 0))

    def test_leftovers_mean_nothing(self):
        self.write({**stored.directory(sample_log(), term=2), "log/next.preparing": b"x",
                    "log/spare.segment": b"x", "identity.preparing": b"x",
                    snapshot_name(9, "writing"): b"x", snapshot_name(9, "receiving"): b"x"})
        self.assertEqual(self.check_verdict("clean")[0], [])

    def test_creation_that_was_cut_short(self):
        self.write({f"log/{name}": data for name, data in Log().segments.items()})
        findings, _ = self.check_verdict("clean")
        self.assertIn("cut short", findings[0]["what"])
        self.write({f"log/{name}": data for name, data in sample_log().segments.items()})
        self.check_damage("identity", 0, "identity is missing")
        self.assertEqual(len(raft_log("list", self.folder).stdout.splitlines()), 9)

    def test_truncation_inside_a_frame(self):
        log = Log()
        log.append(*[set_command(key, b"v") for key in (b"a", b"b", b"c")])
        name, start, _ = log.places[3]
        del log.segments[name][start:]
        log.last = (2, 1, int.from_bytes(log.segments[name][log.places[2][1]:][:8], "little"), 20)
        log.roll()
        log.append(set_command(b"d", b"v"))
        self.write(stored.directory(log))
        self.assertEqual(self.check_verdict("clean")[1]["entries"], 3)
        info = json.loads(raft_log("info", self.folder, "--json").stdout)
        self.assertEqual([each["state"] for each in info["log"]["segments"]], ["cut", "open"])


if __name__ == "__main__":
    unittest.main()
