"""Starting and stopping: what a person at a terminal meets."""

import os
import re
import signal
import socket
import struct
import subprocess
import unittest

from harness import BINARY, Cluster, wait_until


def run(*arguments, **options):
    return subprocess.run([BINARY, *arguments], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, **options)


def holds_a_lock(process):
    with open("/proc/locks", encoding="utf-8") as locks:
        return any("FLOCK" in line and str(process) in line.split() for line in locks)


class Processes(unittest.TestCase):
    def test_help_and_version(self):
        self.assertIn("node2.toml", run("--help").stdout)
        self.assertRegex(run("--version").stdout, r"\d+\.\d+\.\d+")

    def test_wrong_usage_exits_2(self):
        for arguments in ((), ("--no-such-option",), ("a.toml", "b.toml"),
                          ("--runtime", "fibers", "node1.toml")):
            self.assertEqual(run(*arguments).returncode, 2, arguments)

    def one_line(self, finished):
        self.assertEqual(finished.returncode, 1, finished.stderr)
        lines = [line for line in finished.stderr.splitlines() if line]
        self.assertEqual(len(lines), 1, finished.stderr)
        return lines[0]

    def test_a_missing_file_is_one_line(self):
        self.assertIn("nowhere.toml", self.one_line(run("nowhere.toml")))

    def test_check_config(self):
        cluster = Cluster(3)
        self.addCleanup(cluster.__exit__, None, None, None)
        node = cluster.nodes[2]
        finished = run("--check-config", node.config)
        self.assertEqual(finished.returncode, 0, finished.stderr)
        self.assertFalse(os.path.exists(node.data))
        with open(node.config, "a", encoding="utf-8") as config:
            config.write("segment_byte = 5\n")
        line = self.one_line(run("--check-config", node.config))
        self.assertIn("segment_bytes", line)
        self.assertRegex(line, r"node2\.toml:\d+:\d+: ")

    def test_a_bare_name_is_found_on_the_config_path(self):
        cluster = Cluster(1)
        self.addCleanup(cluster.__exit__, None, None, None)
        environment = dict(os.environ, RAFT_ACTOR_CONFIG_PATH=cluster.folder)
        finished = run("--check-config", "node1.toml", env=environment, cwd="/")
        self.assertEqual(finished.returncode, 0, finished.stderr)

    def test_a_taken_port_is_one_line_that_names_it(self):
        cluster = Cluster(1)
        self.addCleanup(cluster.__exit__, None, None, None)
        node = cluster.nodes[1]
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", node.ports["client"]))
            holder.listen()
            self.assertIn(str(node.ports["client"]), self.one_line(run(node.config)))

    def test_a_directory_belongs_to_one_node_of_one_cluster(self):
        cluster = Cluster(2)
        self.addCleanup(cluster.__exit__, None, None, None)
        first, second = cluster.nodes.values()
        first.start()
        wait_until(first.status, "the node answers")
        line = self.one_line(run("--data-dir", first.data, second.config))
        self.assertIn("in use", line)
        first.kill(signal.SIGTERM)
        self.assertIn(first.data, self.one_line(run("--data-dir", first.data, second.config)))
        cluster.write_config(first, cluster="another")
        self.assertIn("another", self.one_line(run(first.config)))

    def test_both_signals_stop_it_in_order_with_exit_code_0(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with Cluster(1) as cluster:
                cluster.set("x", b"1")
                node = cluster.nodes[1]
                self.assertEqual(node.kill(number), 0, node.log())
                self.assertIn("shutting down", node.log())
                node.start()
                wait_until(node.status, "it starts again")

    def test_a_signal_ends_a_start_that_waits_for_the_disk(self):
        with Cluster(1) as cluster:
            node = cluster.nodes[1]
            wait_until(node.status, "the node answers")
            node.kill(signal.SIGTERM)
            identity = os.path.join(node.data, "identity")
            os.remove(identity)
            os.mkfifo(identity)  # that nobody writes to: it is never open
            node.start()
            wait_until(lambda: holds_a_lock(node.process.pid), "it locks its directory")
            self.assertEqual(node.kill(signal.SIGTERM), -signal.SIGTERM)

    def test_a_stderr_that_nobody_reads_holds_up_neither_requests_nor_the_end(self):
        """A33: a full pipe where the log goes."""
        cluster = Cluster(1)
        self.addCleanup(cluster.__exit__, None, None, None)
        node = cluster.nodes[1]
        unread, written = os.pipe()
        self.addCleanup(os.close, unread)
        node.start("--log-level", "debug", stderr=written)
        os.close(written)
        client = node.client()
        wait_until(lambda: client.ask("set", key="x", value=b"1").ok, "it serves")

        def overrun():
            sent = [client.send("set", key="x", value=b"%d" % number) for number in range(200)]
            for _ in sent:
                self.assertIsNotNone(client.receive(), "every write is answered")
            dropped = re.search(r"log_lines_dropped: (\d+)", client.ask("debug")["text"])
            return int(dropped[1]) > 0

        wait_until(overrun, "more lines than a pipe and the queue take")
        self.assertEqual(node.kill(signal.SIGTERM), 0)

    def test_a_profile_has_a_line_for_each_actor_and_only_where_it_is_asked_for(self):
        lines = re.compile(r"^profile (\w+): turns (\d+), messages_in (\d+)", re.MULTILINE)
        for words, names in (((), set()),
                             (("--profile",),
                              {"clock", "socket_server", "event_handler", "outbound_dispatcher",
                               "log_writer", "database", "snapshot_store", "publisher"})):
            cluster = Cluster(1)
            self.addCleanup(cluster.__exit__, None, None, None)
            node = cluster.nodes[1]
            node.start(*words)
            client = node.client()
            wait_until(lambda: client.ask("set", key="x", value=b"1").ok, "it serves")
            found = {line[1]: line for line in lines.finditer(client.ask("debug")["text"])}
            self.assertEqual(set(found), names)
            for name in names & {"event_handler", "log_writer", "database"}:
                self.assertGreater(int(found[name][2]), 0, name)
                self.assertGreater(int(found[name][3]), 0, name)

    def damage(self, path):
        with open(path, "r+b") as file:
            first = file.read(1)[0]
            file.seek(0)
            file.write(bytes([first ^ 1]))

    def test_one_damaged_copy_of_the_vote_does_no_harm_and_two_are_one_line(self):
        """Before a promise leaves, both copies hold it."""
        for copies in ((0,), (1,), (0, 1)):
            cluster = Cluster(1)
            self.addCleanup(cluster.__exit__, None, None, None)
            node = cluster.nodes[1].start()
            cluster.set("x", b"1")
            self.assertEqual(node.kill(signal.SIGTERM), 0)
            for copy in copies:
                self.damage(os.path.join(node.data, f"hard_state.{copy}"))
            if len(copies) == 1:
                node.start()
                cluster.set("x", b"2")
            else:
                self.assertIn("hard_state", self.one_line(run(node.config)))

    def test_a_damaged_database_is_made_anew_from_the_log(self):
        with Cluster(1) as cluster:
            node = cluster.nodes[1]
            written = cluster.set("x", b"1")
            self.assertEqual(node.kill(signal.SIGTERM), 0)
            tables = [name for name in os.listdir(os.path.join(node.data, "database"))
                      if name.endswith(".sst")]
            self.assertTrue(tables)
            for name in tables:
                os.truncate(os.path.join(node.data, "database", name), 10)
            node.start()
            cluster.wait_applied(written["index"])
            cluster.check_local({"x": b"1"})
            self.assertIn("it is made anew", node.log())

    def test_log_lines_tell_a_story_and_no_request(self):
        with Cluster(1) as cluster:
            cluster.set("x", b"1")
            wait_until(lambda: "leads" in cluster.nodes[1].log(), "the last line of the start")
            lines = len(cluster.nodes[1].log().splitlines())
            for number in range(50):
                cluster.set(f"k{number}", b"v")
            self.assertEqual(len(cluster.nodes[1].log().splitlines()), lines)
            self.assertNotIn("\x1b[", cluster.nodes[1].log())


if __name__ == "__main__":
    unittest.main(verbosity=2)
