"""Events that are on the disk but not yet in the sums, nor their digests in the tables of those.

An event touches some thirty rows of sums, but a thousand events together touch four rows
each: most of what the write path did for one event, it did again for the next. So a batch is
stored with a note of its events' keys, in the same transaction, and its sums are written a
little later, many batches at once, in the transaction that removes the notes. Whoever reads
sums, or changes an event, has them written first (`settle`): nobody sees one without the
other, and a process that dies between the two leaves notes that the next one follows.

The same goes for the digests by which an event is known again: many at once share the pages of
their tables. Whoever stores events has to look among the noted ones, too.
"""

import logging
import sqlite3
import struct
from collections.abc import Sequence

from llmtrack.storage.counting import Counting, read_counting
from llmtrack.storage.event_digests import EventDigests
from llmtrack.storage.event_rows import EventRow, find_event
from llmtrack.storage.rollups import Rollups

NOTE_BATCH = """
-- pending_sums.note
insert into unsummed (events, digests) values (?, ?)
"""
NOTED_IDS = """
-- pending_sums.settle
select id from unsummed order by id
"""
NOTED_ENDS = """
-- pending_sums.follow
select (select min(id) from unsummed), (select max(id) from unsummed)
"""
NOTED_DIGESTS = """
-- pending_sums.settle
select digests from unsummed order by id
"""
NOTED_BATCHES = """
-- pending_sums.settle
select events from unsummed order by id
"""
HAS_NOTES = """
-- pending_sums.noted_cost_pico
select 1 from sqlite_schema where type = 'table' and name = 'unsummed'
"""
NOTED_COST = """
-- pending_sums.noted_cost_pico
select cost_pico from event where workspace_id = ? and timestamp_ms = ? and id = ?
"""
FORGET_BATCHES = """
-- pending_sums.settle
delete from unsummed
"""

log = logging.getLogger(__name__)

_KEY = struct.Struct("<qqq")
"""workspace_id, timestamp_ms and id: the event's primary key."""


class PendingSums:
    """What of the notes this process made itself, already added up. Writer's thread only.

    The notes in the file are what counts. What is kept here spares reading the events again,
    and only as long as it is of exactly the noted batches: another process may have settled.
    """

    def __init__(self) -> None:
        self.events = 0
        self.workspaces: set[int] = set()
        """Whose sums lack events that are stored, as far as who reads the file can tell."""
        self._batches: list[int] = []
        self._countings: dict[int, Counting] = {}
        self._new: tuple[int, Sequence[EventRow], EventDigests] | None = None
        self._forget()

    @property
    def noted(self) -> int:
        """How much there is to write: a second report of a response adds a key and no event."""
        return max(self.events, len(self.digests.keys))

    def follow(self, connection: sqlite3.Connection) -> None:
        """Have exactly what is noted in `digests`; call at the start of a batch's transaction."""
        ends = (self._batches[0], self._batches[-1]) if self._batches else (None, None)
        if tuple(connection.execute(NOTED_ENDS).fetchone()) != ends:
            self.settle(connection)

    def note(
        self, connection: sqlite3.Connection, rows: Sequence[EventRow], digests: EventDigests
    ) -> None:
        """Note new events, in their own transaction; then `committed` or `forget`."""
        keys = b"".join([_KEY.pack(*row[:3]) for row in rows])
        batch = connection.execute(NOTE_BATCH, (keys, digests.pack())).lastrowid
        assert batch is not None  # noqa: S101 - an insert has one
        self._new = batch, rows, digests

    def committed(self, connection: sqlite3.Connection) -> None:
        """Add up what was noted last. Never fails: it is stored, whatever happens here."""
        if self._new is None:
            return
        batch, rows, digests = self._new
        self._new = None
        self.events += len(rows)
        self.workspaces.update({row.workspace_id for row in rows})
        self.digests.update(digests)
        try:
            self._add(connection, rows)
        except Exception:  # the notes are followed instead, event by event
            log.exception("events were not added up")
        else:
            self._batches.append(batch)

    def forget(self) -> None:
        """Call after a transaction that failed: what it noted is not there."""
        self._new = None

    def settle(self, connection: sqlite3.Connection) -> bool:
        """Write the sums of all that is noted, inside the caller's transaction; then `settled`.

        Whether there was anything.
        """
        noted = [row[0] for row in connection.execute(NOTED_IDS)]
        if not noted:
            self._forget()
            return False
        if noted != self._batches:
            self._forget()
            self._add(connection, _noted_events(connection))
            for (packed,) in connection.execute(NOTED_DIGESTS):
                self.digests.update(EventDigests.unpack(packed))
        self._rollups.write(connection)
        self.digests.write(connection)
        connection.execute(FORGET_BATCHES)
        self._forget()
        return True

    def settled(self) -> None:
        """Call after the commit of `settle`; until then, and if it fails, readers see none."""
        self.workspaces = set()

    def _forget(self) -> None:
        self.events = 0
        self.digests = EventDigests.none()
        self._batches = []
        self._countings = {}  # a change of how a workspace counts settles first
        self._rollups = Rollups(self._countings.__getitem__)

    def _add(self, connection: sqlite3.Connection, rows: Sequence[EventRow]) -> None:
        for row in rows:
            if row.workspace_id not in self._countings:
                found = read_counting(connection, row.workspace_id)
                self._countings[row.workspace_id] = found
            self._rollups.add(row)


def settle(connection: sqlite3.Connection) -> None:
    """`PendingSums.settle` for who has noted nothing."""
    PendingSums().settle(connection)


def noted_cost_pico(connection: sqlite3.Connection) -> int:
    """What the noted events cost that are still there. Of a file of any schema."""
    if connection.execute(HAS_NOTES).fetchone() is None:
        return 0
    found = [connection.execute(NOTED_COST, key).fetchone() for key in _noted_keys(connection)]
    return sum(row[0] or 0 for row in found if row is not None)


def _noted_events(connection: sqlite3.Connection) -> list[EventRow]:
    rows = [find_event(connection, *key) for key in _noted_keys(connection)]
    return [row for row in rows if row is not None]  # sums are of the events that are there


def _noted_keys(connection: sqlite3.Connection) -> list[tuple[int, int, int]]:
    batches = connection.execute(NOTED_BATCHES).fetchall()
    return [key for (keys,) in batches for key in _KEY.iter_unpack(keys)]
