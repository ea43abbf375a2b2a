"""The public protocol, as a client in another language sees it: pyzmq and msgpack alone."""

import unittest

import msgpack
import zmq

from harness import CALM, DEADLINE, Cluster, wait_until


class Clients(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(3, CALM)
        cls.cluster.start()
        cls.addClassCleanup(cls.cluster.__exit__, None, None, None)
        cls.leader = cls.cluster.leader()
        cls.follower = cls.cluster.followers()[0]
        cls.cluster.set("ready", b"")

    def subscribe(self, node, *topics):
        socket = zmq.Context.instance().socket(zmq.SUB)
        self.addCleanup(socket.close)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.RCVHWM, 0)
        for topic in topics:
            socket.setsockopt(zmq.SUBSCRIBE, topic)
        socket.connect(node.endpoint("publish"))
        return socket

    def receive(self, socket):
        self.assertTrue(socket.poll(int(DEADLINE * 1000)), "a broadcast arrives")
        topic, header, payload = socket.recv_multipart()
        return topic, msgpack.unpackb(header), payload

    def wait_subscribed(self, socket, topic=b"raft/status"):
        """A subscription takes a moment; a status broadcast says that it stands."""
        socket.setsockopt(zmq.SUBSCRIBE, topic)
        self.receive(socket)
        socket.setsockopt(zmq.UNSUBSCRIBE, topic)

    def test_set_get_delete_and_versions_at_every_node(self):
        for node in self.cluster.running():
            client = node.client()
            key = f"versions/{node.number}"
            self.assertEqual(client.ask("set", key=key, value="a")["version"], 1)
            self.assertEqual(client.ask("set", key=key, value=b"b\x00c")["version"], 2)
            reply = client.ask("get", key=key)
            self.assertEqual((reply["found"], reply["value"], reply["version"]),
                             (True, b"b\x00c", 2))
            deleted = client.ask("delete", key=key)
            self.assertTrue(deleted["found"])
            self.assertFalse(client.ask("delete", key=key)["found"])
            self.assertFalse(client.ask("get", key=key)["found"])
            self.assertEqual(client.ask("set", key=key, value="again")["version"], 1)

    def test_a_read_at_any_node_sees_what_was_just_acknowledged_at_another(self):
        writer, reader = self.leader.client(), self.follower.client()
        for number in range(100):
            self.assertTrue(writer.ask("set", key="latest", value=b"%d" % number).ok)
            self.assertEqual(reader.ask("get", key="latest")["value"], b"%d" % number)

    def test_a_req_socket_and_its_empty_frame(self):
        socket = zmq.Context.instance().socket(zmq.REQ)
        self.addCleanup(socket.close)
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(self.follower.endpoint("client"))
        for number in range(3):
            socket.send(msgpack.packb({"op": "set", "key": "req", "value": "x", "id": number}))
            self.assertTrue(socket.poll(int(DEADLINE * 1000)))
            reply = msgpack.unpackb(socket.recv())
            self.assertTrue(reply["ok"])
            self.assertEqual(reply["id"], number)

    def test_a_req_socket_that_is_relaxed_and_correlated(self):
        """As docs/protocol.md advises: a number goes before the empty frame, and comes back."""
        socket = zmq.Context.instance().socket(zmq.REQ)
        self.addCleanup(socket.close)
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.REQ_RELAXED, 1)
        socket.setsockopt(zmq.REQ_CORRELATE, 1)
        socket.connect(self.follower.endpoint("client"))
        for number in range(10):
            socket.send(msgpack.packb({"op": "status", "id": number}))
        self.assertTrue(socket.poll(int(DEADLINE * 1000)), "the last request is answered")
        self.assertEqual(msgpack.unpackb(socket.recv())["id"], 9)
        self.assertFalse(socket.poll(0), "replies to the others are passed over")

    def test_an_envelope_comes_back_frame_by_frame(self):
        socket = zmq.Context.instance().socket(zmq.DEALER)
        self.addCleanup(socket.close)
        socket.setsockopt(zmq.LINGER, 0)
        socket.connect(self.leader.endpoint("client"))
        request = msgpack.packb({"op": "status", "id": 1})
        for envelope in ([], [b""], [b"number", b""], [b"proxy", b"number", b""]):
            for body, ok in ((request, True), (b"", False)):
                socket.send_multipart([*envelope, body])
                self.assertTrue(socket.poll(int(DEADLINE * 1000)), f"an answer to {envelope}")
                *returned, reply = socket.recv_multipart()
                self.assertEqual((returned, msgpack.unpackb(reply)["ok"]), (envelope, ok))

    def test_the_id_comes_back_as_it_was(self):
        client = self.leader.client()
        for identity in (None, 7, -1, 1.5, "text", b"\x00\xff", [1, [2]], {"a": 1}):
            client.socket.send(msgpack.packb({"op": "get", "key": "x", "id": identity}))
            self.assertEqual(client.receive()["id"], identity)

    def test_many_in_flight_are_all_answered_once(self):
        client = self.follower.client()
        sent = {client.send("set", key=f"many/{n}", value="v") for n in range(2000)}
        answered = [client.receive()["id"] for _ in sent]
        self.assertEqual(len(answered), len(set(answered)))
        self.assertEqual(set(answered), sent)

    def test_a_follower_names_the_leader(self):
        reply = self.follower.client().ask("set", key="hint", value="x")
        self.assertEqual(reply["leader"]["id"], self.leader.number)
        self.assertEqual(reply["leader"]["client"], self.leader.endpoint("client"))
        self.assertNotIn("leader", self.leader.client().ask("set", key="hint", value="x"))

    def test_status_has_every_field_of_the_contract(self):
        reply = self.leader.client().ask("status")
        for field in ("node", "cluster", "role", "term", "leader", "commit_index",
                      "applied_index", "first_index", "last_index", "members", "protocol",
                      "release"):
            self.assertIn(field, reply)
        self.assertEqual(len(reply["members"]), 3)
        for member in reply["members"]:
            self.assertEqual(set(member), {"id", "peer", "client", "publish", "voter"})

    def test_debug_is_answered_and_logged(self):
        text = self.follower.client().ask("debug")
        self.assertTrue(text.ok)
        dump = next(value for key, value in text.items() if key not in ("id", "ok", "leader"))
        self.assertIn("term", dump)
        wait_until(lambda: "commit" in self.follower.log(), "the dump in the log")

    def test_bad_requests_say_what_is_wrong(self):
        client = self.leader.client()
        for fields, word in (({"op": "set", "key": "k"}, "value"),
                             ({"op": "get"}, "key"),
                             ({"op": "get", "key": 5}, "key"),
                             ({"op": "get", "key": "k" * 241}, "key"),
                             ({"op": "get", "key": "k", "consistency": "maybe"}, "consistency"),
                             ({"op": "publish", "value": "x"}, "channel"),
                             ({"key": "x"}, "op")):
            client.socket.send(msgpack.packb({"id": 1, **fields}))
            reply = client.receive()
            self.assertEqual(reply.code, "bad_request", reply)
            self.assertIn(word, reply["error"]["message"])
        self.assertEqual(client.ask("dance").code, "unknown_op")
        self.assertEqual(client.ask("set", key="big", value=b"x" * (1 << 20)).code, "too_large")
        self.assertTrue(client.ask("set", key="still", value="there").ok)

    def test_broadcasts_come_in_order_without_a_hole_the_same_at_every_node(self):
        sockets = [self.subscribe(node, b"ch/order") for node in self.cluster.running()]
        for socket in sockets:
            self.wait_subscribed(socket)
        writers = [node.client() for node in self.cluster.running()]
        for number in range(300):
            writers[number % 3].send("publish", channel="order", value=b"%d" % number)
        for writer in writers:
            for _ in range(100):
                self.assertTrue(writer.receive().ok)
        streams = [[self.receive(socket) for _ in range(300)] for socket in sockets]
        self.assertEqual(streams[0], streams[1])
        self.assertEqual(streams[0], streams[2])
        self.assertEqual([header["seq"] for _, header, _ in streams[0]], list(range(1, 301)))
        indices = [header["index"] for _, header, _ in streams[0]]
        self.assertEqual(indices, sorted(set(indices)))

    def test_key_broadcasts_carry_operation_version_and_value(self):
        socket = self.subscribe(self.follower, b"kv/watched")
        self.wait_subscribed(socket)
        client = self.leader.client()
        first = client.ask("set", key="watched", value="one")
        client.ask("delete", key="watched")
        topic, header, payload = self.receive(socket)
        self.assertEqual((topic, payload), (b"kv/watched", b"one"))
        self.assertEqual((header["op"], header["version"], header["index"]),
                         ("set", 1, first["index"]))
        _, header, payload = self.receive(socket)
        self.assertEqual((header["op"], payload), ("delete", b""))

    def test_replay_fills_what_a_late_subscriber_missed(self):
        client = self.leader.client()
        start = client.ask("status")["commit_index"]
        for number in range(50):
            last = client.ask("publish", channel="missed", value=b"%d" % number)
        after, seen = start, []
        while True:
            reply = client.ask("replay", after=after, topics=["ch/missed"], limit=7)
            self.assertTrue(reply.ok, reply)
            seen += [payload for _, _, payload in reply["broadcasts"]]
            self.assertLessEqual(len(reply["broadcasts"]), 7)
            self.assertGreater(reply["complete_to"], after)
            after = reply["complete_to"]
            if after >= last["index"]:
                break
        self.assertEqual(seen, [b"%d" % number for number in range(50)])

    def test_status_broadcasts_come_at_least_once_a_second_unasked(self):
        socket = self.subscribe(self.follower, b"raft/status")
        for _ in range(3):
            _, header, _ = self.receive(socket)
        for field in ("node", "role", "term", "leader", "commit_index", "applied_index",
                      "first_index"):
            self.assertIn(field, header)


if __name__ == "__main__":
    unittest.main(verbosity=2)
