"""What the runs need of this machine: processes, ports, CPU time, and what others took of it."""

import ctypes
import os
import random
import resource
import signal
import socket
import subprocess

PR_SET_PDEATHSIG = 1
PROC_STAT_FIELDS = ("user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal")
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")

# Below the ephemeral range, where a node that retries a dead port could meet itself.
PORTS = range(10_000, 32_000)


class Trouble(Exception):
    """What ends the comparison: one sentence for people."""


def start(command, **options):
    """A process that does not outlive this one, and does not see its terminal's Ctrl-C."""
    library = ctypes.CDLL(None)
    try:
        return subprocess.Popen(
            command, stdin=subprocess.DEVNULL, start_new_session=True,
            preexec_fn=lambda: library.prctl(PR_SET_PDEATHSIG, signal.SIGKILL), **options)
    except OSError as error:
        raise Trouble(f"{command[0]}: {error.strerror}") from None


def stop(processes, patience_s=5):
    for process in processes:
        if process.poll() is None:
            process.terminate()
    for process in processes:
        try:
            process.wait(patience_s)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def run(command, timeout_s, **options):
    """The output of a process that must succeed."""
    process = start(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options)
    try:
        output, complaint = process.communicate(timeout=timeout_s)
    except subprocess.TimeoutExpired:
        raise Trouble(f"{command[0]} has not ended within {timeout_s:.0f} s") from None
    finally:
        stop([process])
    if process.returncode != 0:
        raise Trouble(f"{os.path.basename(command[0])}: {last_lines(complaint)}")
    return output


def last_lines(text, count=5):
    return "\n".join(text.strip().splitlines()[-count:]) or "it failed without a word"


def is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def is_listening(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def free_ports(count):
    ports = []
    for port in random.sample(PORTS, 1000):
        if is_free(port):
            ports.append(port)
        if len(ports) == count:
            return ports
    raise Trouble(f"there are no {count} free ports between {PORTS.start} and {PORTS.stop}")


def cpu_seconds(process_id):
    """User and system time of a process since it began (proc(5))."""
    with open(f"/proc/{process_id}/stat") as stream:
        # The name, in parentheses, may hold anything; the third field comes behind the last one.
        fields = stream.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_A_SECOND


def peak_bytes(process_id):
    with open(f"/proc/{process_id}/status") as stream:
        for line in stream:
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


class CpuWatch:
    """Where the machine's CPU time went since it was made."""

    def __init__(self):
        self.before, self.own_before = self.read(), self.own()

    @staticmethod
    def read():
        with open("/proc/stat") as stream:
            return dict(zip(PROC_STAT_FIELDS, map(int, stream.readline().split()[1:])))

    @staticmethod
    def own():
        """Of this process and of all that it has started and that have ended."""
        used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
        return sum(each.ru_utime + each.ru_stime for each in used)

    def shares(self):
        """Of all CPU time: what the host stole, and what processes took that are not ours."""
        now = self.read()
        spent = {field: (now[field] - self.before[field]) / TICKS_A_SECOND for field in now}
        total = sum(spent.values()) or 1
        idle = spent["idle"] + spent["iowait"] + spent["steal"]
        others = total - idle - (self.own() - self.own_before)
        return {"stolen": spent["steal"] / total, "others": max(0, others / total)}


def filesystem_of(folder):
    found = ("", "unknown")
    with open("/proc/mounts") as stream:
        for line in stream:
            mount, kind = line.split()[1:3]
            inside = os.path.join(os.path.realpath(folder), "").startswith(os.path.join(mount, ""))
            if inside and len(mount) >= len(found[0]):
                found = (mount, kind)
    return found[1]
