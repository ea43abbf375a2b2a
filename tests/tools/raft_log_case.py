"""What the tests of raft-log share. The program is their first argument."""

import json
import os
import subprocess
import sys
import tempfile
import unittest

import stored
from stored import CONFIGURATION, NO_OPERATION, Log, set_command

PROGRAM = sys.argv.pop(1)
FOUND, USAGE, UNREADABLE = 1, 2, 3
SESSION_WRITE = b"\x94\x06\x07\x01\x92\x02\xc4\x01k"


def raft_log(*words):
    return subprocess.run([PROGRAM, *words], capture_output=True, timeout=60)


def sample_log():
    """Three segments. The last write is of entries 8 and 9; nothing proves that it was synced."""
    log = Log()
    log.append({"payload": stored.configuration(1, 2, 3), "kind": CONFIGURATION})
    log.append(set_command(b"colour", b"blue"), b"\x92\x02\xc4\x01k")
    log.roll()
    log.append(b"\x93\x03\xc4\x04news\xc4\x02hi", {"payload": b"", "kind": NO_OPERATION, "term": 2})
    log.append({"payload": b"\x93\x04\xcd\x75\x30\x64", "term": 2})
    log.roll()
    log.append({"payload": SESSION_WRITE, "term": 2})
    log.append({"payload": b"\x92\x05\xcc\xc8", "term": 2},
               {"payload": set_command(b"\xff\x00\n", b"\x01" * 40), "term": 2})
    return log


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory())

    def write(self, files):
        stored.write(self.folder, files)

    def verify(self):
        """(exit code, findings, summary); every line is JSON, and nothing is on stderr."""
        done = raft_log("verify", self.folder, "--json")
        self.assertEqual(done.stderr, b"", done)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        return done.returncode, lines[:-1], lines[-1]["summary"]

    def check_damage(self, name, offset, words=""):
        code, findings, summary = self.verify()
        places = [(each["file"], each["offset"]) for each in findings
                  if each["finding"] == "damage" and words in each["what"]]
        self.assertIn((os.path.join(self.folder, name), offset), places, findings)
        self.assertEqual((code, summary["verdict"]), (FOUND, "damaged"))
        return findings

    def check_verdict(self, verdict):
        code, findings, summary = self.verify()
        self.assertEqual((code, summary["verdict"]), (0, verdict), findings)
        return findings, summary
