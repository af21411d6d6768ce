"""The tracked tags of a single event."""

from llmtrack.domain.tags import tag_name, tag_values
from llmtrack.storage.event_search import EventDetail
from llmtrack.storage.labels import value_of
from llmtrack.storage.scope import ScopedReading
from llmtrack.storage.tracked_tags import tags_of
from llmtrack.web.page_query import PageQuery

EventTag = tuple[str, str | None, str | None]
"""Name, value and the URL of the page about it; None: the event has none."""


async def tags_of_event(
    reading: ScopedReading, query: PageQuery, event: EventDetail
) -> list[EventTag]:
    """Of each tracked tag."""
    tags = await tags_of(reading)
    values = tag_values(event.metadata or "{}", [tag.key for tag in tags])
    found = []
    for tag, value in zip(tags, values, strict=True):
        name = tag_name(tag.key)
        # A value that is counted with others has no page.
        is_known = value is not None and await value_of(reading, tag, value) is not None
        found.append((name, value, query.about(name, value).url if value and is_known else None))
    return found
