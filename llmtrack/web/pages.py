"""Which rows of a long table a page shows: `?page=2` has the second hundred."""

import re
from typing import NamedTuple

from llmtrack.web.page_query import PageQuery

PARAMETER = "page"
_NUMBER = re.compile(r"[1-9][0-9]{0,8}")


class Pages(NamedTuple):
    number: int
    """Of the page that is shown, from 1."""
    last: int
    """The number of the last one."""
    size: int
    rows: int
    """On all pages together."""

    @property
    def first(self) -> int:
        """How many rows come before this page's."""
        return (self.number - 1) * self.size

    @property
    def end(self) -> int:
        return min(self.rows, self.first + self.size)

    @property
    def text(self) -> str:
        return f"{self.first + 1:,} to {self.end:,} of {self.rows:,}"

    @property
    def is_last(self) -> bool:
        return self.number == self.last

    @property
    def next_rows(self) -> int:
        return min(self.size, self.rows - self.end)

    def previous_url(self, query: PageQuery) -> str | None:
        return _url(query, self.number - 1) if self.number > 1 else None

    def next_url(self, query: PageQuery) -> str | None:
        return None if self.is_last else _url(query, self.number + 1)


def pages_of(given: str, rows: int, size: int, what: str) -> tuple[Pages, str | None]:
    """The page that a URL names, else the first one and what is wrong with it in words."""
    last = max(1, -(-rows // size))
    if not given:
        return Pages(1, last, size, rows), None
    number = int(given) if _NUMBER.fullmatch(given) else 0
    if 1 <= number <= last:
        return Pages(number, last, size, rows), None
    fill = f"the {rows:,} {what} fill {last:,}" if last > 1 else "there is one only"
    problem = f"There is no page {given[:20]!r}: {fill}. Showing the first."
    return Pages(1, last, size, rows), problem


def _url(query: PageQuery, number: int) -> str:
    if query.is_locked:  # relative: the link itself need not be written into its page
        return f"?{PARAMETER}={number}" if number > 1 else "?"
    return query.with_extra(PARAMETER, str(number) if number > 1 else "").url
