"""Nodes of raft-actor and the load on them: both by raft-bench."""

import json

from compare_etcd.machine import Trouble, run

SLACK_S = 120


class Ours:
    def __init__(self, raft_bench, runtime, settings):
        self.raft_bench, self.runtime, self.settings = raft_bench, runtime, settings
        self.name = runtime

    def command(self, mode, in_flight, connections, nodes):
        settings = self.settings
        return [self.raft_bench, mode, "--json", "--start", str(nodes), "--runtime", self.runtime,
                "--data-dir", settings.data_dir, "--clients", str(connections),
                "--in-flight", str(in_flight), "--value-bytes", str(settings.value_bytes),
                "--keys", str(settings.keys), "--warm-up", str(settings.warm_up_s)]

    def measure(self, mode, in_flight, connections, nodes):
        settings = self.settings
        command = self.command(mode, in_flight, connections, nodes)
        command += ["--seconds", str(settings.seconds)]
        result = json.loads(run(command, settings.seconds + settings.warm_up_s + SLACK_S))
        if len(result["nodes"]) != nodes:
            raise Trouble(f"raft-bench saw {len(result['nodes'])} nodes and not {nodes}")
        return {**result, "nodes_cpu_seconds": sum(node["cpu_seconds"] for node in result["nodes"]),
                "peak_bytes": max(node["peak_rss_bytes"] for node in result["nodes"])}

    def fail_over(self, in_flight, connections, kills, tick):
        times = []
        for kill in range(kills):
            tick(f"kill {kill + 1} of {kills}")
            command = self.command("failover", in_flight, connections, 3) + ["--kills", "1"]
            times += json.loads(run(command, SLACK_S))["all_ms"]
        return times
