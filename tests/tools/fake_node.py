"""A node of the public protocol that keeps everything in memory, for tests of the tools.

It can be told to misbehave. Several in one process stand for a cluster: they share one state, and
one of them leads. Runs on a thread of its own; nothing here waits for time to pass.
"""

import threading

import msgpack
import zmq

BEHAVIOURS = (
    "good",  # answers
    "silent",  # reads and never answers
    "no_leader", "busy", "unknown_outcome",  # refuses writes and linearizable reads so
    "doubtful",  # does what it is asked to, and says unknown_outcome
    "dies",  # does what it is asked to, and ends without an answer
    "garbage",  # answers bytes that are no MessagePack
    "huge",  # answers a map that declares a length far beyond the frame
    "deep",  # answers nested lists without end
    "wrong_types",  # answers a map whose fields are all of other types
)


# Below the ephemeral ones, and apart from those of tests/cluster/harness.py.
PORTS = (32000, 32768)


class Shared:
    """What the nodes of a fake cluster agree on."""

    def __init__(self):
        self.values = {}  # key: (value, version, index)
        self.sequences = {}
        self.log = []  # (index, topic, header, payload)
        self.index = 0
        self.leader = 1
        self.term = 1
        self.retained_from = 1
        self.sessions = {}  # number: {seq: reply}
        self.closed_sessions = []
        self.configuration_index = 0
        self.polls_to_go = None  # with a number: a change is under way, and ends after so many
        self.polls_a_change = 3
        self.finish = None  # what the end of the change does
        self.snapshot_part = error("snapshot_gone", "told to say so")


class FakeNode(threading.Thread):
    def __init__(self, context, node, shared, members, behaviour="good"):
        super().__init__(daemon=True)
        self.node, self.shared, self.members = node, shared, members
        self.behaviour = behaviour
        self.refusals_left = None  # with a number: then good
        self.dying = False
        self.left_out, self.repeated = set(), set()  # indices that it broadcasts never, or twice
        self.profiled = False  # its dumps have a profile, which grows by the same each time
        self.dumps = 0
        self.requests = []
        self.router = context.socket(zmq.ROUTER)
        self.publisher = context.socket(zmq.PUB)
        self.stopper = context.socket(zmq.PAIR)
        for socket in (self.router, self.publisher, self.stopper):
            socket.linger = 0
        client = f"tcp://127.0.0.1:{self.router.bind_to_random_port('tcp://127.0.0.1', *PORTS)}"
        publish = (
            f"tcp://127.0.0.1:{self.publisher.bind_to_random_port('tcp://127.0.0.1', *PORTS)}"
        )
        name = f"inproc://stop-{id(self)}"
        self.stopper.bind(name)
        self.stop_sender = context.socket(zmq.PAIR)
        self.stop_sender.connect(name)
        self.member = {"id": node, "peer": "tcp://127.0.0.1:1", "client": client,
                       "publish": publish, "voter": True}
        members.append(self.member)

    @property
    def client(self):
        return self.member["client"]

    def stop(self):
        """Ends the node as a crash would: what it owes stays unanswered."""
        self.stop_sender.send(b"")
        self.join()

    def run(self):
        poller = zmq.Poller()
        poller.register(self.router, zmq.POLLIN)
        poller.register(self.stopper, zmq.POLLIN)
        while True:
            ready = dict(poller.poll(100))
            if self.stopper in ready:
                break
            if self.router in ready:
                peer, *_, frame = self.router.recv_multipart()
                self.answer(peer, frame)
            if self.dying:
                break
            self.broadcast_status()
        for socket in (self.router, self.publisher, self.stopper):
            socket.close()

    def answer(self, peer, frame):
        request = msgpack.unpackb(frame, raw=False)
        self.requests.append(request)
        behaviour = self.behaviour
        if behaviour == "silent":
            return
        hostile = {"garbage": b"\xc1\xff\x00", "huge": b"\xdf\xff\xff\xff\xff", "deep": b"\x91" * 5000}
        if behaviour in hostile:
            self.router.send_multipart([peer, hostile[behaviour]])
            return
        reply = self.execute(request)
        if self.dying:
            return
        if behaviour == "wrong_types":
            reply = {"ok": "yes", "error": [1, 2], "leader": 7}
        self.router.send_multipart([peer, msgpack.packb({"id": request.get("id"), **reply})])

    def execute(self, request):
        operation = request["op"]
        local = (operation in ("status", "debug", "replay", "members", "snapshot", "snapshot.read")
                 or request.get("consistency") == "local")
        misbehaving = not local and self.may_misbehave(operation)
        if misbehaving and self.behaviour in ("no_leader", "busy", "unknown_outcome"):
            return error(self.behaviour, "told to say so")
        handler = getattr(self, f"on_{operation.replace('.', '_')}", None)
        if handler is None:
            return error("unknown_op", f"'{operation}' is no operation")
        if not isinstance(request.get("value", b""), (str, bytes)):
            return error("bad_request", "value is neither str nor bin")
        reply = {"ok": True, **self.once(handler, request)}
        if misbehaving and self.behaviour == "doubtful":
            reply = error("unknown_outcome", "told to say so")
        self.dying = misbehaving and self.behaviour == "dies"
        if operation != "status" and self.node != self.shared.leader:
            leader = next(m for m in self.members if m["id"] == self.shared.leader)
            reply["leader"] = {"id": leader["id"], "client": leader["client"]}
        return reply

    def may_misbehave(self, operation):
        # Sessions are opened well, so that what is under them can go wrong.
        if self.behaviour in ("doubtful", "dies") and operation.startswith("session."):
            return False
        if self.refusals_left is None:
            return True
        self.refusals_left -= 1
        return self.refusals_left >= 0

    def once(self, handler, request):
        """A write under a session takes effect once, and its first reply is told again."""
        if "seq" not in request:
            return handler(request)
        done = self.shared.sessions.get(request["session"])
        if done is None:
            return error("session_expired", f"session {request['session']} is not open")
        if request["seq"] in done:
            return {**done[request["seq"]], "repeated": True}
        done[request["seq"]] = handler(request)
        return done[request["seq"]]

    def broadcast(self, topic, header, payload):
        shared = self.shared
        shared.log.append((shared.index, topic, header, payload))
        times = 0 if shared.index in self.left_out else 1 + (shared.index in self.repeated)
        for _ in range(times):
            self.publisher.send_multipart([topic, msgpack.packb(header), payload])

    def broadcast_status(self):
        header = {"node": self.node, "role": "leader", "term": 1, "leader": self.shared.leader,
                  "commit_index": self.shared.index, "applied_index": self.shared.index,
                  "first_index": 1}
        self.publisher.send_multipart([b"raft/status", msgpack.packb(header), b""])

    def on_set(self, request):
        shared, key = self.shared, as_bytes(request["key"])
        shared.index += 1
        version = shared.values.get(key, (b"", 0, 0))[1] + 1
        shared.values[key] = (as_bytes(request["value"]), version, shared.index)
        header = {"index": shared.index, "term": 1, "op": "set", "version": version}
        self.broadcast(b"kv/" + key, header, as_bytes(request["value"]))
        return {"index": shared.index, "version": version}

    def on_get(self, request):
        found = self.shared.values.get(as_bytes(request["key"]))
        if found is None:
            return {"found": False}
        return {"found": True, "value": found[0], "version": found[1], "index": found[2]}

    def on_delete(self, request):
        self.shared.index += 1
        return {"index": self.shared.index,
                "found": self.shared.values.pop(as_bytes(request["key"]), None) is not None}

    def on_publish(self, request):
        shared, channel = self.shared, as_bytes(request["channel"])
        shared.index += 1
        sequence = shared.sequences[channel] = shared.sequences.get(channel, 0) + 1
        header = {"index": shared.index, "term": 1, "seq": sequence}
        self.broadcast(b"ch/" + channel, header, as_bytes(request["value"]))
        return {"index": shared.index, "seq": sequence}

    def on_replay(self, request):
        topics = tuple(as_bytes(topic) for topic in request["topics"])
        found = [[topic, header, payload] for index, topic, header, payload in self.shared.log
                 if index > request["after"] and topic.startswith(topics)]
        cut = found[: min(request["limit"], 2)]  # small pages, so that tests see several
        complete_to = cut[-1][1]["index"] if len(cut) < len(found) else self.shared.index
        return {"broadcasts": cut, "complete_to": complete_to}

    def on_status(self, _):
        leads = self.node == self.shared.leader
        return {"node": self.node, "cluster": "fake", "role": "leader" if leads else "follower",
                "term": self.shared.term, "leader": self.shared.leader, "commit_index": self.shared.index,
                "applied_index": self.shared.index, "first_index": 1,
                "last_index": self.shared.index, "members": self.members, "protocol": 1,
                "release": "fake", "disk_full": False}

    def on_members(self, _):
        shared = self.shared
        if shared.polls_to_go is not None:
            shared.polls_to_go -= 1
            if shared.polls_to_go < 0:
                shared.polls_to_go = None
                shared.configuration_index += 1
                shared.finish()
        leads = self.node == shared.leader
        return {"index": shared.configuration_index, "changing": shared.polls_to_go is not None,
                "members": [{"identity": 0, "priority": 0, "promoting": False, **member,
                             "match_index": shared.index if leads else None}
                            for member in self.members]}

    def begin_change(self, finish):
        shared = self.shared
        if shared.polls_to_go is not None:
            return error("busy", "another change of members is under way")
        shared.configuration_index += 1
        shared.polls_to_go, shared.finish = shared.polls_a_change, finish
        return {"index": shared.configuration_index}

    def find_member(self, node):
        return next((member for member in self.members if member["id"] == node), None)

    def on_join(self, request):
        new = {"id": request["node"], "priority": request["priority"], "voter": False,
               **{name: request[name] for name in ("peer", "client", "publish")}}
        if new == {**(self.find_member(new["id"]) or {}), "voter": False}:
            return error("conflict", f"node {new['id']} is a member already")

        def finish():
            new.update(voter=request["voter"], promoting=False)
            self.members[:] = [m for m in self.members if m["id"] not in request["replaces"]]

        begun = self.begin_change(finish)
        if "index" in begun:
            new["promoting"] = request["voter"]
            self.members.append(new)
        return begun

    def on_leave(self, request):
        if self.find_member(request["node"]) is None:
            return error("conflict", f"node {request['node']} is no member")

        def finish():
            self.members[:] = [m for m in self.members if m["id"] != request["node"]]

        return self.begin_change(finish)

    def on_promote(self, request):
        member = self.find_member(request["node"])
        if member is None or member["voter"]:
            return error("conflict", f"node {request['node']} is no learner")
        return self.begin_change(lambda: member.update(voter=True))

    def on_transfer(self, request):
        others = [member["id"] for member in self.members if member["id"] != self.shared.leader]
        node = request.get("node", (others or [self.shared.leader])[0])
        if self.find_member(node) is None:
            return error("conflict", f"node {node} is no member")
        self.shared.leader = node
        return {"node": node}

    def on_snapshot(self, _):
        return {"index": self.shared.index}

    def on_snapshot_read(self, _):
        return self.shared.snapshot_part

    def on_session_open(self, request):
        self.shared.index += 1
        number = self.shared.index
        self.shared.sessions[number] = {}
        return {"session": number, "index": self.shared.index}

    def on_session_close(self, request):
        self.shared.index += 1
        found = self.shared.sessions.pop(request["session"], None) is not None
        if found:
            self.shared.closed_sessions.append(request["session"])
        return {"index": self.shared.index, "found": found}

    def on_debug(self, _):
        if not self.profiled:
            return {"text": f"node {self.node}\nall is well"}
        self.dumps += 1
        role = "leader" if self.shared.leader == self.node else "follower"
        return {"text": f"node: {self.node}\nrole: {role}\n"
                        f"profile event_handler: turns {10 * self.dumps}, messages_in "
                        f"{20 * self.dumps}, messages_out 7, events {30 * self.dumps}, turns_ns "
                        f"{5000 * self.dumps}, zeromq_ns {1000 * self.dumps}, waiting_ns 0\n"
                        "profile \nprofile odd: turns many, news 3\nrequests: 5\n"}


def error(code, message):
    return {"ok": False, "error": {"code": code, "message": message}}


def as_bytes(value):
    return value.encode() if isinstance(value, str) else value


class FakeCluster:
    """`with FakeCluster(3) as cluster:` three nodes, of which node 1 leads."""

    def __init__(self, size=1, **behaviours):
        self.context = zmq.Context()
        self.shared, self.members = Shared(), []
        self.nodes = [
            FakeNode(self.context, node, self.shared, self.members,
                     behaviours.get(f"node{node}", "good"))
            for node in range(1, size + 1)
        ]

    def __enter__(self):
        for node in self.nodes:
            node.start()
        return self

    def __exit__(self, *_):
        for node in self.nodes:
            if node.is_alive():
                node.stop()
            node.stop_sender.close()
        self.context.term()

    @property
    def to(self):
        return [word for node in self.nodes for word in ("--to", node.client)]
