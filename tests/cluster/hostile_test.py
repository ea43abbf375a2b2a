"""Bytes that no client or peer of ours would send, at each of the three sockets."""

import os
import random
import resource
import socket
import struct
import time
import unittest

import msgpack
import zmq

from harness import RETRY, Cluster, wait_until

SEED = int(os.environ.get("RAFT_ACTOR_SEED", "1"))

DEEP = b"\x91" * 50_000 + b"\xc0"
HUGE_ARRAY = b"\xdd\xff\xff\xff\xff"
HUGE_MAP = b"\xdf\xff\xff\xff\xff"
HUGE_BINARY = b"\xc6\xff\xff\xff\xff"
HUGE_STRING = b"\xdb\xff\xff\xff\xff"


def hostile_frames(random_source):
    yield b""
    yield from (DEEP, HUGE_ARRAY, HUGE_MAP, HUGE_BINARY, HUGE_STRING)
    yield b"\x81\xa2op" + HUGE_STRING
    yield b"\x81\xa3key" + DEEP
    for request in ({}, [], 5, None, "set", {"op": 5}, {"op": None}, {5: 6}, {b"op": b"set"},
                    {"op": "set", "key": {}, "value": []}, {"op": "replay", "after": -1},
                    {"op": "replay", "after": 0, "topics": "x", "limit": "y"},
                    {"op": "replay", "after": 2**64 - 1, "limit": 2**64 - 1},
                    {"op": "get", "key": "", "id": "x" * 100_000}):
        yield msgpack.packb(request)
    valid = msgpack.packb({"op": "set", "id": 1, "key": "hostile", "value": "x"})
    for size in range(len(valid)):
        yield valid[:size]
    for _ in range(500):
        yield random_source.randbytes(random_source.randrange(200))
    for _ in range(500):
        mutated = bytearray(valid)
        for _ in range(random_source.randrange(1, 4)):
            mutated[random_source.randrange(len(mutated))] = random_source.randrange(256)
        yield bytes(mutated)


def handshake(kind):
    """What a socket of this kind says first: who says nothing for two seconds is hung up on."""
    greeting = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
    ready = b"\x05READY\x0bSocket-Type" + struct.pack(">I", len(kind)) + kind
    return greeting + bytes((4, len(ready))) + ready


class Hostile(unittest.TestCase):
    def setUp(self):
        self.random = random.Random(SEED)
        self.cluster = Cluster(3).start()
        self.addCleanup(self.cluster.__exit__, None, None, None)
        self.node = self.cluster.leader()

    def check_alive(self):
        for node in self.cluster.nodes.values():
            self.assertTrue(node.running, f"node {node.number} runs\n{node.log()[-3000:]}")
        self.cluster.set("alive", b"yes")

    def dealer(self, endpoint):
        dealer = zmq.Context.instance().socket(zmq.DEALER)
        self.addCleanup(dealer.close)
        dealer.setsockopt(zmq.LINGER, 1000)
        dealer.connect(endpoint)
        return dealer

    def test_the_client_socket_answers_or_drops_and_goes_on(self):
        dealer = self.dealer(self.node.endpoint("client"))
        for frame in hostile_frames(self.random):
            dealer.send(frame)
        for frames in ([b""] * 3, [b"a", b"b", b"c"], [b""] + [b"x"] * 2000):
            dealer.send_multipart(frames)
        last = msgpack.packb({"op": "get", "key": "x", "id": "the end"})
        dealer.send(last)
        while True:
            self.assertTrue(dealer.poll(60_000), "the node still answers")
            reply = msgpack.unpackb(dealer.recv_multipart()[-1], strict_map_key=False,
                                    unicode_errors="surrogateescape",
                                    ext_hook=lambda code, data: None)
            if reply["id"] == "the end":
                self.assertTrue(reply["ok"])
                break
        self.check_alive()

    def test_the_peer_socket_drops_and_goes_on(self):
        dealer = self.dealer(self.node.endpoint("peer"))
        for frame in hostile_frames(self.random):
            dealer.send(frame)
            dealer.send_multipart([frame, frame])
        for fields in ([2, "test", 2, 1, 1], [2, "other", 2, 1, 1, 7, 8, 1, 1, 1], [99, "test", 2],
                       [2, "test", 1, 1, 1, 7, 8, 9, 9, 9], [1, "test", 2, 1, 1, 1, 1, 1],
                       [2, "test", 77, self.node.number, 4, 7, 8, 9, 9],
                       [2, "test", 2, self.node.number, 3, 7, 8, 2**62, 9, 9, True]):
            dealer.send(msgpack.packb(fields))
        dealer.send_multipart([b"x"] * 5000)
        self.check_alive()

    def test_a_message_of_another_cluster_is_refused_and_counted(self):
        dealer = self.dealer(self.node.endpoint("peer"))
        for _ in range(3):
            dealer.send(msgpack.packb([2, "another-cluster", 2, self.node.number, 1, 1, 1, 1, 1]))
            dealer.send(msgpack.packb([77, "test", 2, self.node.number, 1, 1, 1, 1, 1]))
        client = self.node.client()

        def dump():
            return str(client.ask("debug"))

        wait_until(lambda: "cluster" in dump() and "protocol" in dump(), "the counts in debug")
        self.check_alive()

    def test_the_publish_socket_ignores_what_it_is_sent(self):
        for kind in (zmq.SUB, zmq.XSUB):
            hostile = zmq.Context.instance().socket(kind)
            self.addCleanup(hostile.close)
            hostile.setsockopt(zmq.LINGER, 0)
            hostile.connect(self.node.endpoint("publish"))
            if kind == zmq.XSUB:
                for frame in hostile_frames(self.random):
                    hostile.send(frame[:1000])
            else:
                for size in range(0, 300, 7):
                    hostile.setsockopt(zmq.SUBSCRIBE, b"t" * size)
        self.check_alive()

    def test_bytes_that_are_not_zeromq(self):
        for name in ("peer", "client", "publish"):
            for number in range(20):
                with socket.create_connection(("127.0.0.1", self.node.ports[name])) as raw:
                    raw.sendall(self.random.randbytes(self.random.randrange(1, 500)))
                    if number % 2:  # reset instead of an orderly end
                        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                       struct.pack("ii", 1, 0))
        self.check_alive()

    def test_a_client_that_does_not_read_is_told_busy_and_others_are_served(self):
        self.cluster.set("big", b"x" * 1_000_000)
        deaf = zmq.Context.instance().socket(zmq.DEALER)
        self.addCleanup(deaf.close)
        deaf.setsockopt(zmq.LINGER, 0)
        deaf.setsockopt(zmq.RCVHWM, 1)
        deaf.connect(self.node.endpoint("client"))
        for number in range(4000):
            deaf.send(msgpack.packb({"op": "get", "id": number, "key": "big",
                                     "consistency": "local"}))
        client = self.node.client()
        self.assertTrue(client.ask("get", key="big", consistency="local")["id"])
        with open(f"/proc/{self.node.process.pid}/status", encoding="utf-8") as status:
            peak = next(line for line in status if line.startswith("VmHWM"))
        self.assertLess(int(peak.split()[1]), 2_000_000, "KiB, of 4 GB asked for")
        self.check_alive()

    def test_more_connections_than_files_may_be_open(self):  # B11
        pid = self.node.process.pid
        limit = 1200
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # of this test
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (limit, limit))
        for name, whom, kind in (("client", "clients", b"DEALER"), ("peer", "peers", b"DEALER"),
                                 ("publish", "subscribers", b"SUB")):
            raw = []
            told = f"hangs up on all {whom} at"
            before = self.node.log().count(told)
            for number in range(3 * limit):
                if number % 10 == 0:
                    time.sleep(0.02)  # it looks at each tick
                    self.assertLess(len(os.listdir(f"/proc/{pid}/fd")), limit)
                    if self.node.log().count(told) > before:
                        break
                try:
                    raw.append(socket.create_connection(("127.0.0.1", self.node.ports[name])))
                    raw[-1].sendall(handshake(kind))
                except OSError:
                    pass  # it listens again in a moment
            for connection in raw:
                connection.close()
            wait_until(lambda: self.node.log().count(told) > before, told)
            wait_until(lambda: f"takes {whom} at" in self.node.log(), f"it takes {whom} again")
            for number in range(20):  # files of the log and of the database are made
                reply = wait_until(lambda: self.node.ask_once("set", key="k", value=b"x" * 200_000),
                                   "a client is answered")
                self.assertTrue(reply.ok or reply.code in RETRY, reply)
        self.check_alive()

    def test_clients_that_vanish_in_the_middle_do_no_harm(self):
        for _ in range(20):
            vanishing = zmq.Context.instance().socket(zmq.DEALER)
            vanishing.setsockopt(zmq.LINGER, 0)
            vanishing.connect(self.node.endpoint("client"))
            for number in range(200):
                vanishing.send(msgpack.packb({"op": "set", "key": f"v{number}", "value": "x"}))
            vanishing.poll(5000)
            vanishing.close()
        self.check_alive()


if __name__ == "__main__":
    unittest.main(verbosity=2)
