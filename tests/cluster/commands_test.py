"""The commands for members, with the files that ship in config/: only their ports are others."""

import json
import os
import re
import subprocess
import unittest

from harness import DEADLINE, Cluster

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SEND = os.path.join(os.environ.get("RAFT_ACTOR_TOOLS", ""), "zmq-send")
BASES = {"peer": 3110, "client": 4110, "publish": 5110}


class Commands(unittest.TestCase):
    def setUp(self):
        self.cluster = Cluster(6)
        self.addCleanup(self.cluster.__exit__, None, None, None)
        self.ports = {str(base + number): str(node.ports[name])
                      for number, node in self.cluster.nodes.items()
                      for name, base in BASES.items()}
        for node in self.cluster.nodes.values():
            self.write_shipped_config(node)
        for number in range(1, 6):
            self.cluster.nodes[number].start()
        self.newcomer = self.cluster.nodes[6]
        self.cluster.set("ready", b"")

    def write_shipped_config(self, node):
        with open(os.path.join(ROOT, "config", f"node{node.number}.toml"),
                  encoding="utf-8") as file:
            text = file.read()
        self.assertIn(f'"data/node{node.number}"', text)
        text = text.replace(f'"data/node{node.number}"', f'"{node.data}"')
        text = re.sub(r"(?<=127\.0\.0\.1:)\d+", lambda port: self.ports[port[0]], text)
        with open(node.config, "w", encoding="utf-8") as config:
            config.write(text)

    def send(self, *words, code=0):
        finished = subprocess.run([SEND, *words, "--timeout", str(int(DEADLINE))],
                                  stdin=subprocess.DEVNULL, capture_output=True, text=True,
                                  timeout=2 * DEADLINE, check=False)
        if code is not None:
            self.assertEqual(finished.returncode, code, (words, finished.stdout, finished.stderr))
        return finished.stdout

    def ask(self, *words):
        """At the members that stay."""
        return self.send(*words, "--to", self.cluster.nodes[1].endpoint("client"))

    def members(self):
        listed = json.loads(self.ask("members", "--json"))["members"]
        return {member["id"]: member for member in listed}

    def test_a_node_joins_learns_votes_leads_and_another_leaves(self):
        self.send("join", "--config", self.newcomer.config, "--learner", "--no-wait")
        self.newcomer.start()
        self.ask("promote", "6")
        self.assertTrue(self.members()[6]["voter"])
        self.send("transfer", "6", "--to", self.cluster.nodes[1].endpoint("client"), code=None)
        self.cluster.transfer(6)  # it may be another by now, or have led before it was asked to
        self.ask("leave", "3")
        self.assertNotIn(3, self.members())
        self.ask("snapshot")

    def test_a_node_asks_by_itself_leaves_and_comes_back_empty(self):
        self.newcomer.start()
        self.cluster.wait_members([1, 2, 3, 4, 5, 6])
        self.ask("leave", "6")
        self.newcomer.kill()
        self.newcomer.wipe()
        self.newcomer.start()
        self.cluster.wait_members([1, 2, 3, 4, 5, 6])

    def test_a_write_under_a_session_takes_effect_once(self):
        session = re.search(r"\d+", self.ask("session"))[0]
        for _ in range(2):
            self.ask("set", "colour", "blue", "--session", session, "--seq", "1")
        reply = json.loads(self.ask("get", "colour", "--json"))
        self.assertEqual(reply["version"], 1)
        self.ask("session", "close", session)
        self.send("session", "close", session, "--to", self.cluster.nodes[1].endpoint("client"),
                  code=1)


if __name__ == "__main__":
    unittest.main()
