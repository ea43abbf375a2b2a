"""What must hold at the end: nothing acknowledged is lost, and all nodes tell the same story."""

import time

import zmq

from demonstration.listener import CHANGES, digest_of
from demonstration.nodes import Trouble, ask, open_dealer, pack

import msgpack

WINDOW = 500  # reads in flight at one node
PAGE = 5000


def wait_until_applied(context, nodes, index, timeout_s, tick):
    """Every node has applied the log up to `index`."""
    end = time.monotonic() + timeout_s
    behind = list(nodes)
    while behind:
        if time.monotonic() > end:
            names = ", ".join(str(node.id) for node in behind)
            raise Trouble(f"within {timeout_s} s, node {names} did not apply the log up to {index}")
        tick()
        behind = [node for node in behind
                  if ((ask(context, node, 1, op="status") or {}).get(b"applied_index") or 0) < index]


def replay(context, node, after, end):
    """(index, topic, payload, digest, term) of the broadcasts that `node` keeps, up to `end`."""
    found = []
    while after < end:
        reply = ask(context, node, 10, op="replay", after=after, topics=list(CHANGES), limit=PAGE)
        if not reply or not reply[b"ok"]:
            raise Trouble(f"node {node.id} does not replay: {reply and reply[b'error']}")
        for topic, header, payload in reply[b"broadcasts"]:
            digest = digest_of(topic, header, payload)
            found.append((header[b"index"], topic, payload, digest, header[b"term"]))
        if reply[b"complete_to"] <= after:
            raise Trouble(f"the replay of node {node.id} stands still at index {after}")
        after = reply[b"complete_to"]
    return found


def check_listener(context, listener, story, end):
    """(broadcasts filled in by replay, faults) of one node, held against the whole story."""
    told = {index: digest for index, _, _, digest, _ in story if index <= end}
    heard = dict(zip(listener.indexes, listener.digests))
    faults = listener.out_of_order
    faults += sum(told.get(index) != digest for index, digest in heard.items() if index <= end)
    faults += sum(told.get(index) != digest for index, digest in listener.repeats.items())
    missing = sorted(index for index in told if index not in heard)
    if missing:
        filled = {index: digest for index, _, _, digest, _
                  in replay(context, listener.node, missing[0] - 1, missing[-1])}
        faults += sum(filled.get(index) != told[index] for index in missing)
    return len(missing), faults


class Reader:
    """Reads all keys at one node, `local`: what this very node has."""

    def __init__(self, context, node, expected):
        self.node, self.expected = node, expected
        self.socket = open_dealer(context, node.client)
        self.sent = self.read = self.wrong = 0
        self.heard = time.monotonic()
        self.waiting = 0

    def done(self):
        return self.read == len(self.expected)

    def turn(self, stopped):
        now = time.monotonic()
        try:
            for _ in range(WINDOW):
                self.on_reply(self.socket.recv(zmq.DONTWAIT))
                self.heard = now
        except zmq.Again:
            pass
        if self.waiting and now - self.heard > 10:
            raise Trouble(f"node {self.node.id} does not answer reads")
        try:
            while not stopped and self.waiting < WINDOW and self.sent < len(self.expected):
                key = self.expected[self.sent][0]
                self.socket.send(
                    pack(self.sent, op="get", key=key, consistency="local"), zmq.DONTWAIT)
                self.sent += 1
                self.waiting += 1
        except zmq.Again:
            if now - self.heard > 10:
                raise Trouble(f"node {self.node.id} takes no connection") from None

    def on_reply(self, frame):
        reply = msgpack.unpackb(frame, raw=True)
        self.waiting -= 1
        self.read += 1
        self.wrong += reply.get(b"value") != self.expected[reply[b"id"]][1]


def read_everywhere(context, nodes, expected, budget_s, tick):
    """(reads, wrong ones, reads left out for lack of time)."""
    readers = [Reader(context, node, expected) for node in nodes]
    end = time.monotonic() + budget_s
    poller = zmq.Poller()
    for reader in readers:
        poller.register(reader.socket, zmq.POLLIN)
    while True:
        stopped = time.monotonic() > end
        for reader in readers:
            reader.turn(stopped)
        tick(sum(reader.read for reader in readers), len(readers) * len(expected))
        if all(reader.done() or (stopped and not reader.waiting) for reader in readers):
            break
        poller.poll(20)
    for reader in readers:
        reader.socket.close()
    reads = sum(reader.read for reader in readers)
    wrong = sum(reader.wrong for reader in readers)
    return reads, wrong, len(readers) * len(expected) - reads
