"""The SQLite library this process runs on."""

import sqlite3
from contextlib import closing
from functools import cache


def sqlite_version() -> str:
    return sqlite3.sqlite_version


@cache
def has_logarithm() -> bool:
    """Whether it was built with mathematical functions, which not every system's is."""
    with closing(sqlite3.connect(":memory:")) as connection:
        try:
            connection.execute("select ln(2)")
        except sqlite3.OperationalError:
            return False
    return True
