"""What files of every export have in common: their names and headers."""

import re
from collections.abc import Sequence

from aiohttp import web

from llmtrack.domain.periods import local_date
from llmtrack.domain.spans import Span

_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9._+-]+")
"""The name of a tag may be anything, and a quote would end the name of the file."""


def days_text(span: Span, time_zone: str) -> str:
    """First and last day of a span and the zone they are days of, for the name of a file."""
    first, last = (
        local_date(moment, time_zone).isoformat() for moment in (span.start_ms, span.end_ms - 1)
    )
    return f"{first}-{last}-{time_zone.replace('/', '-')}"


def check_understood(problems: Sequence[str]) -> None:
    """A page tells above itself what it left out of its address; a file would pass for all.

    Raises HTTPBadRequest.
    """
    if problems:
        why = "Nothing is exported, because it would not be what was asked for."
        raise web.HTTPBadRequest(text=" ".join([why, *problems]))


def attachment_headers(name: str, content_type: str) -> dict[str, str]:
    return {
        "Content-Type": f"{content_type}; charset=utf-8",
        "Content-Disposition": f'attachment; filename="{_NOT_IN_NAMES.sub("-", name)}"',
    }
