"""The page of ours that a request came from, where the browser tells."""

from aiohttp import web
from yarl import URL


def authority(origin: str) -> str | None:
    """Host and port of an origin, as the Host header has them; None for "null" and the like."""
    try:
        url = URL(origin)
    except ValueError:
        return None
    return url.authority.lower() if url.scheme in {"http", "https"} else None


def own_referrer(request: web.Request) -> URL | None:
    """None where it is unknown, or of another site."""
    text = request.headers.get("Referer", "")
    return URL(text) if authority(text) == request.host.lower() else None
