"""The wall between workspaces, put up by the engine itself on a reading connection.

A `Walled` connection sees a tenant's tables only through temporary views that filter on
`current_workspace()`. A query that forgets its `where` returns the asker's own rows, and
without a workspace none at all. No single piece of this is a boundary:

- The views have the names of their tables, and SQLite resolves a bare name in the temporary
  schema first. So a base table can only be reached as `main.x`: `checked_text` refuses the
  word. It is needed because the authorizer is never asked about columns that are named by
  `using` or `natural join` alone. All other tables are shadowed by an empty view.
- The authorizer refuses by default. It lets a base table be read only from within a gate: a
  view between base table and public view, whose random name no query can imitate. Without
  it `with event as (select * from main.event) ...` would pass, because the authorizer is
  told the name of the innermost named query, whatever that is.
- An index led by something else than the workspace would let an error tell of a foreign row
  (an overflow on it, say): tests/test_tidy.py refuses such an index, and gates of tables
  without a workspace say `not indexed`.
- Limits on lengths, depths and steps bound what one query may cost.

Held up by tests/storage/test_wall*.py: an attack list, and random queries whose answers must
be those of a file that holds nothing but the one workspace.
"""

import re
import secrets
import sqlite3
from collections.abc import Callable, Iterator
from functools import lru_cache
from math import inf
from typing import Any, NamedTuple

from llmtrack.domain.errors import Overloaded
from llmtrack.storage.schema import LOOKUP_TABLES

Execute = Callable[[str], sqlite3.Cursor]

SHARED = frozenset({"global_model_alias", "global_price_override", "price_list"})
"""Tables of the instance that every workspace may read whole: lists of prices."""

# What a workspace may see of tables that are not its own: itself, who its members are and who
# has leave to look in, and the rate cards but for those of others' own prices. `not indexed`
# still takes the integer primary key, and nothing else.
_PEOPLE = """
select user_id from main.membership where workspace_id = current_workspace()
union all select user_id from main.access_grant where workspace_id = current_workspace()"""
_ORIGIN = "json_extract(case when json_valid(card) then card end, '$.origin')"
_OWN_PRICES = """
select 'override:' || public_id from main.price_override where workspace_id = current_workspace()
union all select 'override:' || public_id from main.global_price_override"""
_HELD = f"{_ORIGIN} like 'list:%' or {_ORIGIN} in ({_OWN_PRICES})"
PARTS = {
    "rate_card": (
        f"select {{columns}} from main.rate_card not indexed where {_HELD}",  # noqa: S608
        frozenset[str](),
    ),
    "workspace": (
        "select {columns} from main.workspace not indexed where id = current_workspace()",
        frozenset[str](),
    ),
    "user": (
        f"select {{columns}} from main.user not indexed where id in ({_PEOPLE})",  # noqa: S608
        frozenset({"password_hash"}),
    ),
}

# Anywhere in the text: SQLite has no escapes in identifiers, so a name cannot be disguised.
_FORBIDDEN = re.compile(r"main|sqlite_|pragma|dbstat|bytecode|tables_used|\x00", re.IGNORECASE)

_OWN_FILTER = re.compile(r"(?<![\w.])(?:\w+\.)?workspace_id = :workspace_id\b")

_FUNCTIONS = """
abs avg char coalesce count cume_dist current_date current_time current_timestamp date datetime
dense_rank ceil exp first_value floor format glob group_concat hex ifnull iif instr json
json_array json_array_length json_each json_extract json_group_array json_group_object
json_object json_quote json_tree json_type json_valid julianday lag last_value lead length like
likelihood likely ln log lower ltrim max median min nth_value ntile nullif percent_rank
percentile pow printf rank replace round row_number rtrim sign sqrt strftime substr substring
sum time total trim typeof unicode unixepoch unlikely upper -> ->>
"""
FUNCTIONS = frozenset(_FUNCTIONS.split())

LIMITS = {
    sqlite3.SQLITE_LIMIT_LENGTH: 8_000_000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 40_000,
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 100,
    sqlite3.SQLITE_LIMIT_COMPOUND_SELECT: 60,
    sqlite3.SQLITE_LIMIT_FUNCTION_ARG: 40,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 400,
    sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER: 400,
}
STEPS_BETWEEN_CHECKS = 100_000
_ALLOWED = {sqlite3.SQLITE_SELECT, sqlite3.SQLITE_RECURSIVE, sqlite3.SQLITE_TRANSACTION}
_JSON_TABLES = {"json_each", "json_tree"}


class ForbiddenText(ValueError):
    """A query that names what no query of a workspace may name. A fault of ours."""


class TooSlow(Overloaded):
    """A query was stopped because it did more work than it may."""


@lru_cache(maxsize=1024)
def checked_text(sql: str) -> str:
    """The query as it runs behind the wall. Raises ForbiddenText if it could reach around it.

    What a query says of its workspace is true of every row that the views let through: asking
    each row again would cost a tenth of a long query.
    """
    if found := _FORBIDDEN.search(sql):
        raise ForbiddenText(f"a workspace's query must not contain {found[0]!r}: {sql[:80]}")
    return _OWN_FILTER.sub("true", sql)


class Walled(sqlite3.Connection):
    """A reading connection behind the wall. Use it as `sqlite3.connect(factory=Walled)`."""

    workspace_id: int | None = None
    _checks_left = 0.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._gates: set[str] = set()
        self._views: set[str] = set()
        self._behind: set[str] = set()
        self.create_function("current_workspace", 0, self._workspace, deterministic=True)
        build = super().execute
        build("pragma temp_store=memory")
        for table in tables_of(build):
            for statement in self._shadow(table):
                build(statement)
        build("pragma trusted_schema=off")
        build("pragma cell_size_check=on")
        build("pragma query_only=on")
        # Debian's 3.40: the first use declares them, which the authorizer would refuse.
        build("select 1 from json_each('[]'), json_tree('[]')").fetchall()
        for limit, most in LIMITS.items():
            self.setlimit(limit, most)
        self.set_progress_handler(self._is_spent, STEPS_BETWEEN_CHECKS)
        self.set_authorizer(self._authorize)

    def enter(self, workspace_id: int, steps_max: int | None) -> None:
        """Open the views to one workspace, for at most so many steps of SQLite's machine."""
        if type(workspace_id) is not int or workspace_id <= 0:
            raise ValueError("no workspace")
        self.workspace_id = workspace_id
        self._checks_left = inf if steps_max is None else steps_max / STEPS_BETWEEN_CHECKS

    def leave(self) -> None:
        self.workspace_id = None

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        """Read what comes to the end: an open cursor must not outlive its workspace."""
        return super().execute(checked_text(sql), parameters)

    def _workspace(self) -> int | None:
        return self.workspace_id

    def _is_spent(self) -> bool:
        self._checks_left -= 1
        return self._checks_left < 0

    def _shadow(self, table: "Table") -> Iterator[str]:
        """The views that stand for a table, as statements."""
        name = table.name
        if table.gate is None:
            yield f'create temp view "{name}" as select null as hidden where 0'
            return
        gate = f"{name}_{secrets.token_hex(16)}"
        columns = ", ".join(f'"{column}"' for column in table.columns)
        yield f'create temp view "{gate}" as {table.gate.format(columns=columns)}'
        yield f'create temp view "{name}" as select {columns} from temp."{gate}"'  # noqa: S608 - names of tables
        self._gates.add(gate)
        self._views.add(name)
        self._behind.add(name)

    def _authorize(
        self, action: int, first: str | None, second: str | None, schema: str | None, by: str | None
    ) -> int:
        """SQLite's question on preparing a statement; `by`: the innermost view or named query."""
        allowed = action in _ALLOWED
        if action == sqlite3.SQLITE_READ:
            if schema == "temp":
                allowed = first in self._views or (first in self._gates and by in self._views)
            elif schema == "main":
                # A query that takes nothing but the integer primary key is asked about without
                # a column, and without the view: only of tables that are no tenant's.
                keyless = second == "" and by is None and (first in PARTS or first in SHARED)
                allowed = keyless or (by in self._gates and first in self._behind)
            else:
                allowed = schema is None and second == ""
            allowed = allowed or first in _JSON_TABLES
        elif action == sqlite3.SQLITE_FUNCTION:
            allowed = second in FUNCTIONS or (second == "current_workspace" and by in self._gates)
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


class Table(NamedTuple):
    """A table of the file, and what of it stands behind the wall; `gate` None: nothing."""

    name: str
    columns: list[str]
    gate: str | None


def tables_of(execute: Execute) -> list[Table]:
    """Every table and view of the file, each with its gate."""
    found = execute(
        "select name from main.sqlite_schema where type in ('table', 'view')"
        " and name not like 'sqlite#_%' escape '#'"
    ).fetchall()
    return [_table(execute, name) for (name,) in found]


def _table(execute: Execute, name: str) -> Table:
    columns = [row[1] for row in execute(f'pragma main.table_info("{name}")')]
    if name in PARTS:
        gate, hidden = PARTS[name]
        return Table(name, [column for column in columns if column not in hidden], gate)
    if name in SHARED:
        return Table(name, columns, f'select {{columns}} from main."{name}"')  # noqa: S608 - names of tables
    if "workspace_id" in columns and name not in LOOKUP_TABLES:
        own = "where workspace_id = current_workspace()"
        return Table(name, columns, f'select {{columns}} from main."{name}" {own}')  # noqa: S608 - names of tables
    return Table(name, [], None)
