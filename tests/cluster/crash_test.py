"""Killed nodes, lost majorities and paused leaders: nothing acknowledged is lost or stale."""

import signal
import unittest

from harness import Cluster, wait_until


class Crashes(unittest.TestCase):
    def test_kill_of_leader_and_follower_loses_nothing(self):
        with Cluster(3) as cluster:
            expected = {}

            def write(count):
                for _ in range(count):
                    key = f"key/{len(expected)}"
                    index = cluster.set(key, key.encode())["index"]
                    expected[key] = key.encode()
                return index

            cluster.leader()
            write(50)
            leader = cluster.leader()
            leader.kill()
            write(50)
            leader.start()
            write(20)
            follower = cluster.followers()[0]
            follower.kill()
            write(50)
            follower.start()
            cluster.wait_applied(write(20))
            cluster.check_local(expected)

    def test_all_killed_at_once_under_load_come_back_with_every_acknowledged_write(self):
        with Cluster(3) as cluster:
            leader = cluster.leader()
            client = leader.client()
            total = 3000
            keys = {client.send("set", key=f"k{i}", value=b"v%d" % i): i for i in range(total)}
            acknowledged = {}
            while len(acknowledged) < total // 3:
                reply = client.receive()
                self.assertIsNotNone(reply, "every write is answered")
                number = keys[reply["id"]]
                if reply.ok:
                    acknowledged[f"k{number}"] = b"v%d" % number
                else:
                    keys[client.send("set", key=f"k{number}", value=b"v%d" % number)] = number
            for node in cluster.running():
                node.process.kill()
            for node in cluster.nodes.values():
                node.process.wait()
            for node in cluster.nodes.values():
                node.start()
            cluster.wait_applied(cluster.set("after", b"x")["index"])
            cluster.check_local(acknowledged)

    def test_two_of_five_answer_no_leader_and_acknowledge_nothing(self):
        with Cluster(5) as cluster:
            index = cluster.set("before", b"1")["index"]
            cluster.wait_applied(index)
            leader = cluster.leader()
            others = [node for node in cluster.running() if node is not leader]
            minority = [leader, others[0]]
            for node in others[1:]:
                node.kill()
            clients = [node.client() for node in minority]

            def refused():
                replies = [c.ask("set", key="never", value=b"2") for c in clients]
                for reply in replies:
                    self.assertFalse(reply.ok, reply)
                    self.assertIn(reply.code, ("no_leader", "unknown_outcome"))
                return all(reply.code == "no_leader" for reply in replies)

            wait_until(refused, "no_leader from both")
            for client in clients:
                self.assertEqual(client.ask("get", key="before").code, "no_leader")
                local = client.ask("get", key="before", consistency="local")
                self.assertEqual(local["value"], b"1")
            others[1].start()
            cluster.set("after", b"3")

    def test_a_leader_that_was_paused_answers_no_stale_read(self):
        with Cluster(3) as cluster:
            cluster.set("key", b"old")
            leader = cluster.leader()
            client = leader.client()
            self.assertEqual(cluster.ask("get", [leader], key="key")["value"], b"old")
            leader.kill(signal.SIGSTOP)
            rest = [node for node in cluster.running() if node is not leader]
            cluster.leader(rest)
            cluster.set("key", b"new", rest)
            # These reach the sleeping leader's sockets before it wakes and hears of the new one.
            reads = [client.send("get", key="key") for _ in range(50)]
            leader.kill(signal.SIGCONT)
            for _ in reads:
                reply = client.receive()
                self.assertIsNotNone(reply, "every read is answered")
                if reply.ok:
                    self.assertEqual(reply["value"], b"new")

    def test_a_cluster_of_one_survives_a_kill(self):
        with Cluster(1) as cluster:
            expected = {f"k{i}": b"%d" % i for i in range(200)}
            for key, value in expected.items():
                index = cluster.set(key, value)["index"]
            node = cluster.nodes[1]
            node.kill()
            node.start()
            cluster.wait_applied(index)
            cluster.check_local(expected)

    def test_a_follower_away_for_a_while_catches_up_from_the_log(self):
        options = "[raft]\nlog_memory_bytes = 1048576\n"
        with Cluster(3, options) as cluster:
            away = cluster.followers()[0]
            away.kill()
            value = b"x" * 4000
            expected = {f"k{i}": value for i in range(1500)}
            cluster.set_all(expected)
            away.start()
            cluster.wait_applied(cluster.set("last", b"")["index"])
            cluster.check_local(expected, [away])


if __name__ == "__main__":
    unittest.main(verbosity=2)
