"""Queries across workspaces and about the file itself, for the admin's commands.

Out of reach of `web`, which sees one workspace at a time.
"""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import NamedTuple

from llmtrack.domain.money import join_pico
from llmtrack.storage.connections import open_alone, open_reading
from llmtrack.storage.database import Database
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.faults import Fault, fault_of
from llmtrack.storage.maintenance_sizes import all_bytes_in_use
from llmtrack.storage.opening import DatabaseUnusable, check_identity, connect_writer
from llmtrack.storage.pending_sums import noted_cost_pico

PROBLEMS_MAX = 20


class WorkspaceZone(NamedTuple):
    """What a job over all workspaces needs to know of each."""

    workspace_id: int
    public_id: str
    name: str
    time_zone: str


ALL_ZONES = """
-- maintenance.all_zones
select id, public_id, name, time_zone from workspace order by id
"""


def all_zones(connection: sqlite3.Connection) -> list[WorkspaceZone]:
    return [WorkspaceZone(*row) for row in connection.execute(ALL_ZONES)]


ALL_TABLES = """
-- maintenance.all_tables
select name from sqlite_schema where type = 'table' and name not like 'sqlite_%' order by name
"""


def all_tables(connection: sqlite3.Connection) -> list[str]:
    return [row[0] for row in connection.execute(ALL_TABLES)]


def all_counts(connection: sqlite3.Connection) -> dict[str, int]:
    """Rows of every table, all of one moment."""
    connection.execute("begin")
    try:
        return {name: _count(connection, name) for name in all_tables(connection)}
    finally:
        connection.execute("rollback")


def _count(connection: sqlite3.Connection, table: str) -> int:
    quoted = table.replace('"', '""')
    sql = f'select count(*) from "{quoted}"'  # noqa: S608 - a table's name cannot be a parameter
    return int(connection.execute(sql).fetchone()[0])


def all_problems(connection: sqlite3.Connection, *, quick: bool = False) -> list[str]:
    """What SQLite finds wrong with the file; empty when nothing is.

    Quick skips the comparison of indexes with their tables, which takes most of the time.
    """
    check = "quick_check" if quick else "integrity_check"
    try:
        problems = _checked(connection, f"{check}({PROBLEMS_MAX})")
        for row in connection.execute("pragma foreign_key_check").fetchmany(PROBLEMS_MAX):
            problems.append(f"a row of {row[0]} points to a row of {row[2]} that is not there")
    except sqlite3.DatabaseError as error:
        if fault_of(error) not in {Fault.CORRUPT, Fault.NOT_A_DATABASE}:
            raise
        return [str(error)]
    return problems


def all_bad_pages(connection: sqlite3.Connection, table: str | None = None) -> list[str]:
    """What is wrong with the pages of one table, or of the whole file."""
    try:
        return _checked(connection, f"quick_check({PROBLEMS_MAX if table is None else table})")
    except sqlite3.DatabaseError as error:
        if fault_of(error) not in {Fault.CORRUPT, Fault.NOT_A_DATABASE}:
            raise
        return [str(error)]


def _checked(connection: sqlite3.Connection, pragma: str) -> list[str]:
    found = [row[0] for row in connection.execute(f"pragma {pragma}")]
    return [] if found == ["ok"] else found


class Costs(NamedTuple):
    """Exact sums over all workspaces: of the events that are there, and of all totals.

    Totals with what is noted to be added to them: one moment has one total.
    """

    events_pico: int
    totals_pico: int


ALL_EVENT_COSTS = """
-- maintenance.all_costs
select coalesce(sum(cost_pico / 1000000), 0), coalesce(sum(cost_pico % 1000000), 0) from event
"""
ALL_TOTAL_COSTS = f"""
-- maintenance.all_costs
select coalesce(sum(cost_micro), 0), coalesce(sum(cost_rest), 0)
from usage_quarter
where kind = {int(Kind.TOTAL)}
"""  # noqa: S608 - a number


def all_costs(connection: sqlite3.Connection) -> Costs:
    return Costs(
        join_pico(*connection.execute(ALL_EVENT_COSTS).fetchone()),
        join_pico(*connection.execute(ALL_TOTAL_COSTS).fetchone()) + noted_cost_pico(connection),
    )


ALL_NEWEST_EVENT = """
-- maintenance.all_newest_event_ms
select max((
  select max(timestamp_ms) from event where event.workspace_id = workspace.id
))
from workspace
"""


def all_newest_event_ms(path: Path) -> int | None:
    with closing(open_to_read(path)) as connection:
        [newest] = connection.execute(ALL_NEWEST_EVENT).fetchone()
    return None if newest is None else int(newest)


SET_UP = """
-- maintenance.all_set_up_ms
select min(created_ms) from user
"""


def all_set_up_ms(path: Path) -> int | None:
    """When the first user was made."""
    with closing(open_to_read(path)) as connection:
        [found] = connection.execute(SET_UP).fetchone()
    return None if found is None else int(found)


HAS_TABLE = """
-- maintenance.has_table
select 1 from sqlite_schema where type = 'table' and name = ?
"""


def has_table(connection: sqlite3.Connection, name: str) -> bool:
    return connection.execute(HAS_TABLE, (name,)).fetchone() is not None


TIME_ZONE_OF = """
-- maintenance.time_zone_of
select time_zone from workspace where id = ?
"""


def time_zone_of(connection: sqlite3.Connection, workspace_id: int) -> str:
    return str(connection.execute(TIME_ZONE_OF, (workspace_id,)).fetchone()[0])


ALL_SESSIONS_END = """
-- maintenance.all_forget_sign_ins
delete from session
"""
ALL_LOGIN_LINKS_END = """
-- maintenance.all_forget_sign_ins
delete from login_link
"""


def all_forget_sign_ins(connection: sqlite3.Connection) -> None:
    """End every session: a restored file would revive those that have been signed out."""
    connection.execute(ALL_SESSIONS_END)
    connection.execute(ALL_LOGIN_LINKS_END)


ALL_INTO = """
-- maintenance.all_copied
vacuum into :target
"""


def all_copied(path: Path, target: Path) -> None:
    """Write a compact copy of one moment, without what was deleted; writers go on meanwhile."""
    with closing(open_to_read(path)) as connection:
        connection.execute(ALL_INTO, {"target": str(target)})


def bytes_in_use(path: Path) -> int:
    """About what a copy will take."""
    with closing(open_to_read(path)) as connection:
        return all_bytes_in_use(connection)


def open_to_read(path: Path) -> sqlite3.Connection:
    """Open a file of ours and change nothing. Raises DatabaseUnusable, SchemaTooNew."""
    if path.is_dir():
        raise DatabaseUnusable(f"{path} is a directory", fix="name the file itself")
    if not path.is_file():
        raise FileNotFoundError(f"{path} does not exist")
    connection = open_reading(path)
    try:
        connection.execute("pragma busy_timeout=5000")
        connection.execute("pragma trusted_schema=off")
        connection.execute("pragma cell_size_check=on")
        check_identity(connection, path, may_be_new=False)
    except BaseException:
        connection.close()
        raise
    return connection


async def schema_version_of(database: Database) -> int:
    [row] = await database.rows("pragma user_version")
    return int(row[0])


def folded(path: Path) -> bool:
    """Move the WAL into the file and let go of it; False if the file is too damaged for that.

    Raises sqlite3.OperationalError (busy) while another process has the file open.
    """
    try:
        with closing(open_alone(path)) as connection:
            connection.execute("pragma journal_mode=delete")
    except sqlite3.DatabaseError as error:
        if fault_of(error) in {Fault.CORRUPT, Fault.NOT_A_DATABASE}:
            return False
        raise
    return True


def all_checkpointed(path: Path) -> bool:
    """Move the WAL into the file and empty it; False if a reader was in the way."""
    with closing(connect_writer(path)) as connection:
        [blocked, _, _] = connection.execute("pragma wal_checkpoint(truncate)").fetchone()
    return not blocked


ALL_ZONE_CHANGES = """
-- maintenance.all_zone_changes
select w.public_id from zone_change c join workspace w on w.id = c.workspace_id order by w.id
"""


async def all_zone_changes(database: Database) -> list[str]:
    """The public ids of workspaces whose days are being moved to another zone."""
    return [row[0] for row in await database.rows(ALL_ZONE_CHANGES)]


class OrphanRun(NamedTuple):
    """A repricing run that is under way, for whoever may have to drive it."""

    workspace_public_id: str
    run_public_id: str
    touched_ms: int


ALL_RUNS_UNDER_WAY = """
-- maintenance.all_runs_under_way
select w.public_id, r.public_id, r.touched_ms
from reprice_run r
join workspace w on w.id = r.workspace_id
where r.state in ('queued', 'applying', 'undoing')
order by r.created_ms, r.workspace_id, r.id
"""


async def all_runs_under_way(database: Database) -> list[OrphanRun]:
    return [OrphanRun(*row) for row in await database.rows(ALL_RUNS_UNDER_WAY)]
