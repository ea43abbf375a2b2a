"""Writers that work on a cluster while a test changes it, and what must hold of their work.

Each writer has a session, numbers its writes, and repeats each at one node after the other until it
is done. So every write is answered in the end, takes effect exactly once, and in its order.
"""

import threading
import time

import msgpack

from harness import DEADLINE, RETRY, Client

PATIENCE = 2.0  # seconds with one node, before the next is asked the same


class Writer(threading.Thread):
    def __init__(self, cluster, number):
        super().__init__(daemon=True)
        self.cluster, self.number = cluster, number
        self.turn = number  # which node is asked
        self.client, self.node = None, None
        self.ending = threading.Event()
        self.failure = None
        self.count = 0     # writes that are done: half of them keys, half messages
        self.retries = 0

    def run(self):
        try:
            session = self.ask("session.open")["session"]
            while not self.ending.is_set():
                self.write(session, self.count + 1)
                self.count += 1
        except Exception as error:  # pylint: disable=broad-except  # the test's thread raises it
            self.failure = error
        finally:
            self.leave()

    def write(self, session, seq):
        """Odd ones set a key of their own, even ones publish."""
        name = {"session": session, "seq": seq, "value": self.value(seq)}
        if seq % 2:
            reply = self.ask("set", key=self.key(seq), **name)
            assert reply["version"] == 1, f"{self.key(seq)} was set twice: {reply}"
        else:
            reply = self.ask("publish", channel=self.channel, **name)
            assert reply["seq"] == seq // 2, f"a message is missing or there twice: {reply}"

    @property
    def channel(self):
        return f"load{self.number}"

    def key(self, seq):
        return f"load/{self.number}/{seq}"

    @staticmethod
    def value(seq):
        return b"value of %d" % seq

    def leave(self):
        if self.client is not None:
            self.client.close()
            self.client = None

    def connect(self):
        nodes = self.cluster.running()
        if nodes:
            self.node = nodes[self.turn % len(nodes)]
            self.client = Client(self.node.endpoint("client"))

    def ask(self, op, **fields):
        end = time.monotonic() + DEADLINE
        reply = None
        while time.monotonic() < end:
            if self.client is None:
                self.connect()
            if self.client is not None:
                reply = self.ask_node(op, fields)
                if reply is not None and reply.ok:
                    return reply
                assert reply is None or reply.code in RETRY, f"{op} {fields}: {reply}"
                self.leave()
                self.turn += 1
                self.retries += 1
            time.sleep(0.02)  # as --retry does, so that it is no busy loop
        raise AssertionError(f"{op} {fields} was never done; the last answer: {reply}")

    def ask_node(self, op, fields):
        """The reply, or None where the node has ended or is silent."""
        number = self.client.send(op, **fields)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            reply = self.client.receive(0.1)
            if reply is not None and reply.get("id") == number:
                return reply
            if reply is None and not self.node.running:
                return None
        return None


class Load:
    """`with Load(cluster) as load:` writes; then `load.check(nodes)` for what must hold."""

    def __init__(self, cluster, writers=3):
        self.cluster = cluster
        self.writers = [Writer(cluster, number) for number in range(writers)]

    def __enter__(self):
        for writer in self.writers:
            writer.start()
        self.wait_for_more()
        return self

    def __exit__(self, kind, value, trace):
        for writer in self.writers:
            writer.ending.set()
        for writer in self.writers:
            writer.join(2 * DEADLINE)
            assert not writer.is_alive(), "a writer ends"
        if kind is None:
            self.raise_failure()

    def raise_failure(self):
        for writer in self.writers:
            if writer.failure is not None:
                raise writer.failure

    def wait_for_more(self, writes=20):
        """Until each writer has done so many more: the cluster works."""
        before = [writer.count for writer in self.writers]
        end = time.monotonic() + DEADLINE
        while any(writer.count < count + writes
                  for writer, count in zip(self.writers, before)):
            self.raise_failure()
            assert time.monotonic() < end, "waited in vain for writes to be done"
            time.sleep(0.02)

    def check(self, nodes, replay=True):
        """Each of the nodes has all that was acknowledged; with `replay` its broadcasts too."""
        nodes = list(nodes)
        last = self.cluster.ask("set", nodes, key="after the load", value=b"")["index"]
        self.cluster.wait_applied(last, nodes)
        expected = {writer.key(seq): writer.value(seq) for writer in self.writers
                    for seq in range(1, writer.count + 1, 2)}
        self.cluster.check_local(expected, nodes)
        for node in nodes if replay else ():
            for writer in self.writers:
                self.check_channel(node, writer, last)

    @staticmethod
    def check_channel(node, writer, last):
        topic = f"ch/{writer.channel}".encode()
        client = node.client()
        after, payloads, seqs = 0, [], []
        while after < last:
            reply = client.ask("replay", after=after, topics=[topic], limit=5000)
            assert reply.ok, f"node {node.number}: {reply}"
            for _, header, payload in reply["broadcasts"]:
                seqs.append(header["seq"] if isinstance(header, dict)
                            else msgpack.unpackb(header)["seq"])
                payloads.append(payload)
            after = reply["complete_to"]
        done = writer.count // 2
        # The one that was under way at the end may be there.
        assert seqs == list(range(1, len(seqs) + 1)), f"node {node.number}: {seqs}"
        assert done <= len(seqs) <= done + 1, f"node {node.number}: {len(seqs)} of {done}"
        for seq, payload in zip(seqs, payloads):
            assert payload == writer.value(2 * seq), f"node {node.number}: {payload}"
