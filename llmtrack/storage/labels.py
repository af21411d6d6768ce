"""What the numbers in the rollups are called, and which number a name has."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple, TypeVar

from llmtrack.domain.events import STATUS_CODES, STATUSES
from llmtrack.storage.dimensions import NAMED_KINDS, OTHER_VALUE, Dimension, Kind, Tag
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.tag_values import count_values, texts_of, value_of_text

T = TypeVar("T")


class Label(NamedTuple):
    """A value as people see it (`text`), as links name it (`slug`), and what else to know."""

    slug: str
    text: str
    detail: str | None = None
    deleted: bool = False

    @property
    def full_text(self) -> str:
        """In one piece, for where it stands alone: two customers may have one name."""
        return f"{self.text} ({self.detail})" if self.detail else self.text


NO_LABEL = Label("", "")
OTHER_LABEL = Label("", "other values")
"""Of the values of a tag that are not counted on their own; nothing links to them."""


def told_apart(labels: Mapping[T, Label]) -> dict[T, Label]:
    """Where two read alike, as customers of one name do, with what else is known behind it."""
    counts = Counter(label.text for label in labels.values())
    return {
        value: label._replace(text=label.full_text) if counts[label.text] > 1 else label
        for value, label in labels.items()
    }


READ_NAMES = """
-- labels.labels_of
select id, text, label
from name
where workspace_id = :workspace_id
  and id in (select value from json_each(:values))
"""
READ_KEYS = """
-- labels.labels_of
select id, public_id, name, prefix, deleted_ms
from api_key
where workspace_id = :workspace_id
  and id in (select value from json_each(:values))
"""


async def labels_of(
    reading: ScopedReading, kind: Dimension, values: Sequence[int]
) -> dict[int | None, Label]:
    """The labels of some values of a dimension; deleted keys keep theirs."""
    if kind is Kind.TOTAL:
        return {0: Label("", "total")}
    if kind is Kind.STATUS:
        return {code: Label(text, text) for code, text in enumerate(STATUSES)}
    if isinstance(kind, Tag):
        texts = await texts_of(reading, kind, list(values))
        named: dict[int | None, Label] = {OTHER_VALUE: OTHER_LABEL}
        return named | {value: Label(text, text) for value, text in texts.items()}
    if kind is Kind.KEY:
        rows = await reading.rows(READ_KEYS, values=json.dumps(list(values)))
        return {
            row["id"]: Label(
                row["public_id"],
                row["name"],
                row["prefix"],
                row["deleted_ms"] is not None,
            )
            for row in rows
        }
    rows = await reading.rows(READ_NAMES, values=json.dumps(list(values)))
    return {
        row["id"]: Label(row["text"], row["label"] or row["text"], row["label"] and row["text"])
        for row in rows
    }


FIND_NAME_VALUE = """
-- labels.value_of
select id from name where workspace_id = :workspace_id and kind = :kind and text = :slug
"""
FIND_KEY_VALUE = """
-- labels.value_of
select id from api_key where workspace_id = :workspace_id and public_id = :slug
"""


async def value_of(reading: ScopedReading, kind: Dimension, slug: str) -> int | None:
    """The number behind a slug; None if this workspace has nothing of that name."""
    if kind is Kind.STATUS:
        return STATUS_CODES.get(slug)
    if isinstance(kind, Tag):
        return await value_of_text(reading, kind, slug)
    if kind is Kind.KEY:
        rows = await reading.rows(FIND_KEY_VALUE, slug=slug)
    elif kind in NAMED_KINDS:
        rows = await reading.rows(FIND_NAME_VALUE, kind=kind, slug=slug)
    else:
        return None
    return int(rows[0][0]) if rows else None


READ_CHOICES = """
-- labels.choices
select value, sum(count(*)) over () as looked_at
from usage_day
where workspace_id = :workspace_id
  and kind = :kind
  and bucket >= :first
  and bucket < :end
group by value
having sum(events) > 0
order by sum(cost_micro) desc, sum(events) desc
limit :most
"""


CUSTOMER_DAYS = 3
TAG_ROWS_MAX = 3_000
KEPT_FROM_ROWS = 300
"""What took less to find is read anew each time: a new installation shows each new name at once."""


async def choices(
    reading: ScopedReading, kind: Dimension, days: tuple[int, int], *, most: int
) -> Sequence[Label]:
    """The values seen on some days, the dearest first: what a filter offers.

    Of customers, who are many, those of the last CUSTOMER_DAYS; of a tag with many values, those
    of as many days as have TAG_ROWS_MAX rows. What took long to find may be a minute old.
    """
    first, end = days
    if kind is Kind.CUSTOMER:
        first = max(first, end - CUSTOMER_DAYS)
    elif isinstance(kind, Tag):
        a_day = max(1, await count_values(reading, kind))
        first = max(first, end - TAG_ROWS_MAX // a_day)
    question = ("choices", kind, first, end, most)
    known: Sequence[Label] | None = reading.recent(question)
    if known is not None:
        return known
    rows = await reading.rows(READ_CHOICES, kind=kind, first=first, end=end, most=most)
    values = [row["value"] for row in rows]
    labels = told_apart(await labels_of(reading, kind, values))
    offered = [labels[value] for value in values if value in labels and labels[value].slug]
    if rows and rows[0]["looked_at"] >= KEPT_FROM_ROWS:
        reading.keep_recent(question, offered)
    return offered
