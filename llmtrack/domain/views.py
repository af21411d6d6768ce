"""What a saved view or a shared link shows: a page below its workspace, and its query."""

from collections.abc import Collection
from contextlib import suppress
from typing import NamedTuple
from urllib.parse import parse_qsl, urlencode

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.metadata_conditions import metadata_condition
from llmtrack.domain.tags import key_of

PLACES = {
    "": "Overview",
    "explore": "Explore",
    "changes": "What changed",
    "events": "Events",
    "customers": "Customers",
    "performance": "Performance",
    "what-if": "What if",
}
DIMENSION_PLACE = "by/"
QUERY_LENGTH_MAX = 2_000
PARAMETERS_MAX = 40
PAGING = ("before", "page")
"""Where a page of a long list begins: whoever has a link goes from one to the next."""


class View(NamedTuple):
    """`place` is the path below the workspace, `query` an encoded query string."""

    place: str
    query: str

    @property
    def text(self) -> str:
        """What kind of page it is."""
        return PLACES.get(self.place) or self.place.removeprefix(DIMENSION_PLACE).capitalize()

    @property
    def parameters(self) -> dict[str, str]:
        return dict(parse_qsl(self.query, keep_blank_values=True))

    @property
    def audited(self) -> dict[str, object]:
        """For the audit log, which never forgets: no customer's name."""
        return {"page": self.text, "parameters": sorted(self.parameters)}

    def url(self, home: str) -> str:
        return f"{home}{self.place}?{self.query}" if self.query else f"{home}{self.place}"

    def names_customer(self, names: Collection[str]) -> bool:
        """Whether a filter or a condition on metadata is one of a customer's names."""
        given = self.parameters
        told = [value for name, value in given.items() if name == "customer" or key_of(name)]
        with suppress(ValueError):  # what is no condition narrows nothing
            told.append(metadata_condition(given.get("metadata", "")).value.strip())
        return any(value in names for value in told)


def clean_view(place: str, query: str, dimensions: frozenset[str]) -> View:
    """A view that is a page of ours. Raises InvalidValue."""
    known = place in PLACES or (
        place.startswith(DIMENSION_PLACE) and place.removeprefix(DIMENSION_PLACE) in dimensions
    )
    if not known:
        raise InvalidValue("place", f"{place[:40]!r} is no page that can be kept")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, max_num_fields=PARAMETERS_MAX)
    except ValueError:
        raise InvalidValue("query", "the page has too many parameters") from None
    pairs = [pair for pair in pairs if pair[0] not in PAGING]  # a page of a list, not a view
    cleaned = urlencode(pairs)
    if len(cleaned) > QUERY_LENGTH_MAX:
        raise InvalidValue("query", "the page has too many filters")
    return View(place, cleaned)
