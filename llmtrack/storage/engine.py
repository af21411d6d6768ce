"""The SQLite library this process runs on."""

import sqlite3


def sqlite_version() -> str:
    return sqlite3.sqlite_version
