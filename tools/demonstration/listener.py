"""What one node broadcasts, noted as it comes."""

from array import array

import zmq

from demonstration.nodes import unpack

CHANGES = (b"kv/", b"ch/")
DRAINED_IN_ONE_TURN = 2000


def digest_of(topic, header, payload):
    """Header as the map it is: two nodes may write the same map in other bytes."""
    return hash((topic, tuple(sorted(header.items())), payload))


class Listener:
    def __init__(self, context, node):
        self.node = node
        self.indexes, self.digests = array("Q"), array("q")
        self.repeats = {}  # index: digest, of what came again after a restart
        self.out_of_order = 0
        self.joined = False
        self.may_repeat = False
        self.socket = context.socket(zmq.SUB)
        self.socket.linger = 0
        self.socket.rcvhwm = 0
        self.socket.reconnect_ivl = 50
        self.socket.reconnect_ivl_max = 1000
        for topic in (*CHANGES, b"raft/status"):
            self.socket.subscribe(topic)
        self.socket.connect(node.publish)

    def turn(self):
        """Whether anything came."""
        for received in range(DRAINED_IN_ONE_TURN):
            try:
                topic, header, *payload = self.socket.recv_multipart(zmq.DONTWAIT)
            except zmq.Again:
                return received > 0
            self.joined = True
            if topic.startswith(CHANGES):
                self.note(topic, unpack(header), payload[0] if payload else b"")
        return True

    def note(self, topic, header, payload):
        index, digest = header[b"index"], digest_of(topic, header, payload)
        if not self.indexes or index > self.indexes[-1]:
            self.indexes.append(index)
            self.digests.append(digest)
        elif self.may_repeat:
            self.repeats[index] = digest
        else:
            self.out_of_order += 1

    def close(self):
        self.socket.close()
