"""Behind a proxy that speaks TLS: whom it speaks for, and that nobody goes round it."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from llmtrack.services.proxies import TrustedProxies

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

INGEST = "/api/ingest"
"""Read by the official clients, in their shape of an error."""

PROXIES = web.AppKey("proxies", TrustedProxies)
PROBES = frozenset({"/healthz", "/readyz"})
"""Asked by load balancers and supervisors directly; they tell nothing."""

GO_ROUND = (
    "This server is behind a proxy and takes requests from it alone. Use the https address, or "
    "add this client's network to tls.trusted_proxies if it is the proxy."
)
NOT_ENCRYPTED = (
    "This came over an unencrypted connection, and was not looked at: use the https address. A "
    "key that was sent is no longer secret; replace it. If it did come over https, the proxy "
    "must set X-Forwarded-Proto."
)


def _refuse(request: web.Request, text: str) -> web.Response:
    """403 and no redirect: a client that followed one would send its key a second time."""
    if not request.path.startswith(INGEST):
        raise web.HTTPForbidden(text=text)
    response = web.json_response({"error": text}, status=403)
    response.force_close()
    return response


@web.middleware
async def believe_proxies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Give handlers the client's own address; refuse what did not come over https.

    The application has no PROXIES when it speaks TLS itself.
    """
    proxies = request.app.get(PROXIES)
    if proxies is None or request.path in PROBES:
        return await handler(request)
    peer = request.remote or ""
    if not proxies.trusts(peer):
        return _refuse(request, GO_ROUND)
    if request.headers.get("X-Forwarded-Proto", "").split(",")[-1].strip().lower() != "https":
        return _refuse(request, NOT_ENCRYPTED)
    client = proxies.client_of(request.headers.get("X-Forwarded-For", ""), peer)
    return await handler(request.clone(remote=client, scheme="https"))
