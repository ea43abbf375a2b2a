"""A data directory written from docs/log-format.md, by code that shares nothing with the project.

Checksums come from libxxhash. Everything is bytes until write() puts it into a folder, so a test
can change what it likes, with or without a checksum that fits.
"""

import ctypes
import os
import struct



class Wide(ctypes.Structure):
    _fields_ = (("low", ctypes.c_uint64), ("high", ctypes.c_uint64))


XXHASH = ctypes.CDLL("libxxhash.so.0").XXH3_64bits
XXHASH.restype = ctypes.c_uint64
XXHASH.argtypes = (ctypes.c_char_p, ctypes.c_size_t)
WIDE = ctypes.CDLL("libxxhash.so.0").XXH3_128bits
WIDE.restype = Wide
WIDE.argtypes = (ctypes.c_char_p, ctypes.c_size_t)

OWNER = 0x0123456789ABCDEF
NO_OPERATION, COMMAND, CONFIGURATION = 1, 2, 3
ZERO = (0, 0, 0, 0)  # the position before entry 1: index, term, checksum, time
BLOCK = 50_000  # a reader is told the lengths, and knows no rule


def checksum(data):
    return XXHASH(bytes(data), len(data))


def sealed(data):
    """A structure whose first eight bytes are its checksum."""
    return struct.pack("<Q", checksum(data[8:])) + data[8:]


def configuration(*members, voters=None):
    """Members are ids; their endpoints are made up."""
    data = struct.pack("<H", len(members))
    for member in members:
        data += struct.pack("<QQI", member, OWNER + member, 0)
        for name in ("peer", "client", "publish"):
            text = f"tcp://node{member}:{name}".encode()
            data += struct.pack("<H", len(text)) + text
    for nodes in (members if voters is None else voters, (), ()):
        data += struct.pack("<H", len(nodes)) + b"".join(struct.pack("<Q", n) for n in nodes)
    return data


def binary(data):
    return bytes([0xC4, len(data)]) + data


def set_command(key, value):
    return b"\x93\x01" + binary(key) + binary(value)


class Log:
    """Segments by their names; append() writes a frame, as a node does."""

    def __init__(self, owner=OWNER, base=ZERO):
        self.owner = owner
        self.segments = {}
        self.last = base
        self.places = {}  # of each entry: (name of its segment, offset, end)
        self.frames = {}  # of each entry: (name, offset of the header, end of the frame)
        self.roll()

    def roll(self, version=3, cluster=b"demo", node=1):
        index, term, check, time_ms = self.last
        self.name = f"{index + 1:020}.segment"
        self.segments[self.name] = bytearray(sealed(struct.pack(
            "<Q8sIIQQQQQQQ", 0, b"raft-log", version, 80, self.owner, index + 1, check, term, time_ms,
            node, checksum(cluster))))
        self.synced = 80

    def record(self, payload, kind=COMMAND, term=1, time_ms=None, **changed):
        index, _, check, time_before = self.last
        time_ms = time_before + 10 if time_ms is None else time_ms
        fields = {"previous": check, "index": index + 1, "term": term, "time_ms": time_ms,
                  "length": len(payload), "kind": kind, **changed}
        data = sealed(struct.pack("<QQQQQIB3x", 0, *fields.values()) + payload)
        self.last = (index + 1, term, struct.unpack("<Q", data[:8])[0], time_ms)
        return data

    def append(self, *records, synced=None, **changed):
        """Each of `records`: a payload, or a dictionary of the arguments of record()."""
        segment = self.segments[self.name]
        segment += bytes(-len(segment) % 8)
        offset, first = len(segment), self.last[0] + 1
        body = bytearray()
        for each in records:
            each = each if isinstance(each, dict) else {"payload": each}
            start = offset + 64 + len(body)
            body += self.record(**each)
            self.places[self.last[0]] = (self.name, start, offset + 64 + len(body))
        fields = {"owner": self.owner, "offset": offset,
                  "synced": self.synced if synced is None else synced, "first": first,
                  "length": len(body), "count": len(records), **changed}
        segment += sealed(struct.pack("<Q8sQQQQQII", 0, b"log-fram", *fields.values(), 0)) + body
        for index in range(first, self.last[0] + 1):
            self.frames[index] = (self.name, offset, len(segment))
        self.synced = len(segment)


def hard_state(sequence, term, vote, which, version=2):
    return sealed(struct.pack("<Q8sIIQQQ16x", 0, b"fhard-st", version, which, sequence, term, vote))


def identity(cluster=b"demo", node=1, owner=OWNER, starts=3, version=2):
    return sealed(struct.pack("<Q8sIIQQQ", 0, b"rftident", version, len(cluster), node, owner,
                              starts) + cluster)


def entry(block):
    """Of the table of a snapshot's blocks."""
    wide = WIDE(block, len(block))
    return struct.pack("<IIQQ", len(block), 0, wide.low, wide.high)


def snapshot(last, content, members=(1,), owner=OWNER, version=2, table=None):
    blocks = [content[i:i + BLOCK] for i in range(0, len(content), BLOCK)]
    if table is None:
        table = b"".join(entry(block) for block in blocks)
    index, term, check, time_ms = last
    config = configuration(*members)
    return sealed(struct.pack("<Q8sIIQQQQQQQQ", 0, b"raftsnap", version, 8 + len(config), owner,
                              index, term, check, time_ms, len(content), checksum(table),
                              len(blocks)) + config) + content + table


def snapshot_name(index, suffix="snapshot"):
    return f"snapshots/{index:020}.{suffix}"


def directory(log, snapshots=None, term=1):
    """All files of a data directory by their names."""
    files = {"lock": b"", "identity": identity(), "hard_state.0": hard_state(4, term, 1, 0),
             "hard_state.1": hard_state(4, term, 1, 1)}
    files.update({f"log/{name}": bytes(data) for name, data in log.segments.items()})
    files.update(snapshots or {snapshot_name(0): snapshot(ZERO, b"")})
    return files


def write(folder, files):
    for name in ("log", "snapshots", "database"):
        os.makedirs(os.path.join(folder, name), exist_ok=True)
    for name, data in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)
    return folder
