"""Fills workspaces of their own with made-up usage, by the write path that real events take."""

from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from llmtrack.domain.demo_traffic import KEYS, DemoCall, DemoTraffic, day_shares
from llmtrack.domain.periods import DAY_MS
from llmtrack.domain.pricing import PriceBook
from llmtrack.domain.roles import Role
from llmtrack.domain.usage import canonical_usage
from llmtrack.services.packing import pack_days
from llmtrack.services.price_books import bundled_book
from llmtrack.storage.audit import Actor
from llmtrack.storage.database import Database
from llmtrack.storage.keys import create_key
from llmtrack.storage.memberships import add_member
from llmtrack.storage.usage import PricedEvent, UsageWriter
from llmtrack.storage.users import list_users
from llmtrack.storage.workspaces import Workspace, create_workspace
from llmtrack.storage.writer import Connection

BATCH_EVENTS = 5_000
SOURCE = "demo"


async def seed_demo(
    database: Database,
    *,
    names: Sequence[str],
    events: int,
    days: int,
    actor: Actor,
    now_ms: int,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Workspace]:
    """New workspaces with `events` events of the last `days` days between them.

    Everybody who has an account becomes their viewer. Raises AlreadyExists for a taken name.
    """
    book, writer = bundled_book(), UsageWriter()
    users = [user.id for user in await list_users(database)]
    made = []
    for place, name in enumerate(names):
        workspace, keys = await database.write(_prepare, name, users, actor=actor, now_ms=now_ms)
        made.append(workspace)
        count = events // len(names) + (place < events % len(names))
        calls = _calls(DemoTraffic(place + 1), count, days, now_ms)
        priced = (_priced(book, workspace.id, keys, call) for call in calls)
        while batch := list(islice(priced, BATCH_EVENTS)):
            await database.write(_store, writer, batch)
            progress(len(batch))
    await pack_days(database, now_ms=now_ms)
    return made


def _prepare(
    connection: Connection, name: str, users: Sequence[int], *, actor: Actor, now_ms: int
) -> tuple[Workspace, list[int]]:
    workspace = create_workspace(connection, name=name, actor=actor, now_ms=now_ms)
    for user_id in users:
        add_member(
            connection, workspace.id, user_id=user_id, role=Role.VIEWER, actor=actor, now_ms=now_ms
        )
    keys = [
        create_key(connection, workspace.id, name=f"team-{place + 1}", actor=actor, now_ms=now_ms)
        for place in range(KEYS)
    ]
    return workspace, [key.key.id for key in keys]


def _store(connection: Connection, writer: UsageWriter, batch: Sequence[PricedEvent]) -> None:
    writer.add(connection, batch, generation=0)


def _calls(traffic: DemoTraffic, count: int, days: int, now_ms: int) -> Iterator[DemoCall]:
    """The calls of all days, in order of time; today's are those before now."""
    today = now_ms // DAY_MS
    owed = 0.0
    for day, share in enumerate(day_shares(days, now_ms), start=today - days + 1):
        owed += share * count
        of_day = round(owed)
        owed -= of_day
        if day < today:
            yield from traffic.day(day * DAY_MS, of_day, now_ms)
        else:
            yield from traffic.today(now_ms, of_day)


def _priced(book: PriceBook, workspace_id: int, keys: Sequence[int], call: DemoCall) -> PricedEvent:
    event = call.event
    usage = canonical_usage(event.reported)
    cost = book.price(event.provider, event.model, usage, at_ms=event.timestamp_ms)
    return PricedEvent(workspace_id, keys[call.key], SOURCE, event, usage, cost)
