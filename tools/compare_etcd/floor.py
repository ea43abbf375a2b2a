"""The floor: a program that does only the sends and syncs of a replicated durable write.

    floor node ID LEADER(0|1) FOLDER async|threaded     # ports 23111 to 23113, and 24111 of node 1
    floor client IN_FLIGHT SECONDS CONNECTIONS          # prints: inflight N: RATE/s p50 …
"""

import os
import re
import shutil
import subprocess
import tempfile
import time

from compare_etcd.machine import Trouble, is_free, is_listening, run, start, stop

MODES = ("threaded", "async")
PORTS = (24111, 23111, 23112, 23113)
START_TIME_S = 120
SLACK_S = 30
RATE = re.compile(r"inflight \d+: (\d+)/s")


def prepare(path, folder):
    """The program: what is given, or built of what is given."""
    if not os.path.isfile(path):
        raise Trouble(f"{path}: there is no such file")
    if os.access(path, os.X_OK) and not path.endswith((".cpp", ".cc")):
        return os.path.abspath(path)
    program = os.path.join(folder, "floor")
    run(["g++", "-O2", "-std=c++20", path, "-o", program, "-lzmq", "-lpthread"], START_TIME_S)
    return program


class Floor:
    def __init__(self, program, mode, settings):
        self.program, self.mode, self.settings = program, mode, settings

    def measure(self, work):
        """Writes a second, by the number in flight; `work` gives that and the connections."""
        taken = [port for port in PORTS if not is_free(port)]
        if taken:
            raise Trouble(f"the floor needs port {taken[0]}, which is taken")
        folder = tempfile.mkdtemp(prefix="compare-etcd-floor-", dir=self.settings.data_dir)
        nodes = []
        try:
            for node in (1, 2, 3):
                nodes.append(start([self.program, "node", str(node), str(int(node == 1)), folder,
                                    self.mode], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL))
            self.wait_for(nodes)
            return {in_flight: self.measure_one(in_flight, connections)
                    for in_flight, connections in work}
        finally:
            stop(nodes)
            shutil.rmtree(folder, ignore_errors=True)

    def wait_for(self, nodes):
        """They first fill their logs with zeros."""
        end = time.monotonic() + START_TIME_S
        while not all(is_listening(port) for port in PORTS):
            if time.monotonic() > end or any(node.poll() is not None for node in nodes):
                raise Trouble("the nodes of the floor do not come up")
            time.sleep(0.05)

    def measure_one(self, in_flight, connections):
        seconds = self.settings.seconds
        output = run([self.program, "client", str(in_flight), str(seconds), str(connections)],
                     seconds + SLACK_S)
        found = RATE.match(output)
        if not found:
            raise Trouble(f"the floor says '{output.strip()}' and no rate")
        return float(found[1])
