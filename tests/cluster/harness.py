"""Real nodes as real processes on loopback, and a client that shares no code with them.

A Cluster writes a configuration for each node into a temporary folder, on free ports, and starts
`raft-actor`. Tests wait on conditions with a generous deadline, never on a sleep alone.
"""

import fcntl
import os
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import msgpack
import zmq

DEADLINE = 60.0  # seconds until a condition that should hold soon counts as never
# For tests that ask once, at a known leader: on a machine that stands still for seconds none is
# deposed for it, and no request ends.
CALM = """[raft]
election_timeout_ms = 2000
max_disk_wait_ms = 60000
[limits]
request_timeout_ms = 60000
"""
RUNTIME = os.environ.get("RAFT_ACTOR_RUNTIME", "async")
BINARY = os.environ.get("RAFT_ACTOR_BINARY", "raft-actor")
# To be sent again: it was not taken, or, under a session, it does not matter whether it was.
RETRY = ("busy", "no_leader", "disk_full", "unknown_outcome")


def wait_until(condition, what, deadline=DEADLINE):
    """Returns the first true value of condition(); fails with `what` after the deadline."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline:.0f} s in vain: {what}")
        time.sleep(0.02)


class Ports:
    """Loopback ports below the ephemeral range, this process's own until close().

    A port that was free a moment ago may be chosen by a test beside this one before a node binds
    it; a locked file for each port keeps them apart.
    """

    FOLDER = os.path.join(tempfile.gettempdir(), "raft-actor-test-ports")

    def __init__(self):
        os.makedirs(self.FOLDER, mode=0o777, exist_ok=True)
        self.locks = []

    def take(self):
        while True:
            port = random.randrange(12000, 32000)
            lock = open(os.path.join(self.FOLDER, str(port)), "w", encoding="utf-8")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", port))
            except OSError:
                lock.close()
                continue
            self.locks.append(lock)
            return port

    def close(self):
        for lock in self.locks:
            lock.close()


class Reply(dict):
    """A decoded reply; `ok` and `code` read the common fields."""

    @property
    def ok(self):
        return self["ok"]

    @property
    def code(self):
        return None if self["ok"] else self["error"]["code"]


class Client:
    """A DEALER to one node, written against the public protocol alone."""

    def __init__(self, endpoint):
        self.socket = zmq.Context.instance().socket(zmq.DEALER)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(endpoint)
        self.number = 0

    def close(self):
        self.socket.close()

    def send(self, op, **fields):
        self.number += 1
        self.socket.send(msgpack.packb({"op": op, "id": self.number, **fields}))
        return self.number

    def receive(self, timeout=DEADLINE):
        """The next reply, or None where none came in time."""
        if not self.socket.poll(int(timeout * 1000)):
            return None
        return Reply(msgpack.unpackb(self.socket.recv(), raw=False, strict_map_key=False))

    def ask(self, op, timeout=DEADLINE, **fields):
        """One request, one reply; replies to earlier requests are passed over."""
        number = self.send(op, **fields)
        end = time.monotonic() + timeout
        while True:
            reply = self.receive(max(0.0, end - time.monotonic()))
            if reply is None or reply.get("id") == number:
                return reply


class Node:
    def __init__(self, cluster, number):
        self.cluster = cluster
        self.number = number
        self.take_ports()
        self.process = None
        self.environment = {}
        self.log_path = os.path.join(cluster.folder, f"node{number}.log")
        self.data = os.path.join(cluster.folder, f"data{number}")
        self.config = os.path.join(cluster.folder, f"node{number}.toml")
        self.environment = {}  # beside what the test itself has

    def take_ports(self):
        self.ports = {name: self.cluster.ports.take() for name in ("peer", "client", "publish")}

    def endpoint(self, name):
        return f"tcp://127.0.0.1:{self.ports[name]}"

    def description(self):
        """As an element of `add` in a `change`."""
        return {"id": self.number,
                **{name: self.endpoint(name) for name in ("peer", "client", "publish")}}

    def start(self, *arguments, stderr=None):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(
                [BINARY, "--runtime", RUNTIME, *arguments, self.config],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log if stderr is None else stderr,
                env={**os.environ, **self.environment})
        return self

    def kill(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        if number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
            return self.process.wait(timeout=DEADLINE)
        return None

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as log:
            return log.read()

    @property
    def running(self):
        return self.process is not None and self.process.poll() is None

    def client(self):
        return self.cluster.keep(Client(self.endpoint("client")))

    def ask_once(self, op, timeout=1.0, **fields):
        client = Client(self.endpoint("client"))
        try:
            return client.ask(op, timeout=timeout, **fields)
        finally:
            client.close()

    def status(self, timeout=1.0):
        return self.ask_once("status", timeout)

    def known_status(self):
        """As soon as it answers."""
        return wait_until(lambda: (reply := self.status()) and reply.ok and reply,
                          f"a status of node {self.number}")

    def wait_refused(self, code, op, **fields):
        """Asked again until this is the answer, which is returned."""
        return wait_until(lambda: (reply := self.ask_once(op, timeout=8.0, **fields)) and
                          reply.code == code and reply, f"{op} to be answered {code}")

    def wipe(self):
        shutil.rmtree(self.data)

    def counters(self):
        """The named counters of a `debug` dump: lines of `name value` or `name: value`."""
        return self.client().ask("debug")["text"]


def preload(library, **variables):
    """The environment of a node with a library between it and the system."""
    return {"LD_PRELOAD": library, **variables,
            # Where the sanitizers are linked in, theirs is not the first then.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}


class Cluster:
    """Use as `with Cluster(3) as cluster:`; prints the logs of the nodes where a test fails."""

    def __init__(self, size, options=""):
        self.folder = tempfile.mkdtemp(prefix="raft-actor-test-")
        self.ports = Ports()
        self.kept = []
        self.options = options
        self.nodes = {number: Node(self, number) for number in range(1, size + 1)}
        for node in self.nodes.values():
            self.write_config(node)

    def write_config(self, node, cluster="test", number=None, join=None, options=""):
        """With `join`, a list of nodes, for one that is to be let in by them."""
        lines = ["[node]", f"id = {number or node.number}", f'cluster = "{cluster}"',
                 f'data_directory = "{node.data}"']
        if join:
            endpoints = ", ".join(f'"{other.endpoint("client")}"' for other in join)
            lines += [f"join = [{endpoints}]"]
        lines += ["[runtime]", f'mode = "{RUNTIME}"']
        for other in [node] if join else self.nodes.values():
            lines += ["[[member]]", f"id = {other.number}"]
            lines += [f'{name} = "{other.endpoint(name)}"'
                      for name in ("peer", "client", "publish")]
        lines += ["[storage]", "segment_bytes = 1048576", "reserve_bytes = 1048576",
                  self.options, options]
        with open(node.config, "w", encoding="utf-8") as config:
            config.write("\n".join(lines) + "\n")

    def add_node(self, number, options=""):
        """One that asks those that run now to be let in; it is not started."""
        members = self.running()
        node = Node(self, number)
        self.write_config(node, join=members, options=options)
        self.nodes[number] = node
        return node

    def keep(self, client):
        self.kept.append(client)
        return client

    def start(self):
        for node in self.nodes.values():
            node.start()
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, kind, value, trace):
        for client in self.kept:
            client.close()
        for node in self.nodes.values():
            if node.running:
                node.process.send_signal(signal.SIGCONT)
                node.process.kill()
                node.process.wait()
        self.ports.close()
        if kind is not None:
            for node in self.nodes.values():
                if os.path.exists(node.log_path):
                    print(f"--- log of node {node.number}\n{node.log()[-6000:]}")
        shutil.rmtree(self.folder, ignore_errors=True)

    def running(self):
        return [node for node in self.nodes.values() if node.running]

    def find_leader(self, among=None):
        """The node that says it leads the highest term, or None."""
        statuses = [(node, node.status()) for node in (among or self.running())]
        leading = [(reply["term"], node) for node, reply in statuses
                   if reply is not None and reply.ok and reply["role"] == "leader"]
        return max(leading, key=lambda each: each[0])[1] if leading else None

    def leader(self, among=None):
        return wait_until(lambda: self.find_leader(among), "a leader")

    def followers(self):
        leader = self.leader()
        return [node for node in self.running() if node is not leader]

    def ask(self, op, nodes=None, **fields):
        """Asks until it is done, at whichever node, as `zmq-send --retry` does."""
        nodes = nodes or self.running()
        replies = []

        def attempt():
            for node in nodes:
                reply = node.ask_once(op, timeout=8.0, **fields)
                if reply is not None and reply.ok:
                    return reply
                replies[:] = [reply]
                assert reply is None or reply.code in RETRY, f"{op} {fields}: {reply}"
            return None

        try:
            return wait_until(attempt, f"an answer to {op} {fields}")
        except AssertionError as error:
            raise AssertionError(f"{error}; the last answer: {replies}") from None

    def transfer(self, number):
        """Asked again until it is so, as in docs/protocol.md."""
        def leads():
            leader = self.find_leader()
            if leader is None or leader.number == number:
                return leader
            leader.ask_once("transfer", timeout=8.0, node=number)
            return None

        wait_until(leads, f"node {number} to lead")

    def leave(self, number, nodes=None):
        """Until the node has left, or is about to: a repeated `leave` finds no such member."""
        nodes = nodes or [node for node in self.running() if node.number != number]

        def attempt():
            for node in nodes:
                reply = node.ask_once("leave", timeout=8.0, node=number)
                if reply is not None and (reply.ok or reply.code == "conflict"):
                    return True
            return False

        wait_until(attempt, f"node {number} to leave")
        wait_until(lambda: number not in self.members(nodes)[0], f"node {number} to be gone")

    def members(self, nodes=None):
        """The newest that any node knows: (members by id, whether they are changing)."""
        replies = [node.ask_once("members") for node in nodes or self.running()]
        newest = max((reply for reply in replies if reply is not None and reply.ok),
                     key=lambda reply: reply["index"], default=None)
        if newest is None:
            return {}, True
        return {member["id"]: member for member in newest["members"]}, newest["changing"]

    def wait_members(self, voters, learners=(), nodes=None):
        """Until exactly these are members, and no change is under way."""
        seen = []

        def settled():
            members, changing = self.members(nodes)
            seen[:] = [(member["id"], member["voter"]) for member in members.values()], changing
            return (not changing and sorted(members) == sorted([*voters, *learners]) and
                    all(members[number]["voter"] for number in voters) and
                    not any(members[number]["voter"] for number in learners))

        try:
            wait_until(settled, f"voters {voters}, learners {learners}")
        except AssertionError as error:
            raise AssertionError(f"{error}; seen: {seen}") from None

    def set(self, key, value, nodes=None):
        """Sets until it is acknowledged, at whichever node; returns the reply."""
        nodes = nodes or self.running()

        def attempt():
            for node in nodes:
                client = Client(node.endpoint("client"))
                try:
                    reply = client.ask("set", timeout=8.0, key=key, value=value)
                finally:
                    client.close()
                if reply is not None and reply.ok:
                    return reply
            return None

        return wait_until(attempt, f"an acknowledgement of {key}")

    def set_all(self, values):
        """All in flight together, and those again that a busy machine made fail."""
        left = dict(values)

        def attempt():
            client = Client(self.leader().endpoint("client"))
            try:
                sent = {client.send("set", key=key, value=value): key
                        for key, value in left.items()}
                for _ in sent:
                    reply = client.receive(8.0)
                    if reply is None:  # the node has ended
                        break
                    if reply.ok:
                        del left[sent[reply["id"]]]
            finally:
                client.close()
            return not left

        wait_until(attempt, f"an acknowledgement of {len(values)} keys")

    def wait_applied(self, index, nodes=None):
        for node in nodes or self.running():
            wait_until(lambda n=node: (n.status() or {}).get("applied_index", 0) >= index,
                       f"node {node.number} to apply {index}")

    def check_local(self, expected, nodes=None):
        """Every node has every key of `expected` in its own state."""
        for node in nodes or self.running():
            client = node.client()
            for start in range(0, len(expected), 500):
                part = list(expected.items())[start:start + 500]
                wanted = {client.send("get", key=key, consistency="local"): (key, value)
                          for key, value in part}
                for _ in part:
                    reply = client.receive()
                    assert reply is not None, f"node {node.number} answers every read"
                    key, value = wanted[reply["id"]]
                    assert reply.ok and reply["found"], f"node {node.number} lacks {key}: {reply}"
                    assert reply["value"] == value, f"node {node.number}: {key}: {reply}"
