"""The table of what is to be reached: rows, each with what was measured and whether it suffices."""

import dataclasses
import statistics
from typing import Callable, Optional

from compare_etcd.comparison import READS, WRITES

# Times etcd, and share of the floor.
WRITE_FACTORS = {1: 1.5, 64: 6, 1000: 12}
READ_FACTORS = {1: 1.5, 64: 8, 256: 15}
FLOOR_SHARES = {1: 0.7, 64: 0.6, 1000: 0.5}
P99_FACTOR = 0.1
MAX_CPU_US = 12
MAX_MEMORY_MIB = 100
FIVE_NODES_SHARE = 0.6
# Of the nodes' defaults: [database] block_cache_bytes, and twice [raft] election_timeout_ms.
BLOCK_CACHE_MIB = 64
UPPER_ELECTION_TIMEOUT_MS = 600
MEDIAN_OUTAGE, LONGEST_OUTAGE = 1.5, 3

MEBIBYTE = 1 << 20


@dataclasses.dataclass
class Row:
    label: str
    digits: int
    etcd: Optional[float]
    ours: dict              # runtime: value
    reference: object = None  # what the ratio is to; a number, or one for each runtime
    wanted: str = ""
    suffices: Optional[Callable] = None  # of (value, ratio); None: nothing is asked for

    def ratio(self, runtime):
        reference = self.reference
        if isinstance(reference, dict):
            reference = reference[runtime]
        return self.ours[runtime] / reference if reference else None

    def verdict(self, runtime):
        if self.suffices is None:
            return None
        return bool(self.suffices(self.ours[runtime], self.ratio(runtime)))

    def as_json(self):
        return {"row": self.label, "etcd": self.etcd, "wanted": self.wanted or None,
                "ours": {runtime: {"value": value, "ratio": self.ratio(runtime),
                                   "reached": self.verdict(runtime)}
                         for runtime, value in self.ours.items()}}


def at_least(factor):
    return lambda value, ratio: ratio is not None and ratio >= factor


class Table:
    def __init__(self, comparison):
        self.comparison = comparison
        self.names = [system.name for system in comparison.systems]
        self.runtimes = self.names[1:]
        works = comparison.settings.works
        self.rows = []
        if "writes" in works:
            self.add_writes()
        if "reads" in works:
            for in_flight in READS:
                self.add_load("read", in_flight, READ_FACTORS.get(in_flight))
        if "writes" in works:
            self.add_costs()
        if "five-nodes" in works:
            self.add_five_nodes()
        if "failover" in works:
            self.add_failover()

    def median(self, of_run, system, mode, in_flight, nodes=3):
        return statistics.median(
            of_run(run) for run in self.comparison.of(system, mode, in_flight, nodes))

    def add(self, label, digits, of_run, mode, in_flight, wanted="", suffices=None):
        values = {name: self.median(of_run, name, mode, in_flight) for name in self.names}
        etcd = values.pop("etcd")
        self.rows.append(Row(label, digits, etcd, values, etcd, wanted, suffices))
        return self.rows[-1]

    def add_load(self, mode, in_flight, factor, p99_wanted="", p99_suffices=None):
        name = f"{mode}s, {in_flight} in flight"
        rates = self.add(f"{name}: a second", 0, rate_of, mode, in_flight,
                         f"at least {factor} x etcd" if factor else "",
                         at_least(factor) if factor else None)
        self.add("  p50 ms", 2, latency_of("p50"), mode, in_flight)
        self.add("  p99 ms", 2, latency_of("p99"), mode, in_flight, p99_wanted, p99_suffices)
        self.add("  CPU of the generator, us", 1, generator_us, mode, in_flight)
        return rates

    def add_writes(self):
        for in_flight in WRITES:
            p99 = (f"at most {P99_FACTOR} x etcd",
                   lambda value, ratio: ratio is not None and ratio <= P99_FACTOR)
            rates = self.add_load("write", in_flight, WRITE_FACTORS.get(in_flight),
                                  *(p99 if in_flight == WRITES[-1] else ()))
            floors = self.comparison.floor.get(in_flight)
            if floors:
                self.add_floor(in_flight, rates, floors)

    def add_floor(self, in_flight, rates, floors):
        share = FLOOR_SHARES.get(in_flight)
        # Of each round the mode that was better: no node could do with less.
        best = statistics.median(max(rate for each, rate in floors if each == number)
                                 for number in {number for number, _ in floors})
        self.rows.append(Row(f"  of the floor, {best:,.0f}", 0, None, rates.ours, best,
                             f"at least {share} x the floor" if share else "",
                             at_least(share) if share else None))

    def add_costs(self):
        most = WRITES[-1]
        self.add(f"CPU of 3 nodes a write, {most} in flight: us", 1, cpu_us, "write", most,
                 f"below {MAX_CPU_US} us", lambda value, ratio: value < MAX_CPU_US)
        limit = MAX_MEMORY_MIB + BLOCK_CACHE_MIB
        self.add("  memory of a node at most, MiB", 0, memory_mib, "write", most,
                 f"below {limit}: {MAX_MEMORY_MIB} above its cache",
                 lambda value, ratio: value < limit)

    def add_five_nodes(self):
        most = WRITES[-1]
        five = {name: self.median(rate_of, name, "write", most, 5) for name in self.runtimes}
        three = {name: self.median(rate_of, name, "write", most) for name in self.runtimes}
        self.rows.append(Row(f"writes, {most} in flight, 5 nodes: a second", 0, None, five, three,
                             f"at least {FIVE_NODES_SHARE} x 3 nodes", at_least(FIVE_NODES_SHARE)))

    def add_failover(self):
        for label, of_all, factor in (("median", statistics.median, MEDIAN_OUTAGE),
                                      ("longest", max, LONGEST_OUTAGE)):
            values = {name: of_all(times) for name, times in self.comparison.outages.items()}
            etcd, limit = values.pop("etcd"), factor * UPPER_ELECTION_TIMEOUT_MS
            self.rows.append(Row(f"leader killed to next write, {label}: ms", 0, etcd, values, etcd,
                                 f"at most {limit:.0f} ms",
                                 lambda value, ratio, limit=limit: value <= limit))

    def reached(self, runtime):
        verdicts = [row.verdict(runtime) for row in self.rows]
        return verdicts.count(True), len(verdicts) - verdicts.count(None)


def rate_of(run):
    return run["requests_per_second"]


def latency_of(quantile):
    return lambda run: run["latency_ms"][quantile]


def cpu_us(run):
    return 1e6 * run["nodes_cpu_seconds"] / max(1, run["requests"])


def generator_us(run):
    return 1e6 * run["bench_cpu_seconds"] / max(1, run["requests"])


def memory_mib(run):
    return run["peak_bytes"] / MEBIBYTE
