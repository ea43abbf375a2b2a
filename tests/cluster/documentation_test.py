"""What the README and docs/protocol.md show works as it stands there."""

import os
import re
import shlex
import signal
import subprocess
import sys
import unittest

from harness import BINARY, CALM, DEADLINE, Cluster, wait_until

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TOOLS = os.environ.get("RAFT_ACTOR_TOOLS", "")

# The pages name the ports of config/; here the nodes have others.
REDIRECT = """
import zmq
_there = {there!r}
class _Socket(zmq.Socket):
    def connect(self, endpoint):
        return super().connect(_there.get(endpoint, endpoint))
zmq.Context._socket_class = _Socket
"""


def read(name):
    with open(os.path.join(ROOT, name), encoding="utf-8") as page:
        return page.read()


def python_blocks(page):
    return re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)


def shell_lines(page):
    return [line.strip().split("#")[0].strip() for line in page.splitlines()
            if line.startswith("    ")]


class Documentation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.cluster = Cluster(5, CALM)
        cls.cluster.start()
        cls.addClassCleanup(cls.cluster.__exit__, None, None, None)
        cls.cluster.set("ready", b"")
        cls.there = {f"tcp://127.0.0.1:{base}{number}": node.endpoint(name)
                     for number, node in cls.cluster.nodes.items()
                     for base, name in (("411", "client"), ("511", "publish"))}
        path = os.pathsep.join([TOOLS, os.path.dirname(BINARY), os.environ["PATH"]])
        cls.environment = dict(os.environ, RAFT_ACTOR_CONFIG_PATH=cls.cluster.folder, PATH=path)

    def check_blocks(self, name, at_least):
        blocks = python_blocks(read(name))
        self.assertGreaterEqual(len(blocks), at_least)
        for number, block in enumerate(blocks):
            with self.subTest(page=name, block=number):
                program = REDIRECT.format(there=self.there) + block
                finished = subprocess.run([sys.executable, "-c", program], capture_output=True,
                                          text=True, timeout=DEADLINE, check=False)
                self.assertEqual(finished.returncode, 0, block + finished.stderr)

    def test_every_example_of_the_protocol_page_runs(self):
        self.check_blocks("docs/protocol.md", 5)

    def test_the_client_of_the_readme_runs_and_is_ten_lines_at_most(self):
        self.check_blocks("README.md", 1)
        self.assertLessEqual(len(python_blocks(read("README.md"))[0].splitlines()), 10)

    def test_every_zmq_send_line_of_the_readme_works(self):
        lines = [line for line in shell_lines(read("README.md")) if line.startswith("zmq-send ")]
        self.assertGreaterEqual(len(lines), 5)
        for line in lines:
            with self.subTest(line=line):
                if " subscribe " in line:
                    self.check_subscription(shlex.split(line))
                    continue
                finished = subprocess.run(shlex.split(line), env=self.environment,
                                          capture_output=True, timeout=DEADLINE, check=False)
                self.assertEqual(finished.returncode, 0, finished.stderr)

    def check_subscription(self, command):
        listener = subprocess.Popen(command, env=self.environment, stdout=subprocess.PIPE)
        os.set_blocking(listener.stdout.fileno(), False)

        def heard():
            self.cluster.set("heard", b"loud and clear")
            return b"loud and clear" in (listener.stdout.read() or b"")

        wait_until(heard, "the subscription hears a change")
        listener.send_signal(signal.SIGINT)
        self.assertEqual(listener.wait(timeout=DEADLINE), 0)
        listener.stdout.close()

    def test_every_configuration_file_of_the_readme_is_there(self):
        for name in sorted(set(re.findall(r"node\d\.toml", read("README.md")))):
            finished = subprocess.run([BINARY, "--check-config", f"{ROOT}/config/{name}"],
                                      capture_output=True, timeout=DEADLINE, check=False)
            self.assertEqual(finished.returncode, 0, finished.stderr)


if __name__ == "__main__":
    unittest.main(verbosity=2)
