"""What may be on the disk when the power fails: built from a log of writes and syncs.

What was synced is there. Of what was not, everything may be missing, everything may be there,
or any part of it, down to single sectors of one write. A sync that failed is the worst of them:
Linux takes the pages for clean afterwards, and what was to be written is never written.
"""

import random
import struct
from collections.abc import Iterator
from enum import StrEnum
from itertools import cycle
from pathlib import Path
from typing import NamedTuple

SECTOR_BYTES = 512
_ENTRY = struct.Struct("<cxHIq")


class Kept(StrEnum):
    """Of what was written and not synced."""

    NOTHING = "nothing"
    SOME = "some"
    ALL = "all"


class Entry(NamedTuple):
    kind: str
    name: str
    offset: int
    content: bytes


class Image(NamedTuple):
    """The files after a crash at entry `at`, and what clients had been promised by then."""

    at: int
    kept: Kept
    files: dict[str, bytes]
    acknowledged: int
    """How many of the acknowledgements, in the order of the log."""


def acknowledgement(text: str) -> bytes:
    """A line for the log, written once the client has its answer."""
    content = text.encode()
    return _ENTRY.pack(b"A", 0, len(content), 0) + content


def read_log(path: Path) -> list[Entry]:
    log, position, found = path.read_bytes(), 0, []
    while position < len(log):
        kind, name_length, length, offset = _ENTRY.unpack_from(log, position)
        position += _ENTRY.size
        name = log[position : position + name_length].decode()
        position += name_length
        found.append(
            Entry(kind.decode(), Path(name).name, offset, log[position : position + length])
        )
        position += length
    return found


class Disk:
    """Files as far as they are synced, and what waits to be."""

    def __init__(self, files: dict[str, bytes]) -> None:
        self.synced: dict[str, bytearray | None] = {
            name: bytearray(content) for name, content in files.items()
        }
        self._waiting: dict[str, list[Entry]] = {}

    def apply(self, entry: Entry) -> None:
        if entry.kind in "WTU":
            self._waiting.setdefault(entry.name, []).append(entry)
        elif entry.kind == "S":
            for waiting in self._waiting.pop(entry.name, []):
                self.synced[entry.name] = _changed(self.synced.get(entry.name), waiting)
        elif entry.kind == "F":
            self._waiting.pop(entry.name, None)

    def after_crash(self, kept: Kept, chance: random.Random) -> dict[str, bytes]:
        found = {
            name: bytearray(content) for name, content in self.synced.items() if content is not None
        }
        for name, entries in self._waiting.items():
            if kept is Kept.NOTHING:
                continue
            content: bytearray | None = found.get(name)
            for entry in entries:
                if kept is Kept.SOME and chance.random() < 0.5:
                    if entry.kind == "U":
                        break  # what was written to the next file of this name is lost with it
                    continue
                parts = _sectors(entry, chance) if kept is Kept.SOME else [entry]
                for part in parts:
                    content = _changed(content, part)
            found.pop(name, None)
            if content is not None:
                found[name] = content
        return {name: bytes(content) for name, content in found.items()}


def crash_images(
    files: dict[str, bytes], entries: list[Entry], count: int, chance: random.Random
) -> Iterator[Image]:
    """`count` of them, at moments after the first acknowledgement, in the order of the log."""
    disk, acknowledged, position = Disk(files), 0, 0
    first = next(at for at, entry in enumerate(entries) if entry.kind == "A")
    moments = sorted(chance.randint(first + 1, len(entries)) for _ in range(count))
    for at, kept in zip(moments, cycle(Kept), strict=False):
        for entry in entries[position:at]:
            acknowledged += entry.kind == "A"
            disk.apply(entry)
        position = at
        yield Image(at, kept, disk.after_crash(kept, chance), acknowledged)


def _changed(content: bytearray | None, entry: Entry) -> bytearray | None:
    if entry.kind == "U":
        return None
    content = bytearray() if content is None else content
    content.extend(bytes(max(entry.offset - len(content), 0)))
    if entry.kind == "T":
        del content[entry.offset :]
    else:
        content[entry.offset : entry.offset + len(entry.content)] = entry.content
    return content


def _sectors(entry: Entry, chance: random.Random) -> list[Entry]:
    """Of a torn write some sectors only."""
    if entry.kind != "W" or len(entry.content) <= SECTOR_BYTES or chance.random() < 0.5:
        return [entry]
    return [
        entry._replace(offset=entry.offset + at, content=entry.content[at : at + SECTOR_BYTES])
        for at in range(0, len(entry.content), SECTOR_BYTES)
        if chance.random() < 0.5
    ]
