"""The nodes as separate processes, on throw-away folders, and the sockets to them."""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import tomllib

import msgpack
import zmq

PR_SET_PDEATHSIG = 1


class Trouble(Exception):
    """What ends the demonstration: one sentence for people."""


class Node:
    def __init__(self, file):
        with open(file, "rb") as stream:
            settings = tomllib.load(stream)
        self.file, self.id = file, settings["node"]["id"]
        self.joins_later = bool(settings["node"].get("join"))
        own = next(member for member in settings["member"] if member["id"] == self.id)
        self.peer, self.client, self.publish = own["peer"], own["client"], own["publish"]
        self.process = None

    def endpoints(self):
        return self.peer, self.client, self.publish


class Cluster:
    """`with Cluster(…) as cluster:` starts all nodes; at the end nothing of them is left."""

    def __init__(self, program, config):
        self.program = program
        files = sorted(name for name in os.listdir(config) if name.endswith(".toml"))
        nodes = [Node(os.path.join(config, name)) for name in files]
        self.nodes = [node for node in nodes if not node.joins_later]

    def __enter__(self):
        self.check_ports()
        self.folder = tempfile.mkdtemp(prefix="raft-actor-demo-")
        try:
            for node in self.nodes:
                self.start(node)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        running = [node.process for node in self.nodes if node.process]
        for process in running:
            process.terminate()
        end = time.monotonic() + 3
        for process in running:
            try:
                process.wait(max(0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    def check_ports(self):
        for node in self.nodes:
            for endpoint in node.endpoints():
                host, port = endpoint.removeprefix("tcp://").rsplit(":", 1)
                with socket.socket() as probe:
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    try:
                        probe.bind((host, int(port)))
                    except OSError:
                        raise Trouble(
                            f"port {port}, which node {node.id} of config/ needs, is taken; "
                            "end what uses it (a node that still runs?) and try again"
                        ) from None

    def start(self, node):
        log = open(self.log_of(node), "ab")
        library = ctypes.CDLL(None)
        with log:
            node.process = subprocess.Popen(
                [self.program, node.file, "--data-dir", os.path.join(self.folder, f"node{node.id}")],
                stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
                # However this program ends, the node does not outlive it.
                preexec_fn=lambda: library.prctl(PR_SET_PDEATHSIG, signal.SIGKILL),
            )

    def kill(self, node):
        node.process.send_signal(signal.SIGKILL)
        node.process.wait()
        node.process = None

    def log_of(self, node):
        return os.path.join(self.folder, f"node{node.id}.log")

    def check_running(self):
        for node in self.nodes:
            if node.process and node.process.poll() is not None:
                with open(self.log_of(node), errors="replace") as log:
                    last = "".join(log.readlines()[-5:])
                node.process = None
                raise Trouble(f"node {node.id} has ended by itself; its last words:\n{last}")


def pack(request_id, **fields):
    return msgpack.packb({"id": request_id, **fields})


def unpack(frame):
    """The fields of a reply or header, names and values as bytes."""
    return msgpack.unpackb(frame, raw=True)


def open_dealer(context, endpoint):
    """Connected once: a connection that is lost stays lost, and the socket is then not writable."""
    dealer = context.socket(zmq.DEALER)
    dealer.linger = 0
    dealer.rcvhwm = 0
    dealer.sndhwm = 0
    dealer.immediate = 1
    dealer.reconnect_ivl = -1
    dealer.connect(endpoint)
    return dealer


def ask(context, node, timeout_s=5, **fields):
    """The reply to one request to one node; None where none came."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        dealer = open_dealer(context, node.client)
        try:
            if not dealer.poll(200, zmq.POLLOUT):
                continue
            dealer.send(pack(0, **fields))
            if dealer.poll(max(1, int(1000 * (end - time.monotonic()))), zmq.POLLIN):
                return unpack(dealer.recv())
        finally:
            dealer.close()
    return None


def find_leader(context, cluster, timeout_s=20):
    """The node that says it leads, and its term."""
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        cluster.check_running()
        found = []
        for node in cluster.nodes:
            status = ask(context, node, 0.5, op="status") if node.process else None
            if status and status.get(b"ok") and status[b"leader"] == status[b"node"]:
                found.append((status[b"term"], node.id, node))
        if found:
            term, _, node = max(found)
            return node, term
        time.sleep(0.05)
    raise Trouble(f"no leader within {timeout_s} s")
