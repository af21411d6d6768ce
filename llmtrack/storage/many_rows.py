"""Inserts of many rows in few steps.

`executemany` steps once a row, and before each step it takes the interpreter lock back from
whoever has it: the event loop. A statement of many rows does all its work in one step, while
the loop goes on answering requests.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from itertools import chain

SIZES = (128, 32, 8, 2, 1)
"""Rows of one statement; few sizes, so that each is prepared once and kept."""


class ManyRows:
    """`insert into table (columns) values ... rest`, for any number of rows."""

    def __init__(self, name: str, table: str, columns: Sequence[str], rest: str = "") -> None:
        self.width = len(columns)
        self._head = f"-- {name}\ninsert into {table} ({', '.join(columns)}) values\n"
        self._row = f"({', '.join('?' * len(columns))})"
        self._rest = rest
        self._statements: dict[int, str] = {}

    def statement(self, size: int) -> str:
        """The one for so many rows, the same object each time: it is looked up by its text."""
        found = self._statements.get(size)
        if found is None:
            found = f"{self._head}{', '.join([self._row] * size)}\n{self._rest}"
            self._statements[size] = found
        return found

    def insert(self, connection: sqlite3.Connection, rows: Iterable[Sequence[object]]) -> int:
        """How many rows were inserted or updated, which leaves out `on conflict do nothing`."""
        return self.insert_flat(connection, list(chain.from_iterable(rows)))

    def insert_flat(self, connection: sqlite3.Connection, values: list[object]) -> int:
        """`insert` for rows that lie one behind the other in one list."""
        start, changed = 0, 0
        rows_left = len(values) // self.width
        for size in SIZES:
            while rows_left >= size:
                end = start + size * self.width
                changed += connection.execute(self.statement(size), values[start:end]).rowcount
                start = end
                rows_left -= size
        return changed
