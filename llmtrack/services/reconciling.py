"""A provider's bill beside what was recorded: read the file, read our sums, compare."""

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from llmtrack.domain.bill_matching import BillEntry, days_of, match_bill
from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.model_names import provider_id
from llmtrack.domain.pricing import PriceBook
from llmtrack.domain.reconciliation import Reconciliation
from llmtrack.formats.provider_bills import COLUMN_TARGETS, parse_bill
from llmtrack.storage.bill_usage import recorded_usage
from llmtrack.storage.scope import Scope

DAYS_MAX = 3_660


class Bill(NamedTuple):
    """A file as it came, and how to read it."""

    data: bytes
    provider: str
    columns: Mapping[str, str]
    first: date | None = None
    last: date | None = None
    """The first and the last day to compare, both included; None: as far as the file goes."""


class Reconciled(NamedTuple):
    provider: str
    first: date
    last: date
    unused_columns: list[str]
    result: Reconciliation


async def reconcile_bill(
    scope: Scope, bill: Bill, book: PriceBook, *, read_events_max: int | None = None
) -> Reconciled:
    """Raises InvalidValue, TooMuchToRead."""
    # A long file would hold up everybody else on the loop.
    parsed = await asyncio.to_thread(parse_bill, bill.data, bill.provider, bill.columns)
    entries = [entry for entry in parsed.entries if _is_between(entry, bill)]
    days = days_of(entries)
    if days is None:
        raise InvalidValue("file", _nothing_in(parsed.entries))
    first, last = bill.first or days[0], bill.last or days[1]
    if (last - first).days >= DAYS_MAX:
        raise InvalidValue("file", f"the file goes from {first} to {last}", fix="say --from")
    async with scope.reading() as reading:
        rows = await recorded_usage(
            reading, (first, last), bill.provider, read_events_max=read_events_max
        )
    result = await asyncio.to_thread(match_bill, entries, rows, book, provider_id(bill.provider))
    return Reconciled(provider_id(bill.provider), first, last, parsed.unused_columns, result)


def parse_columns(pairs: list[str]) -> dict[str, str]:
    """`day=Date` and the like -> which column of the file is which of ours."""
    columns: dict[str, str] = {}
    for pair in pairs:
        ours, equals, theirs = pair.partition("=")
        ours = ours.strip().lower()
        if not equals or not theirs.strip() or ours not in COLUMN_TARGETS:
            raise InvalidValue(
                "column",
                f"{pair.strip()[:60]!r} names no column",
                fix=f"write day=Date; known names are {', '.join(COLUMN_TARGETS)}",
            )
        columns[ours] = theirs.strip()
    return columns


def _is_between(entry: BillEntry, bill: Bill) -> bool:
    return (bill.first is None or entry.day >= bill.first) and (
        bill.last is None or entry.day <= bill.last
    )


def _nothing_in(parsed: list[BillEntry]) -> str:
    days = days_of(parsed)
    if days is None:
        return "the file has no line with anything to compare"
    return f"the file's days, {days[0]} to {days[1]}, are all outside of the chosen ones"
