"""Refuses requests under a name that is not this server's, against DNS rebinding."""

import logging
from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.http import HttpVersion11

from llmtrack.services.host_names import HostNames
from llmtrack.web.proxied import INGEST, PROBES

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

HOSTS = web.AppKey("hosts", HostNames)
NOT_OURS = (
    "This server is not called that. If it should be, its operator adds the name to "
    "server.allowed_hosts, or sets server.public_url."
)


@web.middleware
async def refuse_foreign_hosts(request: web.Request, handler: Handler) -> web.StreamResponse:
    """421 for a name that is not ours; the application has no HOSTS where any name is good."""
    hosts = request.app.get(HOSTS)
    if hosts is None or request.path in PROBES:
        return await handler(request)
    host = request.headers.get("Host")
    if host is None and request.version < HttpVersion11:
        return await handler(request)
    if host is None:
        raise web.HTTPBadRequest(text="The request names no host.")
    if hosts.knows(host):
        return await handler(request)
    log.warning("refused a request under a name that is not this server's: %.100r", host)
    if request.path.startswith(INGEST):
        return web.json_response({"error": NOT_OURS}, status=421)
    raise web.HTTPMisdirectedRequest(text=NOT_OURS)
