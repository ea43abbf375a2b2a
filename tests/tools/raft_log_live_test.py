"""raft-log on directories of real nodes: beside a running one, and after it was stopped or killed."""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import time
import unittest

from harness import BINARY, DEADLINE, Cluster

TOOLS = os.environ["RAFT_ACTOR_TOOLS"]
# Segments and snapshots come and go many times a second.
BUSY = "[raft]\nsnapshot_log_bytes = 65536\ntrailing_entries = 100\n"
LOAD_SECONDS = 8


def raft_log(*words):
    return subprocess.run([os.path.join(TOOLS, "raft-log"), *words], capture_output=True,
                          timeout=DEADLINE)


def small_segments(cluster):
    for node in cluster.nodes.values():
        with open(node.config, encoding="utf-8") as config:
            text = config.read().replace("segment_bytes = 1048576", "segment_bytes = 65536")
        with open(node.config, "w", encoding="utf-8") as config:
            config.write(text)


def content(folder):
    found = {}
    for where, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(where, name)
            with open(path, "rb") as file:
                found[path] = (hashlib.sha1(file.read()).hexdigest(), os.stat(path).st_mtime_ns)
    return found


class Live(unittest.TestCase):
    def check_sound(self, folder):
        done = raft_log("verify", folder, "--json")
        self.assertEqual((done.returncode, done.stderr), (0, b""), done)
        summary = json.loads(done.stdout.splitlines()[-1])["summary"]
        self.assertLessEqual(len(summary["ranges"]), 1)
        return summary

    def check_list(self, folder):
        done = raft_log("list", folder, "--json")
        self.assertEqual(done.returncode, 0, done.stderr)
        indices = [json.loads(line)["index"] for line in done.stdout.splitlines()]
        if indices and b"trimmed while it was read" not in done.stderr:
            self.assertEqual(indices, list(range(indices[0], indices[0] + len(indices))))
        return indices

    def load(self, cluster):
        words = [os.path.join(TOOLS, "raft-bench"), "write", "--retry", "--seconds",
                 str(LOAD_SECONDS), "--warm-up", "0", "--json", "--to",
                 cluster.leader().endpoint("client")]
        return subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def test_beside_nodes_under_load_nothing_looks_damaged(self):
        cluster = Cluster(3, BUSY)
        small_segments(cluster)
        with cluster:
            cluster.set("before", b"x")
            with self.load(cluster) as load:
                looks, last = 0, 0
                while load.poll() is None:
                    folder = cluster.nodes[looks % 3 + 1].data
                    self.check_sound(folder)
                    last = max([last, *self.check_list(folder)])
                    info = raft_log("info", folder, "--json")
                    self.assertEqual(info.returncode, 0, info)
                    self.assertEqual(len(json.loads(info.stdout)["configuration"]["voters"]), 3)
                    looks += 1
                self.assertEqual(json.loads(load.stdout.read())["errors"], 0)
            self.assertGreater(looks, 2)
            self.assertGreater(last, 100)

    def test_directory_of_nodes_that_were_stopped_and_killed(self):
        with Cluster(3, BUSY) as cluster:
            cluster.set_all({f"key/{i}": b"x" * 100 for i in range(300)})
            with self.load(cluster) as load:
                time.sleep(1)
                for node in cluster.running():
                    node.kill()
                load.kill()
            for node in cluster.nodes.values():
                before = content(node.data)
                summary = self.check_sound(node.data)
                indices = self.check_list(node.data)
                self.assertEqual(len(indices), summary["entries"])
                for command in (["info"], ["dump", str(indices[-1])]):
                    self.assertEqual(raft_log(command[0], node.data, *command[1:]).returncode, 0)
                self.assertEqual(content(node.data), before)
            # What it found sound a node starts from.
            cluster.start()
            cluster.set("after", b"x")

    def test_what_it_calls_damage_keeps_a_node_from_starting(self):
        with Cluster(1) as cluster:
            # One after the other: each write shows that the one before it was synced.
            for number in range(30):
                cluster.set(f"key/{number}", b"x" * 50)
            node = cluster.nodes[1]
            node.kill()
            whole = os.path.join(cluster.folder, "whole")
            shutil.copytree(node.data, whole)
            dump = json.loads(raft_log("dump", whole, "20", "--json").stdout)
            head = random.randrange(dump["offset"], dump["offset"] + 48)
            with open(os.path.join(node.data, "log", os.path.basename(dump["file"])), "r+b") as file:
                file.seek(head)
                byte = file.read(1)[0]
                file.seek(head)
                file.write(bytes([byte ^ 1]))
            done = raft_log("verify", node.data)
            self.assertEqual(done.returncode, 1, done)
            place = f"{os.path.basename(dump['file'])}, offset {dump['offset']}"
            self.assertIn(place, done.stdout.decode())
            started = subprocess.run([BINARY, node.config], capture_output=True, timeout=DEADLINE)
            self.assertEqual(started.returncode, 1)
            self.assertIn(place, (started.stderr + started.stdout).decode())


if __name__ == "__main__":
    sys.exit(unittest.main())
