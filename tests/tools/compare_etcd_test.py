"""tools/compare-etcd measures what it is asked for; how fast anything is does not matter here."""

import json
import os
import subprocess
import sys
import unittest

RAFT_BENCH = sys.argv.pop()
ROOT = sys.argv.pop()
SKIP = 77

sys.path.insert(0, os.path.join(ROOT, "tools"))

from compare_etcd import etcd  # noqa: E402
from compare_etcd.table import Row, at_least  # noqa: E402


def compare(*words):
    return subprocess.run(
        [os.path.join(ROOT, "tools/compare-etcd"), "--no-bootstrap", "--raft-bench", RAFT_BENCH,
         *words], capture_output=True, text=True, timeout=540)


class CompareEtcd(unittest.TestCase):
    def test_every_row_has_figures_of_both(self):
        done = compare("--quick", "--seconds", "0.3", "--kills", "1", "--runtime", "threaded",
                       "--work", "writes", "--work", "failover", "--json")
        self.assertIn(done.returncode, (0, 1), done.stderr)
        result = json.loads(done.stdout)
        rates = [row for row in result["rows"] if row["row"].endswith("a second")]
        self.assertEqual(len(rates), 4)
        for row in rates:
            self.assertGreater(row["etcd"], 0, row)
            self.assertGreater(row["ours"]["threaded"]["value"], 0, row)
        reached = result["reached"]["threaded"]
        self.assertEqual(done.returncode, 0 if reached["rows"] == reached["of"] else 1)
        self.assertEqual(reached["of"], 8)
        self.assertEqual({name: len(times) for name, times in result["outages_ms"].items()},
                         {"etcd": 1, "threaded": 1})
        # Both were given the same.
        for run in result["runs"]:
            self.assertGreater(run["nodes_cpu_seconds"], 0, run)
            self.assertEqual(run["errors"], 0, run)

    def test_a_row_is_reached_by_its_ratio(self):
        row = Row("writes", 0, 100, {"threaded": 149, "async": 150}, 100, "", at_least(1.5))
        self.assertEqual([row.verdict(name) for name in ("threaded", "async")], [False, True])

    def test_wrong_usage_is_exit_code_2(self):
        for words in (["--rounds", "0"], ["--work", "sing"], ["--data-dir", "/nowhere"],
                      ["--work", "five-nodes"]):
            done = compare(*words)
            self.assertEqual(done.returncode, 2, done)


if __name__ == "__main__":
    if missing := etcd.what_is_missing():
        print(f"skipped, as this is not installed: {', '.join(missing)}")
        sys.exit(SKIP)
    unittest.main()
