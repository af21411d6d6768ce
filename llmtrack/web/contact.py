"""Whom to tell about a hole: security.txt (RFC 9116) and the page beside it.

Both are there only while the contact is known to be read; else they do not exist.
"""

from aiohttp import web

from llmtrack.domain.periods import rfc3339
from llmtrack.storage.contacts import Contact, published_contact
from llmtrack.web.context import CLOCK_MS, DATABASE, SITE
from llmtrack.web.render import page

SECURITY_TXT = "/.well-known/security.txt"


async def get_security_txt(request: web.Request) -> web.StreamResponse:
    contact, base = await _published(request), request.app[SITE].base_url
    lines = [
        f"Contact: mailto:{contact.address}",
        f"Expires: {rfc3339(contact.expires_ms or 0)}",
        "Preferred-Languages: en",
        f"Canonical: {base}{SECURITY_TXT}",
        f"Policy: {base}/security",
    ]
    return web.Response(text="\r\n".join(lines) + "\r\n", content_type="text/plain")


async def get_security(request: web.Request) -> web.StreamResponse:
    contact = await _published(request)
    return page(request, "security.html", contact=contact, secure=request.app[SITE].secure)


async def _published(request: web.Request) -> Contact:
    """Raises HTTPNotFound."""
    now_ms = request.app[CLOCK_MS]()
    contact = await published_contact(request.app[DATABASE], now_ms=now_ms)
    if contact is None:
        raise web.HTTPNotFound
    return contact


ROUTES = [web.get(SECURITY_TXT, get_security_txt), web.get("/security", get_security)]
