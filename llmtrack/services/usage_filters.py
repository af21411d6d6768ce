"""Filters of usage as they are typed, NAME=VALUE: one reading for the command line and the API."""

from collections.abc import Collection, Iterable

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.tags import PREFIX, key_of, tag_name
from llmtrack.services.usage_rows import DIMENSIONS
from llmtrack.storage.scope import Scope
from llmtrack.storage.tracked_tags import tags_of


async def usage_filters(scope: Scope, texts: Iterable[str]) -> dict[str, str]:
    """Name -> value. Raises InvalidValue for what is no filter, and for a name given twice."""
    async with scope.reading() as reading:
        tags = [tag_name(tag.key) for tag in await tags_of(reading)]
    found: dict[str, str] = {}
    for text in texts:
        name, value = split_filter(text, tags)
        if (name not in DIMENSIONS and not key_of(name)) or not value:
            names = ", ".join((*DIMENSIONS, tag_name("KEY")))
            raise InvalidValue("where", f"where {text[:60]!r} is not one of {names} = a value")
        if name in found:
            raise InvalidValue("where", f"{name[:60]} is given twice")
        found[name] = value
    return found


def split_filter(text: str, tags: Collection[str]) -> tuple[str, str]:
    """`text` at the `=` behind its name; `tags`: names of those that are tracked.

    A tag may be called anything, `=` included: the longest name that fits is meant.
    """
    fitting = [name for name in tags if text.startswith(f"{name}=") and len(text) > len(name) + 1]
    if fitting:
        name = max(fitting, key=len)
        return name, text[len(name) + 1 :]
    key_start = len(PREFIX) + 1 if text.startswith(PREFIX) else 0  # a key is not empty
    place = text.find("=", key_start)
    return (text, "") if place < 0 else (text[:place], text[place + 1 :])
