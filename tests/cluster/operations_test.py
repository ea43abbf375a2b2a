"""Backup and restore, and a lost majority, as docs/operations.md walks through them."""

import os
import pty
import signal
import subprocess
import unittest

from harness import BINARY, DEADLINE, Cluster, wait_until
from load import Load

SEND = os.path.join(os.environ.get("RAFT_ACTOR_TOOLS", ""), "zmq-send")
# Several parts of a snapshot, and a last block that is not whole.
VALUES = {f"key/{number}": os.urandom(5_000) for number in range(500)}


def run(*words, program=BINARY):
    return subprocess.run([program, *words], stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=DEADLINE, check=False)


def answer_on_a_terminal(answer, *words):
    """The exit code, where a person is asked and answers so."""
    child, terminal = pty.fork()
    if child == 0:
        os.execv(BINARY, [BINARY, *words])
    said = b""
    while b"Type `yes`" not in said:
        said += os.read(terminal, 4096)
    os.write(terminal, answer.encode() + b"\n")
    try:
        while os.read(terminal, 4096):
            pass
    except OSError:  # the other end is closed
        pass
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Operations(unittest.TestCase):
    def new_cluster(self, size=3):
        """Nodes that are started by hand."""
        cluster = Cluster(size)
        self.addCleanup(cluster.__exit__, None, None, None)
        return cluster

    def check_done(self, finished, *says):
        self.assertEqual(finished.returncode, 0, finished.stdout + finished.stderr)
        for text in says:
            self.assertIn(text, finished.stdout)

    def check_refused(self, finished, *says, code=1):
        """One sentence."""
        self.assertEqual(finished.returncode, code, finished.stdout + finished.stderr)
        lines = [line for line in finished.stderr.splitlines()
                 if line.startswith(("raft-actor: ", "zmq-send: "))]
        self.assertEqual(len(lines), 1, finished.stderr)
        for text in says:
            self.assertIn(text, lines[0])

    def back_up(self, cluster, node):
        file = os.path.join(cluster.folder, "copy")
        finished = run("backup", file, "--to", node.endpoint("client"), "--timeout", "60",
                       program=SEND)
        self.check_done(finished, "cluster test up to index")
        self.assertFalse(os.path.exists(file + ".unfinished"))
        return file

    def stop_all(self, cluster):
        for node in cluster.running():
            node.kill(signal.SIGTERM)

    def let_others_join(self, cluster, first):
        """With empty directories, until all have everything."""
        for node in cluster.nodes.values():
            if node is not first:
                cluster.write_config(node, join=[first])
                node.start()
        cluster.wait_members(list(cluster.nodes))
        cluster.wait_applied(cluster.set("all are in", b"1")["index"])

    def check_alone(self, cluster, node, expected):
        cluster.wait_members([node.number], nodes=[node])
        cluster.wait_applied(cluster.set("alone", b"1", [node])["index"], [node])
        cluster.check_local(expected, [node])


class Backups(Operations):
    def test_a_backup_under_load_becomes_a_new_cluster_that_others_join(self):
        new = self.new_cluster()
        with Cluster(3) as old:
            old.set_all(VALUES)
            session = old.ask("session.open", timeout_ms=86_400_000)["session"]
            write = {"key": "session", "value": b"1", "session": session, "seq": 1}
            first = old.ask("set", **write)
            with Load(old, writers=2) as load:
                load.wait_for_more()
                before = old.set("before", b"the backup")
                file = self.back_up(old, old.followers()[0])
                load.wait_for_more()
            load.check(old.running(), replay=False)

            # It takes the place of a node of the old cluster, the others of which go on.
            old.nodes[1].kill()
            restored = new.nodes[1]
            restored.ports = old.nodes[1].ports
            for node in new.nodes.values():
                new.write_config(node)
            self.check_done(run("restore", file, restored.config, "--new-cluster"),
                            "its only member")
            restored.start()
            expected = {**VALUES, "before": b"the backup"}
            self.check_alone(new, restored, expected)
            found = restored.client().ask("get", key="before")
            self.assertEqual((found["version"], found["index"]),
                             (before["version"], before["index"]))
            again = new.ask("set", [restored], **write)
            self.assertTrue(again["repeated"])
            self.assertEqual((again["index"], again["version"]),
                             (first["index"], first["version"]))

            # Their messages come to its address, for a data directory that is not this one.
            wait_until(lambda: "refused other_identity" in restored.log(), "they are refused")
            old.set("old", b"goes on", [old.nodes[2], old.nodes[3]])
            self.check_alone(new, restored, expected)
            self.let_others_join(new, restored)
            new.check_local(expected)
            self.assertFalse(new.ask("get", key="old")["found"])
            self.assertEqual(old.ask("get", [old.nodes[2], old.nodes[3]], key="old")["value"],
                             b"goes on")

    def test_a_stopped_node_is_backed_up_from_its_directory(self):
        new = self.new_cluster(1)
        file = os.path.join(new.folder, "copy")
        with Cluster(3) as old:
            old.set_all(VALUES)
            index = old.set("last", b"1")["index"]
            old.wait_applied(index)
            node = old.nodes[2]
            self.check_refused(run("backup", node.config, file), "zmq-send backup")
            node.kill(signal.SIGTERM)
            self.check_done(run("backup", node.config, file), "cluster test up to index")
            self.check_refused(run("backup", node.config, file), "--force")
            self.check_done(run("backup", node.config, file, "--force"))
            # It is the member that it was.
            node.start()
            old.wait_applied(old.set("more", b"1")["index"])
        new.write_config(new.nodes[1], cluster="another")
        self.check_done(run("restore", file, new.nodes[1].config, "--new-cluster"),
                        "of cluster test", "another name")
        new.nodes[1].start()
        self.check_alone(new, new.nodes[1], {**VALUES, "last": b"1"})

    def test_what_a_backup_refuses(self):
        with Cluster(1) as cluster:
            node = cluster.nodes[1]
            cluster.set("key", b"value")
            file = self.back_up(cluster, node)
            words = ("backup", file, "--to", node.endpoint("client"))
            self.check_refused(run(*words, program=SEND), "--force", code=2)
            finished = run(*words, "--force", "--json", program=SEND)
            self.check_done(finished, '"ok":true', '"cluster":"test"')
            nowhere = os.path.join(cluster.folder, "nowhere", "copy")
            self.check_refused(run("backup", nowhere, *words[2:], program=SEND), nowhere, code=3)
            node.kill()
            node.wipe()
            self.check_refused(run("backup", node.config, file + "2"), "nothing to back up")
            self.assertFalse(os.path.exists(node.data))
            self.assertFalse(os.path.exists(file + "2"))

    def test_a_backup_without_a_leader_is_local_or_none(self):
        with Cluster(3) as cluster:
            cluster.wait_applied(cluster.set("key", b"value")["index"])
            cluster.nodes[1].kill()
            cluster.nodes[2].kill()
            left = cluster.nodes[3]
            file = os.path.join(cluster.folder, "copy")
            words = ("backup", file, "--to", left.endpoint("client"), "--timeout")
            finished = run(*words, "5", program=SEND)
            self.assertEqual(finished.returncode, 3)
            self.assertIn("--local", finished.stderr)
            self.assertFalse(os.path.exists(file))
            self.check_done(run(*words, "60", "--local", program=SEND), "up to index")


class Restores(Operations):
    @classmethod
    def setUpClass(cls):
        cls.old = Cluster(1).start()
        cls.addClassCleanup(cls.old.__exit__, None, None, None)
        cls.old.set_all({key: VALUES[key] for key in list(VALUES)[:40]})
        cls.file = os.path.join(cls.old.folder, "copy")
        finished = run("backup", cls.file, "--to", cls.old.nodes[1].endpoint("client"),
                       program=SEND)
        assert finished.returncode == 0, finished.stderr

    def restore(self, node, file=None):
        return run("restore", file or self.file, node.config, "--new-cluster")

    def test_a_restore_says_that_it_begins_a_new_cluster_or_is_refused(self):
        node = self.new_cluster(1).nodes[1]
        self.check_refused(run("restore", self.file, node.config), "--new-cluster", code=2)
        self.assertFalse(os.path.exists(node.data))

    def test_a_restore_takes_no_directory_that_holds_anything(self):
        cluster = self.new_cluster(1)
        node = cluster.nodes[1]
        os.mkdir(node.data)
        letter = os.path.join(node.data, "letter")
        with open(letter, "w", encoding="utf-8"):
            pass
        self.check_refused(self.restore(node), node.data, "not empty")
        self.assertEqual(os.listdir(node.data), ["letter"])
        os.remove(letter)
        self.check_done(self.restore(node))
        self.check_refused(self.restore(node), "holds node 1 of cluster")
        node.start()
        self.check_alone(cluster, node, {key: VALUES[key] for key in list(VALUES)[:40]})
        self.check_refused(self.restore(node), "holds node 1 of cluster")

    def test_a_damaged_file_is_refused_with_its_offset_and_leaves_nothing(self):
        node = self.new_cluster(1).nodes[1]
        with open(self.file, "rb") as whole:
            content = whole.read()
        damaged = os.path.join(self.old.folder, "damaged")
        places = [0, 9, 17, 22, 30, 34, 40, 60, 90, 130, *range(200, len(content), 30_011),
                  len(content) - 1]
        for place in places:
            with open(damaged, "wb") as file:
                file.write(content[:place] + bytes([content[place] ^ 1]) + content[place + 1:])
            with self.subTest(byte=place):
                self.check_refused(self.restore(node, damaged), f"{damaged}, offset ")
                self.assertFalse(os.path.exists(node.data))
        for size in (0, 20, 100, 5000, len(content) - 1):
            with open(damaged, "wb") as file:
                file.write(content[:size])
            with self.subTest(size=size):
                self.check_refused(self.restore(node, damaged), f"{damaged}, offset ")
                self.assertFalse(os.path.exists(node.data))
        self.check_refused(self.restore(node, "nowhere"), "nowhere: No such file")

    def test_a_restore_that_was_cut_short_is_refused_by_a_start_and_repeated(self):
        cluster = self.new_cluster(1)
        node = cluster.nodes[1]
        os.makedirs(os.path.join(node.data, "snapshots"))
        os.makedirs(os.path.join(node.data, "database", "remains"))
        for name in ("lock", "unfinished", "snapshots/00000000000000000007.writing"):
            with open(os.path.join(node.data, name), "w", encoding="utf-8"):
                pass
        self.check_refused(run(node.config), "restore", "run it again")
        self.check_done(self.restore(node))
        node.start()
        self.check_alone(cluster, node, {key: VALUES[key] for key in list(VALUES)[:40]})


class Recoveries(Operations):
    def lose_the_majority(self, cluster):
        """Node 3 has everything that was acknowledged, and is the only one left."""
        cluster.set_all(VALUES)
        index = cluster.set("last", b"1")["index"]
        cluster.wait_applied(index)
        for node in cluster.nodes.values():
            node.kill()
        for number in (1, 2):
            cluster.nodes[number].wipe()
        return cluster.nodes[3], {**VALUES, "last": b"1"}

    def test_the_last_node_begins_a_new_cluster_that_others_join(self):
        with Cluster(3) as cluster:
            wait_until(cluster.nodes[3].status, "it runs")
            self.check_refused(run("recover", cluster.nodes[3].config, "--yes"), "stop it first")
            left, expected = self.lose_the_majority(cluster)
            self.check_refused(run("recover", left.config), "--yes", code=2)
            self.assertEqual(answer_on_a_terminal("no", "recover", left.config), 1)
            left.start()  # nothing was changed
            left.kill()
            os.makedirs(os.path.join(left.data + ".recovered", "remains"))  # of one cut short
            finished = run("recover", left.config, "--yes")
            self.check_done(finished, "the members 1, 2", "not inspected: data directories of 1, 2",
                            "only member", left.data + ".before-recovery")
            with open(os.path.join(left.data, "recovery.txt"), encoding="utf-8") as note:
                self.assertIn("what is given up", note.read())
            self.check_refused(run("recover", left.config, "--yes"), "was recovered before")
            left.start()
            self.check_alone(cluster, left, expected)
            self.let_others_join(cluster, left)
            cluster.check_local(expected)

    def test_a_person_says_yes(self):
        with Cluster(1) as cluster:
            node = cluster.nodes[1]
            cluster.set("key", b"value")
            node.kill()
            self.assertEqual(answer_on_a_terminal("yes", "recover", node.config), 0)
            node.start()
            self.check_alone(cluster, node, {"key": b"value"})

    def test_the_directory_that_knows_most_is_the_one_to_recover(self):
        with Cluster(3) as cluster:
            cluster.wait_applied(cluster.set("all", b"1")["index"])
            behind = cluster.nodes[3]
            behind.kill()
            best = cluster.nodes[2]
            cluster.wait_applied(cluster.set("two", b"2")["index"])
            self.check_refused(run("recover", behind.config, "--yes", "--members", best.data),
                               "in use")
            for number in (1, 2):
                cluster.nodes[number].kill()
            cluster.nodes[1].wipe()
            self.check_refused(
                run("recover", behind.config, "--yes", "--members", behind.data, best.data),
                best.data, "of node 2", "best surviving directory")
            self.assertFalse(os.path.exists(behind.data + ".before-recovery"))
            self.check_refused(run("recover", best.config, "--yes", "--members", "nowhere"),
                               "nowhere is no data directory")
            finished = run("recover", best.config, "--yes", "--members", behind.data)
            self.check_done(finished, "knows no more", "not inspected: data directories of 1;")
            best.start()
            self.check_alone(cluster, best, {"all": b"1", "two": b"2"})
            # The other survivor cannot come back as it is: it joins as a new one.
            cluster.write_config(behind)
            behind.start()
            wait_until(lambda: "refused other_identity" in best.log(), "the old one is refused")
            behind.kill()
            behind.wipe()
            self.let_others_join(cluster, best)
            cluster.check_local({"all": b"1", "two": b"2"})

    def test_a_recovery_that_was_cut_short_is_finished_by_the_next(self):
        with Cluster(1) as cluster:
            node = cluster.nodes[1]
            cluster.set("key", b"value")
            node.kill()
            self.check_done(run("recover", node.config, "--yes"))
            os.rename(node.data, node.data + ".recovered")  # as between the two renames
            self.check_refused(run(node.config), "recover", "run it again")
            self.assertFalse(os.path.exists(node.data))
            self.check_done(run("recover", node.config, "--yes"), "only member")
            node.start()
            self.check_alone(cluster, node, {"key": b"value"})


if __name__ == "__main__":
    unittest.main(verbosity=2)
