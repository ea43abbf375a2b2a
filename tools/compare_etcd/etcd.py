"""Nodes of etcd, and the load on them by etcd_load, a program in Go that is built here."""

import json
import os
import shutil
import subprocess
import tempfile

from compare_etcd.machine import (Trouble, cpu_seconds, free_ports, last_lines, peak_bytes, run,
                                  start, stop)

SOURCE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "etcd_load")
# Where golang-etcd-server-dev and what it needs put their sources.
GO_SOURCES = "/usr/share/gocode"
BUILD_TIME_S = 600
SLACK_S = 60


def what_is_missing():
    missing = [name for name in ("etcd", "go") if not shutil.which(name)]
    if not os.path.isdir(os.path.join(GO_SOURCES, "src/go.etcd.io/etcd/clientv3")):
        missing.append("golang-etcd-server-dev")
    return missing


def build_load(folder):
    program = os.path.join(folder, "etcd_load")
    environment = {**os.environ, "GO111MODULE": "off", "GOPATH": GO_SOURCES, "GOFLAGS": ""}
    if not (os.environ.get("HOME") or os.environ.get("GOCACHE")):
        environment["GOCACHE"] = os.path.join(folder, "go-cache")
    run(["go", "build", "-o", program, "."], BUILD_TIME_S, cwd=SOURCE, env=environment)
    return program


def version():
    return run(["etcd", "--version"], SLACK_S).splitlines()[0].rpartition(" ")[2]


class Cluster:
    """`with Cluster(…) as cluster:` has its nodes running, on folders that are gone at the end."""

    def __init__(self, size, parent):
        self.size, self.parent = size, parent

    def __enter__(self):
        self.folder = tempfile.mkdtemp(prefix="compare-etcd-", dir=self.parent)
        self.processes = []
        try:
            ports = free_ports(2 * self.size)
            self.endpoints = [f"http://127.0.0.1:{port}" for port in ports[: self.size]]
            peers = [f"http://127.0.0.1:{port}" for port in ports[self.size:]]
            for node in range(self.size):
                self.start_node(node, peers)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        stop(self.processes)
        shutil.rmtree(self.folder, ignore_errors=True)

    def start_node(self, node, peers):
        """As etcd is by default: every write is synced before it is acknowledged."""
        members = ",".join(f"node{i}={peer}" for i, peer in enumerate(peers))
        environment = {name: value for name, value in os.environ.items()
                       if not name.startswith("ETCD_")}
        with open(self.log_of(node), "wb") as log:
            self.processes.append(start(
                ["etcd", "--name", f"node{node}",
                 "--data-dir", os.path.join(self.folder, f"node{node}"),
                 "--listen-client-urls", self.endpoints[node],
                 "--advertise-client-urls", self.endpoints[node],
                 "--listen-peer-urls", peers[node], "--initial-advertise-peer-urls", peers[node],
                 "--initial-cluster", members, "--initial-cluster-state", "new",
                 "--initial-cluster-token", os.path.basename(self.folder),
                 "--logger", "zap", "--log-outputs", "stderr", "--log-level", "warn"],
                stdout=log, stderr=log, env=environment))

    def log_of(self, node):
        return os.path.join(self.folder, f"node{node}.log")

    def check_running(self):
        for node, process in enumerate(self.processes):
            if process.poll() is not None:
                with open(self.log_of(node), errors="replace") as log:
                    raise Trouble(f"a node of etcd has ended by itself: {last_lines(log.read())}")


class Etcd:
    name = "etcd"

    def __init__(self, load_program, settings):
        self.load_program, self.settings = load_program, settings

    def command(self, mode, cluster, in_flight, connections):
        settings = self.settings
        return [self.load_program, "-endpoints", ",".join(cluster.endpoints),
                "-connections", str(connections), "-in-flight", str(in_flight),
                "-value-bytes", str(settings.value_bytes), "-keys", str(settings.keys),
                "-warm-up", f"{settings.warm_up_s}s", "-measure", f"{settings.seconds}s", mode]

    def measure(self, mode, in_flight, connections, nodes):
        with Cluster(nodes, self.settings.data_dir) as cluster:
            process = start(self.command(mode, cluster, in_flight, connections),
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            try:
                used = self.follow(process, cluster)
                output, complaint = process.communicate(timeout=SLACK_S)
            except subprocess.TimeoutExpired:
                raise Trouble(f"etcd_load has not ended within {SLACK_S} s") from None
            finally:
                stop([process])
            cluster.check_running()
            if process.returncode != 0:
                raise Trouble(last_lines(complaint))
            result = json.loads(output)
            return {**result, "nodes_cpu_seconds": used["end"] - used["begin"],
                    "peak_bytes": max(peak_bytes(each.pid) for each in cluster.processes)}

    def follow(self, process, cluster):
        """The CPU time of the nodes where etcd_load says that the measured time begins and ends."""
        used = {}
        while "end" not in used:
            word = process.stderr.readline().strip()
            if word not in ("begin", "end"):
                raise Trouble(word or "etcd_load ended early, without a word")
            cluster.check_running()
            used[word] = sum(cpu_seconds(each.pid) for each in cluster.processes)
        return used

    def fail_over(self, in_flight, connections, kills, tick):
        """Milliseconds from the kill of the leader to the next acknowledged write, of new nodes
        each time."""
        times = []
        for kill in range(kills):
            tick(f"kill {kill + 1} of {kills}")
            with Cluster(3, self.settings.data_dir) as cluster:
                command = self.command("failover", cluster, in_flight, connections)
                command[1:1] = ["-processes", ",".join(str(each.pid) for each in cluster.processes)]
                times.append(json.loads(run(command, 2 * SLACK_S))["milliseconds"])
        return times
