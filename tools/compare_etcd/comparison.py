"""The work that every system gets, in turns: A B A B, so that a drift of the machine meets all."""

import time

from compare_etcd.machine import CpuWatch

CLIENTS = 8
WRITES = (1, 64, 256, 1000)
READS = (1, 64, 256)
FAILOVER_IN_FLIGHT = 64
WORKS = ("writes", "reads", "five-nodes", "failover")


def connections_of(in_flight):
    return min(in_flight, CLIENTS)


class Comparison:
    """`systems` can measure() and fail_over(); the first of them is etcd."""

    def __init__(self, systems, floors, settings, progress):
        self.systems, self.floors, self.settings = systems, floors, settings
        self.progress = progress
        self.runs = []       # all measurements, in their order
        self.floor = {}      # in flight: all rates
        self.outages = {}    # system: milliseconds of all kills

    def run(self):
        began, watch = time.time(), CpuWatch()
        for self.round in range(1, self.settings.rounds + 1):
            if "writes" in self.settings.works:
                self.measure_floors()
                self.measure_all("write", WRITES)
            if "reads" in self.settings.works:
                self.measure_all("read", READS)
            if "five-nodes" in self.settings.works:
                # Of ours alone: the row compares with three nodes of the same.
                self.measure_each(self.systems[1:], "write", WRITES[-1], 5)
        if "failover" in self.settings.works:
            for system in self.systems:
                self.outages[system.name] = system.fail_over(
                    FAILOVER_IN_FLIGHT, connections_of(FAILOVER_IN_FLIGHT), self.settings.kills,
                    lambda text: self.progress.show(f"{system.name}: {text}"))
        self.seconds, self.shares = time.time() - began, watch.shares()
        self.progress.clear()

    def measure_floors(self):
        for floor in self.floors:
            self.progress.show(f"round {self.round}: the floor, {floor.mode}")
            work = [(in_flight, connections_of(in_flight)) for in_flight in WRITES]
            for in_flight, rate in floor.measure(work).items():
                self.floor.setdefault(in_flight, []).append((self.round, rate))

    def measure_all(self, mode, counts):
        for in_flight in counts:
            self.measure_each(self.systems, mode, in_flight, 3)

    def measure_each(self, systems, mode, in_flight, nodes):
        for system in systems:
            self.progress.show(f"round {self.round}: {system.name}, {mode}s, {in_flight} in flight"
                               + (f", {nodes} nodes" if nodes != 3 else ""))
            watch = CpuWatch()
            result = system.measure(mode, in_flight, connections_of(in_flight), nodes)
            self.runs.append({"system": system.name, "mode": mode, "in_flight": in_flight,
                              "node_count": nodes, "round": self.round, **result, **watch.shares()})

    def of(self, system, mode, in_flight, nodes=3):
        """The measurements of one cell of the table, one a round."""
        return [run for run in self.runs
                if (run["system"], run["mode"], run["in_flight"], run["node_count"])
                == (system, mode, in_flight, nodes)]
