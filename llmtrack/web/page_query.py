"""What a page shows, read from its query string and written back into links.

All state is in the URL: period, grouping, filters. A value that makes no sense is dropped,
and `problems` says so in words.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.tags import PREFIX, TAGS_MAX, key_of
from llmtrack.domain.timeframes import (
    DEFAULT,
    NAMED,
    Timeframe,
    custom_timeframe,
    named_timeframe,
    with_offset,
)
from llmtrack.storage.dimensions import Dimension, Kind, Tag

DIMENSIONS = {
    "model": Kind.MODEL,
    "provider": Kind.PROVIDER,
    "feature": Kind.FEATURE,
    "key": Kind.KEY,
    "customer": Kind.CUSTOMER,
    "environment": Kind.ENVIRONMENT,
    "status": Kind.STATUS,
    "source": Kind.SOURCE,
}
"""What usage can be grouped and filtered by, in the order in which pages offer it."""
NAMES = {kind: name for name, kind in DIMENSIONS.items()}
TAG_PAGE = "tag"
"""In the place of a dimension's name: a tag may be called anything, so its key is in `of`."""
DEFAULT_BY = "model"
SUB = "sub"
"""The extra that names a second dimension, where a page has one."""
TIMES = ("from", "to", "before_from", "before_to")
"""Fields for a time, which forms send with `_offset` beside it where clocks show it twice."""
VALUE_LENGTH_MAX = 200
EXTRA_LENGTH_MAX = 600
"""All columns of events with all tags, at their longest, are shorter."""


@dataclass(frozen=True)
class PageQuery:
    """A page's state. `filters` are by name of dimension, as the URL has them."""

    path: str
    period: str = DEFAULT
    from_text: str = ""
    to_text: str = ""
    by: str = DEFAULT_BY
    filters: Mapping[str, str] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    extras: Mapping[str, str] = field(default_factory=dict)
    """What only this page has in its URL, in the page's own order; defaults are left out."""
    is_locked: bool = False
    """Of a shared link: whatever it leads to has no URL."""
    tags: Mapping[str, Tag] = field(default_factory=dict)
    """The workspace's tracked tags, by name."""

    @property
    def dimensions(self) -> dict[str, Dimension]:
        """What this workspace's usage can be grouped and filtered by."""
        return {**DIMENSIONS, **self.tags}

    @property
    def kind(self) -> Dimension:
        return self.dimensions[self.by]

    def timeframe(self, now_ms: int, zone_name: str) -> Timeframe:
        if self.from_text or self.to_text:
            return custom_timeframe(self.from_text, self.to_text, now_ms, zone_name)
        return named_timeframe(self.period, now_ms, zone_name)

    @property
    def url(self) -> str:
        if self.is_locked:
            return ""
        parameters = self.parameters
        return f"{self.path}?{urlencode(parameters)}" if parameters else self.path

    @property
    def parameters(self) -> list[tuple[str, str]]:
        """The query string's pairs, without what is the default anyway."""
        pairs = []
        if self.from_text:
            pairs += [("from", self.from_text), ("to", self.to_text)]
        elif self.period != DEFAULT:
            pairs.append(("period", self.period))
        if self.by != DEFAULT_BY:
            pairs.append(("by", self.by))
        names = [*DIMENSIONS, *(name for name in self.filters if name not in DIMENSIONS)]
        pairs += [(name, self.filters[name]) for name in names if name in self.filters]
        return pairs + list(self.extras.items())

    def at(self, path: str) -> "PageQuery":
        """Another page about the same usage."""
        return replace(self, path=path, extras={})

    def with_extra(self, name: str, value: str) -> "PageQuery":
        """`value` for a parameter of the page's own; empty leaves it out."""
        others = {key: text for key, text in self.extras.items() if key != name}
        return replace(self, extras={**others, name: value} if value else others)

    def with_extras(self, extras: Mapping[str, str]) -> "PageQuery":
        return replace(self, extras=dict(extras))

    def with_period(self, period: str) -> "PageQuery":
        return replace(self, period=period, from_text="", to_text="")

    def with_range(self, from_text: str, to_text: str) -> "PageQuery":
        return replace(self, from_text=from_text, to_text=to_text)

    def with_by(self, by: str) -> "PageQuery":
        return replace(self, by=by)

    def with_filter(self, name: str, slug: str) -> "PageQuery":
        return replace(self, filters={**self.filters, name: slug})

    def without_filter(self, name: str) -> "PageQuery":
        return replace(
            self, filters={key: self.filters[key] for key in self.filters if key != name}
        )

    def without_filters(self) -> "PageQuery":
        return replace(self, filters={})

    def about(self, name: str, slug: str) -> "PageQuery":
        """The page of one value, in the same period and with the same filters."""
        home, key = "/".join(self.path.split("/")[:3]), key_of(name)
        page = self.at(f"{home}/by/{TAG_PAGE if key else name}").with_extra("of", key or "")
        return page.with_filter(name, slug).with_by(DEFAULT_BY)

    def narrowed_to(self, slug: str) -> "PageQuery":
        """One value of what is shown; grouped by what tells most about it.

        What it was split by stays if it can still tell something, or becomes the grouping.
        """
        narrowed, sub = self.with_filter(self.by, slug), self.extras.get(SUB, "")
        wanted = ["feature" if self.by == "model" else DEFAULT_BY]
        if sub in self.dimensions:
            wanted.append(sub)
        by = next((name for name in wanted if name not in narrowed.filters), self.by)
        if sub == by or sub in narrowed.filters:
            narrowed = narrowed.with_extra(SUB, "")
        return narrowed.with_by(by)


def parse_page_query(
    path: str,
    given: Mapping[str, str],
    now_ms: int,
    zone_name: str,
    extras: Collection[str] = (),
) -> tuple[PageQuery, Timeframe]:
    """The state and its period; what cannot be read falls back and is named in `problems`.

    `extras`: parameters of the page's own, taken as they are; the page judges them.
    """
    problems = []
    given = _exact_times(given, zone_name)
    by = given.get("by", DEFAULT_BY)
    if by not in DIMENSIONS and not key_of(by):
        problems.append(f"Cannot group by {_shown(by)}; grouped by {DEFAULT_BY}.")
        by = DEFAULT_BY
    filters = {}
    # Which tags there are is seen when the bar is loaded.
    tags = [name for name in given if name.startswith(PREFIX)][: 2 * TAGS_MAX]
    for name in (*DIMENSIONS, *tags):
        slug = given.get(name, "")
        if not slug:
            continue
        if len(slug) > VALUE_LENGTH_MAX or "\0" in slug:
            problems.append(f"The filter {name} is no name; it is left out.")
        else:
            filters[name] = slug
    query = PageQuery(path, given.get("period", DEFAULT), "", "", by, filters)
    own = {name: text for name in extras if (text := given.get(name, ""))}
    for name in [name for name, text in own.items() if len(text) > EXTRA_LENGTH_MAX]:
        problems.append(f"{name} is longer than {EXTRA_LENGTH_MAX} characters; it is left out.")
        del own[name]
    query = replace(query, extras=own)
    if given.get("from") or given.get("to"):
        query = query.with_range(given.get("from", ""), given.get("to", ""))
    try:
        timeframe = query.timeframe(now_ms, zone_name)
    except InvalidValue as error:
        problems.append(f"{_sentence(error)} Showing {NAMED[DEFAULT].lower()}.")
        query = query.with_period(DEFAULT)
        timeframe = query.timeframe(now_ms, zone_name)
    return replace(query, problems=tuple(problems)), timeframe


def _exact_times(given: Mapping[str, str], zone_name: str) -> Mapping[str, str]:
    exact = {
        name: with_offset(given[name], given[f"{name}_offset"], zone_name)
        for name in TIMES
        if given.get(name) and given.get(f"{name}_offset")
    }
    return {**given, **exact} if exact else given


def _shown(text: str) -> str:
    return repr(text[:40])


def _sentence(error: InvalidValue) -> str:
    text = str(error)[:120]
    return f"{text[0].upper()}{text[1:]}."
