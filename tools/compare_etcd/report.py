"""The table as text for people, or as one line of JSON."""

import json
import statistics
import sys
import time

VERDICTS = {True: "reached", False: "NOT reached", None: ""}
TERMINAL_PAUSE_S, PLAIN_PAUSE_S = 0.1, 30


class Progress:
    """On stderr: one line that is overwritten on a terminal; elsewhere a line now and then."""

    def __init__(self):
        self.terminal = sys.stderr.isatty()
        self.next = 0.0

    def show(self, text):
        if self.terminal:
            print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
        elif time.monotonic() >= self.next:
            print(f"compare-etcd: {text}", file=sys.stderr, flush=True)
            self.next = time.monotonic() + PLAIN_PAUSE_S

    def clear(self):
        if self.terminal:
            print("\r\x1b[K", end="", file=sys.stderr, flush=True)


def number(value, digits):
    return "-" if value is None else f"{value:,.{digits}f}"


def cell(row, runtime):
    ratio = row.ratio(runtime)
    times = "" if ratio is None else f"{ratio:,.2f} x"
    return f"{number(row.ours[runtime], row.digits):>9} {times:>9} {VERDICTS[row.verdict(runtime)]:<11}"


def print_table(table, facts):
    print(f"{'':42} {'etcd':>9}", *(f"{runtime:>9} {'ratio':>9} {'':<11}"
                                    for runtime in table.runtimes), "wanted")
    for row in table.rows:
        cells = [cell(row, runtime) for runtime in table.runtimes]
        print(f"{row.label:42} {number(row.etcd, row.digits):>9}", *cells, row.wanted)
    print()
    for line in remarks(table, facts):
        print(line)


def remarks(table, facts):
    comparison, settings = table.comparison, table.comparison.settings
    shares = comparison.shares
    stolen = [run["stolen"] for run in comparison.runs] or [shares["stolen"]]
    yield (f"etcd {facts['etcd']}, {facts['cores']} cores, data in {settings.data_dir} "
           f"({facts['filesystem']}), values of {settings.value_bytes} bytes, {settings.keys} keys, "
           f"{settings.rounds} round(s) of {settings.seconds:g} s a cell after {settings.warm_up_s:g} s "
           f"of warm-up, {comparison.seconds:.0f} s in all")
    yield (f"The host stole {shares['stolen']:.1%} of all CPU time ({min(stolen):.1%} to "
           f"{max(stolen):.1%} of a cell); programs that are not part of this took "
           f"{shares['others']:.1%}.")
    for name in table.names:
        took = [run["bench_cpu_seconds"] / run["seconds"] for run in comparison.runs
                if run["system"] == name]
        if took:
            yield (f"The load generator of {name} took {statistics.median(took):.0%} of a core at "
                   f"the median, {max(took):.0%} at most.")
    if facts["filesystem"] == "tmpfs":
        yield "The data is in memory: this says nothing of durable writes. Choose --data-dir."
    for runtime in table.runtimes:
        reached, asked = table.reached(runtime)
        yield f"{runtime}: {reached} of {asked} rows reached"


def print_json(table, facts):
    comparison = table.comparison
    print(json.dumps({
        "rows": [row.as_json() for row in table.rows],
        "reached": {runtime: dict(zip(("rows", "of"), table.reached(runtime)))
                    for runtime in table.runtimes},
        "machine": {**facts, **comparison.shares, "seconds": comparison.seconds},
        "settings": vars(comparison.settings),
        "floor": {in_flight: [rate for _, rate in rates]
                  for in_flight, rates in comparison.floor.items()},
        "outages_ms": comparison.outages,
        "runs": comparison.runs}))
