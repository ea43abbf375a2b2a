#!/usr/bin/python3
"""Five nodes at work: elect, replicate, survive the death of their leader, lose nothing.

Run by tools/demo, which builds first.
"""

import argparse
import os
import signal
import sys
import time

import zmq

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from demonstration import checks, load  # noqa: E402
from demonstration.listener import Listener  # noqa: E402
from demonstration.nodes import Cluster, Trouble, ask, find_leader  # noqa: E402

# All of it ends within two minutes, on a slow machine by leaving some of it out.
LOAD_BUDGET_S = 50
READ_BUDGET_S = 35
STALL_S = 20
RESTART_AFTER_S = 2
CATCH_UP_S = 20


class Progress:
    """One line that is overwritten on a terminal; elsewhere a line every five seconds."""

    def __init__(self):
        self.terminal = sys.stdout.isatty()
        self.next = 0.0 if self.terminal else time.monotonic() + 5

    def show(self, text):
        now = time.monotonic()
        if now < self.next:
            return
        self.next = now + (0.1 if self.terminal else 5)
        print(f"\r\x1b[K  {text}" if self.terminal else f"  {text}",
              end="" if self.terminal else "\n", flush=True)

    def say(self, text):
        print(f"\r\x1b[K{text}" if self.terminal else text, flush=True)


class Demonstration:
    def __init__(self, context, cluster, lines, progress):
        self.context, self.cluster, self.lines, self.progress = context, cluster, lines, progress
        self.faults = []
        self.left_out = 0

    def expect(self, holds, text):
        self.progress.say(f"  {'ok  ' if holds else 'LOST'}  {text}")
        if not holds:
            self.faults.append(text)

    def run(self):
        say = self.progress.say
        leader, term = find_leader(self.context, self.cluster)
        say(f"Node {leader.id} leads, elected in term {term}.")
        self.listeners = [Listener(self.context, node) for node in self.cluster.nodes]
        self.join_broadcasts()
        self.load = load.Load(self.context, self.cluster.nodes, self.lines)
        say(f"Writing {len(self.lines)} files of the package database, to all nodes at once:")
        self.write()
        self.check()
        for closing in (*self.listeners, self.load):
            closing.close()
        return not self.faults

    def join_broadcasts(self):
        end = time.monotonic() + 10
        while not all(listener.joined for listener in self.listeners):
            if time.monotonic() > end:
                silent = [str(each.node.id) for each in self.listeners if not each.joined]
                raise Trouble(f"no broadcast came from node {', '.join(silent)} within 10 s")
            self.listen()
            time.sleep(0.01)

    def listen(self):
        # A list, not a generator: every listener gets its turn.
        return any([listener.turn() for listener in self.listeners])

    def poller(self):
        poller = zmq.Poller()
        for listener in self.listeners:
            poller.register(listener.socket, zmq.POLLIN)
        for lane in self.load.lanes:
            poller.register(lane.socket, zmq.POLLIN)
        return poller

    def write(self):
        started = time.monotonic()
        killed, killed_at, back = None, None, False
        while not (self.load.done() and back):
            now = time.monotonic()
            if not self.listen():
                self.poller().poll(5)
            self.load.turn()
            self.cluster.check_running()
            if killed is None and self.is_half_way(now - started):
                killed, killed_at = self.kill_leader(), time.monotonic()
            elif killed and not back and now - killed_at > RESTART_AFTER_S:
                self.cluster.start(killed)
                back = True
                self.progress.say(f"Node {killed.id} is started again.")
            self.bound(now, started)
            self.show_rate(now - started)
        self.write_seconds = self.load.last_answer - started

    def is_half_way(self, seconds):
        return (2 * len(self.load.acknowledged) >= len(self.lines) or seconds > LOAD_BUDGET_S / 2)

    def kill_leader(self):
        # It may be another than at the beginning.
        leader, self.killed_term = find_leader(self.context, self.cluster)
        for listener in self.listeners:
            listener.may_repeat |= listener.node is leader
        self.load.watch(time.monotonic())
        self.cluster.kill(leader)
        self.progress.say(f"Node {leader.id}, the leader, is killed with SIGKILL "
                          f"after {len(self.load.acknowledged)} writes.")
        return leader

    def bound(self, now, started):
        if now - started > LOAD_BUDGET_S and self.load.todo:
            self.left_out += self.load.stop_early()
        if now - self.load.last_answer > STALL_S and not self.load.done():
            raise Trouble(f"no write was acknowledged for {STALL_S} s; refusals: {self.load.refused}")

    def show_rate(self, seconds):
        count = len(self.load.acknowledged)
        self.progress.show(f"{count} of {len(self.lines)} acknowledged, "
                           f"{count / max(seconds, 0.001):.0f} a second")

    def check(self):
        load_, say = self.load, self.progress.say
        say("Checking:")
        acknowledged = load_.acknowledged
        rate = len(acknowledged) / self.write_seconds
        end = max(acknowledged.values(), default=0)
        leader, term = find_leader(self.context, self.cluster)
        checks.wait_until_applied(self.context, self.cluster.nodes, end, CATCH_UP_S, self.listen)
        status = ask(self.context, leader, op="status")
        end = status[b"applied_index"] if status else end
        checks.wait_until_applied(self.context, self.cluster.nodes, end, CATCH_UP_S, self.listen)
        story = checks.replay(self.context, leader, 0, end)
        self.check_writes(story)
        self.check_broadcasts(story, end)
        self.check_reads(story)
        next_term = min((index for index, *_, term in story if term > self.killed_term), default=0)
        without_leader = load_.seconds_without_leader(next_term)
        say("")
        say(f"Writes:          {len(acknowledged)} acknowledged in {self.write_seconds:.1f} s, "
            f"{rate:.0f} a second")
        say(f"Without leader:  {1000 * without_leader:.0f} ms from the kill to the next "
            f"acknowledged write; "
            f"node {leader.id} leads now, in term {term}")
        say(f"Sent again:      {load_.resent} that the killed node owed, and "
            f"{sum(load_.refused.values())} refused while there was no leader")
        if self.left_out:
            say(f"Left out:        {self.left_out} lines and reads, to end within two minutes")

    def check_writes(self, story):
        told = {index: (topic, payload) for index, topic, payload, *_ in story}
        lost = sum(told.get(index) != (b"kv/" + self.lines[line][0], self.lines[line][1])
                   for line, index in self.load.acknowledged.items())
        wanted = len(self.lines) - self.left_out
        self.expect(lost == 0, f"{len(self.load.acknowledged)} acknowledged writes stand in the "
                               f"log where their answers said; {lost} do not")
        count = len(self.load.acknowledged)
        self.expect(count == wanted, f"{count} of {wanted} writes that were sent are acknowledged")

    def check_broadcasts(self, story, end):
        self.listen()
        for listener in self.listeners:
            filled, faults = checks.check_listener(self.context, listener, story, end)
            self.expect(
                faults == 0,
                f"node {listener.node.id}: {len(story)} broadcasts in the same order, without a "
                f"hole; {filled} of them by replay, {len(listener.repeats)} came twice, "
                f"{faults} wrong")

    def check_reads(self, story):
        final = {topic.removeprefix(b"kv/"): payload for _, topic, payload, *_ in story}
        expected = list(final.items())
        reads, wrong, left = checks.read_everywhere(
            self.context, self.cluster.nodes, expected, READ_BUDGET_S,
            lambda done, total: self.progress.show(f"{done} of {total} reads"))
        self.left_out += left
        self.expect(wrong == 0, f"{len(expected)} keys are readable at each of "
                                f"{len(self.cluster.nodes)} nodes: {reads} reads, {wrong} wrong")


def parse_arguments():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--raft-actor", default=os.path.join(root, "build/actors/raft-actor"),
                        metavar="PROGRAM", help="the node to run")
    parser.add_argument("--config", default=os.path.join(root, "config"), metavar="FOLDER",
                        help="the folder of the nodes' configurations")
    parser.add_argument("--lines", type=int, metavar="N", help="write only the first N files")
    return parser.parse_args()


def interrupt(*_):
    raise KeyboardInterrupt


def main():
    arguments = parse_arguments()
    signal.signal(signal.SIGTERM, interrupt)
    progress = Progress()
    lines = load.read_files()[: arguments.lines]
    started = time.monotonic()
    context = zmq.Context()
    try:
        if not lines:
            raise Trouble("/var/lib/dpkg/info has no *.md5sums: this needs a Debian system")
        progress.say("Starting five nodes, each a process with a folder of its own.")
        with Cluster(arguments.raft_actor, arguments.config) as cluster:
            good = Demonstration(context, cluster, lines, progress).run()
    except Trouble as trouble:
        progress.say(f"demo: {trouble}")
        return 1
    except KeyboardInterrupt:
        progress.say("demo: interrupted; the nodes are stopped")
        return 130
    finally:
        context.destroy(linger=0)
    seconds = time.monotonic() - started
    progress.say(f"{'Nothing was lost' if good else 'SOMETHING WAS LOST'}, in {seconds:.0f} s.")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
