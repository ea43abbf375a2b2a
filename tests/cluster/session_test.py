"""Under a session a write takes effect exactly once, whatever is lost and repeated on the way."""

import unittest

from harness import Client, Cluster, wait_until


class Sessions(unittest.TestCase):
    def open(self, cluster, **fields):
        return cluster.ask("session.open", **fields)["session"]

    def test_what_is_repeated_at_other_nodes_after_leader_kills_takes_effect_once(self):
        with Cluster(3) as cluster:
            session = self.open(cluster)
            messages = []
            for seq in range(1, 13):
                leader = cluster.leader()
                client = Client(leader.endpoint("client"))
                client.send("publish", channel="once", value=b"%d" % seq, session=session, seq=seq)
                if seq % 3 == 0:
                    # It may have been taken or not, and its answer is lost.
                    client.socket.poll(seq % 2)
                    leader.kill()
                client.close()
                reply = cluster.ask("publish", channel="once", value=b"%d" % seq,
                                    session=session, seq=seq)
                messages.append((reply["index"], reply["seq"]))
                self.assertEqual(reply["seq"], seq)
                if seq % 3 == 0:
                    leader.start()
            # Any of the latest told again, at each node: the first outcome.
            for node in cluster.running():
                for seq in (12, 7):
                    again = cluster.ask("publish", [node], channel="once", value=b"%d" % seq,
                                        session=session, seq=seq)
                    self.assertTrue(again["repeated"])
                    self.assertEqual((again["index"], again["seq"]), messages[seq - 1])
            reply = cluster.ask("replay", topics=[b"ch/once"])
            self.assertEqual([payload for _, _, payload in reply["broadcasts"]],
                             [b"%d" % seq for seq in range(1, 13)])

    def test_a_session_survives_a_restart_of_all_nodes_and_a_snapshot(self):
        with Cluster(3) as cluster:
            session = self.open(cluster, timeout_ms=86_400_000)
            for seq in (1, 2):
                first = cluster.ask("set", key="key", value=b"%d" % seq, session=session, seq=seq)
            for node in cluster.running():
                cluster.wait_applied(first["index"], [node])
                cluster.ask("snapshot", [node])
            for node in cluster.running():
                node.process.kill()
            for node in cluster.nodes.values():
                node.process.wait()
            for node in cluster.nodes.values():
                node.start()
            again = cluster.ask("set", key="key", value=b"2", session=session, seq=2)
            self.assertTrue(again["repeated"])
            self.assertEqual((again["index"], again["version"]), (first["index"], 2))
            third = cluster.ask("set", key="key", value=b"3", session=session, seq=3)
            self.assertEqual(third["version"], 3)

    def test_a_session_that_is_closed_or_was_never_open_is_told(self):
        with Cluster(3) as cluster:
            session = self.open(cluster)
            cluster.ask("session.close", session=session)  # told or not: it is closed now
            self.assertFalse(cluster.ask("session.close", session=session)["found"])
            for number in (session, 999_999):
                for node in cluster.running():
                    node.wait_refused("session_expired", "set", key="never", value=b"",
                                      session=number, seq=1)
            self.assertFalse(cluster.ask("get", key="never")["found"])

    def test_the_number_of_sessions_is_limited_and_expiry_makes_room(self):
        with Cluster(1, "[sessions]\nmax_sessions = 3\ntimeout_ms = 1000\n") as cluster:
            client = cluster.leader().client()
            # At once, and again where the log's time went on between them.
            def is_full():
                for _ in range(6):
                    client.send("session.open")
                return "busy" in [client.receive().code for _ in range(6)]

            wait_until(is_full, "a fourth session to be refused")
            # The log's time goes on with what is written.
            wait_until(lambda: cluster.set("time", b"") and client.ask("session.open").ok,
                       "a session to expire")


if __name__ == "__main__":
    unittest.main(verbosity=2)
