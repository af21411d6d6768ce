"""Everything below `/w/{workspace}/events`."""

from aiohttp import web

from llmtrack.web.event_export import get_export
from llmtrack.web.event_tail import get_live
from llmtrack.web.events import get_event, get_events

ROUTES = [
    web.get("/w/{workspace}/events", get_events),
    web.get("/w/{workspace}/events/export", get_export),
    web.get("/w/{workspace}/events/live", get_live),
    web.get("/w/{workspace}/events/{event}", get_event),
]
