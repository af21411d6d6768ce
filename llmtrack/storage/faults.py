"""What SQLite's own errors mean to the person who runs the program.

Names, not numbers: https://www.sqlite.org/rescode.html.
"""

import sqlite3
from enum import StrEnum


class Fault(StrEnum):
    BUSY = "busy"
    DISK_FULL = "disk_full"
    READ_ONLY = "read_only"
    CORRUPT = "corrupt"
    NOT_A_DATABASE = "not_a_database"
    IO = "io"
    OTHER = "other"


_BY_NAME = {
    "SQLITE_BUSY": Fault.BUSY,
    "SQLITE_LOCKED": Fault.BUSY,
    "SQLITE_FULL": Fault.DISK_FULL,
    "SQLITE_READONLY": Fault.READ_ONLY,
    "SQLITE_PERM": Fault.READ_ONLY,
    "SQLITE_CORRUPT": Fault.CORRUPT,
    "SQLITE_NOTADB": Fault.NOT_A_DATABASE,
    "SQLITE_IOERR": Fault.IO,
    "SQLITE_CANTOPEN": Fault.IO,
}


def fault_of(error: BaseException | None) -> Fault | None:
    """The kind of fault behind an error or its cause; None if SQLite had no part in it."""
    while error is not None and not isinstance(error, sqlite3.Error):
        error = error.__cause__
    if error is None:
        return None
    name = getattr(error, "sqlite_errorname", None) or ""
    # Extended names start with the primary one: SQLITE_BUSY_SNAPSHOT, SQLITE_IOERR_WRITE.
    return _BY_NAME.get("_".join(name.split("_")[:2]), Fault.OTHER)
