"""What the wall costs: dashboard queries behind it against the same on a plain connection."""

import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import geometric_mean
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from llmtrack.domain.periods import DAY_MS, day_of
from llmtrack.storage.connections import connect_walled, open_reading, open_writing
from llmtrack.storage.migrating import migrate
from tests.storage.seeded import add_rows, add_workspace, random_row, repeatable

EVENTS = 60_000
DAYS = 90
REPEATS = 31
WORKSPACE_ID = 1
ZONE = "UTC"
START_MS = 1_790_000_000_000 // DAY_MS * DAY_MS

SETTINGS = ("temp_store=memory", "cell_size_check=on", "trusted_schema=off", "query_only=on")
"""Of both connections: only the wall is to be measured."""

QUERIES = {
    "cost by model, 30 days": """
        select value, sum(events), sum(input_tokens) from usage_day
        where workspace_id = :workspace_id and kind = 2 and bucket > :day - 30 group by value""",
    "total by quarter, 7 days": """
        select bucket, sum(events) from usage_quarter
        where workspace_id = :workspace_id and kind = 0 and bucket > (:day - 7) * 96
        group by bucket""",
    "latest 50 events with names": """
        select e.id, (select text from name where workspace_id = e.workspace_id
          and id = e.model_id), cost_pico from event e
        where workspace_id = :workspace_id order by timestamp_ms desc, id desc limit 50""",
    "one day of events by model": """
        select model_id, count(*), sum(cost_pico / 1000000) from event
        where workspace_id = :workspace_id and timestamp_ms >= (:day - 1) * 86400000
        group by model_id""",
    "all events by feature": """
        select feature_id, count(*), sum(input_tokens) from event
        where workspace_id = :workspace_id group by feature_id""",
}


class Cost(NamedTuple):
    """The best of all repeats, in microseconds of processor time: others' work does not count."""

    name: str
    raw_us: float
    walled_us: float

    @property
    def ratio(self) -> float:
        return self.walled_us / self.raw_us


def wall_costs(folder: Path) -> list[Cost]:
    """Measure on a file of two workspaces, alternating, so that noise hits both the same."""
    path = folder / "wall.db"
    _fill(path)
    values = {"workspace_id": WORKSPACE_ID, "day": day_of(START_MS + DAYS * DAY_MS, ZONE)}
    with closing(open_reading(path)) as raw, closing(connect_walled(path)) as walled:
        for setting in SETTINGS:
            raw.execute(f"pragma {setting}")
        walled.enter(WORKSPACE_ID, None)
        return [_measure(raw, walled, name, values) for name in QUERIES]


def wall_ratio(costs: list[Cost]) -> float:
    """What a query takes behind the wall, by what it takes raw: the geometric mean of all."""
    return geometric_mean(cost.ratio for cost in costs)


def _measure(
    raw: sqlite3.Connection, walled: sqlite3.Connection, name: str, values: dict[str, int]
) -> Cost:
    times: dict[str, list[float]] = {"raw": [], "walled": []}
    answers = {}
    for _ in range(REPEATS):
        for which, connection in (("raw", raw), ("walled", walled)):
            begun = time.thread_time()
            found = connection.execute(QUERIES[name], values).fetchall()
            times[which].append((time.thread_time() - begun) * 1e6)
            answers[which] = [tuple(row) for row in found]
    if answers["raw"] != answers["walled"] or not answers["raw"]:
        raise AssertionError(f"{name}: the wall changes the answer")
    return Cost(name, min(times["raw"]), min(times["walled"]))


def _fill(path: Path) -> None:
    source = repeatable("bench")
    with closing(open_writing(path)) as connection:
        connection.row_factory = sqlite3.Row
        connection.execute("pragma journal_mode=wal")
        connection.execute("pragma synchronous=off")
        migrate(connection)
        connection.execute("begin")
        for workspace_id in (WORKSPACE_ID, WORKSPACE_ID + 1):
            ids = add_workspace(connection, workspace_id, ZONE)
            rows = [
                random_row(source, ids, workspace_id, START_MS + source.randrange(DAYS * DAY_MS))
                for _ in range(EVENTS // 2)
            ]
            add_rows(connection, rows, ZONE)
        connection.execute("commit")
        connection.execute("analyze")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        costs = wall_costs(Path(folder))
    for cost in costs:
        print(
            f"{cost.name:<30} {cost.raw_us:>9.0f} us raw {cost.walled_us:>9.0f} us walled"
            f"  {cost.ratio:.3f}"
        )
    print(f"together {wall_ratio(costs):.3f} (at most 1.05)")


if __name__ == "__main__":
    main()
