"""The requests: every file of the package database, to all nodes at once, many in flight."""

import glob
import hashlib
import time
from collections import deque

import zmq

from demonstration.nodes import open_dealer, pack, unpack

MAX_KEY_BYTES = 240
WINDOW = 400  # requests in flight at one node
RETRY = (b"no_leader", b"busy", b"disk_full", b"unknown_outcome")  # a `set` may be sent twice
RETRY_PAUSE_S = 0.02
RECONNECT_PAUSE_S = 0.2
SILENCE_S = 6  # a node answers each request within five seconds, one way or the other


def read_files():
    """(key, value) of every line: the path, and its checksum."""
    lines = []
    for name in sorted(glob.glob("/var/lib/dpkg/info/*.md5sums")):
        with open(name, "rb") as stream:
            for line in stream:
                checksum, separator, path = line.rstrip(b"\n").partition(b"  ")
                if separator and path:
                    lines.append((key_of(path), checksum))
    return lines


def key_of(path):
    if len(path) <= MAX_KEY_BYTES:
        return path
    digest = hashlib.sha256(path).hexdigest()[:16].encode()
    return path[: MAX_KEY_BYTES - 17] + b"~" + digest


class Lane:
    """The connection to one node, and what it owes."""

    def __init__(self, context, node):
        self.context, self.node = context, node
        self.waiting = set()
        self.open(time.monotonic())

    def open(self, now):
        self.socket = open_dealer(self.context, self.node.client)
        self.connected, self.opened, self.heard = False, now, now

    def is_lost(self, now):
        if not self.socket.getsockopt(zmq.EVENTS) & zmq.POLLOUT:
            return self.connected or now - self.opened > RECONNECT_PAUSE_S
        self.connected = True
        return bool(self.waiting) and now - self.heard > SILENCE_S

    def reopen(self, now):
        """Gives back what the lost connection owed."""
        self.socket.close()
        owed, self.waiting = self.waiting, set()
        self.open(now)
        return owed


class Load:
    """Turned by its owner, as the listeners want their turns too."""

    def __init__(self, context, nodes, lines):
        self.lines = lines
        self.todo = deque(range(len(lines)))
        self.later = deque()  # (when, line): refused, to be sent again
        self.acknowledged = {}  # line: index in the log
        self.lanes = [Lane(context, node) for node in nodes]
        self.resent = 0
        self.refused = {}
        self.last_answer = time.monotonic()
        self.killed_at = None
        self.since_then = []  # (seconds after the kill, index) of each acknowledgement

    def watch(self, killed_at):
        self.killed_at = killed_at

    def seconds_without_leader(self, first_index):
        """From the kill to the first acknowledgement of what the next leader, whose term begins at
        `first_index`, has written. What the old one acknowledged may be read after its death."""
        return min((seconds for seconds, index in self.since_then if index >= first_index),
                   default=0)

    def in_flight(self):
        return sum(len(lane.waiting) for lane in self.lanes)

    def done(self):
        return not (self.todo or self.later or self.in_flight())

    def stop_early(self):
        """Sends nothing new; returns how many lines are left out."""
        left, self.todo = len(self.todo), deque()
        return left

    def turn(self):
        now = time.monotonic()
        while self.later and self.later[0][0] <= now:
            self.todo.appendleft(self.later.popleft()[1])
        for lane in self.lanes:
            self.receive(lane)
            if lane.is_lost(now):
                owed = lane.reopen(now)
                self.resent += len(owed)
                self.todo.extendleft(owed)
            elif lane.connected:
                self.send(lane, now)

    def send(self, lane, now):
        if not lane.waiting:
            lane.heard = now
        while self.todo and len(lane.waiting) < WINDOW:
            line = self.todo.popleft()
            key, value = self.lines[line]
            try:
                lane.socket.send(pack(line, op="set", key=key, value=value), zmq.DONTWAIT)
            except zmq.Again:
                self.todo.appendleft(line)
                return
            lane.waiting.add(line)

    def receive(self, lane):
        try:
            for _ in range(WINDOW):
                self.on_reply(lane, unpack(lane.socket.recv(zmq.DONTWAIT)))
        except zmq.Again:
            pass

    def on_reply(self, lane, reply):
        line = reply[b"id"]
        if line not in lane.waiting:
            return
        lane.waiting.remove(line)
        now = lane.heard = time.monotonic()
        if reply[b"ok"]:
            if self.killed_at:
                self.since_then.append((now - self.killed_at, reply[b"index"]))
            self.last_answer = now
            self.acknowledged[line] = reply[b"index"]
            return
        code = reply[b"error"][b"code"]
        self.refused[code] = self.refused.get(code, 0) + 1
        if code in RETRY:
            self.later.append((now + RETRY_PAUSE_S, line))

    def close(self):
        for lane in self.lanes:
            lane.socket.close()
