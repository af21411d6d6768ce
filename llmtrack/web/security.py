"""What holds for every request and every answer: headers, origin, size, faults in one form."""

import json
import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus

from aiohttp import web
from aiohttp.http import HttpVersion11
from aiohttp.web_protocol import RequestHandler

from llmtrack.domain.errors import (
    AlreadyExists,
    InvalidValue,
    LLMtrackError,
    NotFound,
    Overloaded,
    Refused,
)
from llmtrack.web.context import SCOPE, SIGNED_IN, SITE
from llmtrack.web.forms import body_bytes_max
from llmtrack.web.referrers import authority, own_referrer
from llmtrack.web.render import page
from llmtrack.web.theme import local_path

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

API = "/api/"
INGEST = "/api/ingest"
"""Authenticated by a key in a header, which no browser adds by itself."""

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; font-src 'self'; form-action 'self'; frame-ancestors 'none'; "
    "base-uri 'none'; object-src 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # Not no-referrer: that would also blank the Origin of our own forms.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cache-Control": "no-store",
}
STRICT_TRANSPORT = "max-age=31536000; includeSubDomains"

STATUSES: dict[type[LLMtrackError], int] = {
    NotFound: 404,
    AlreadyExists: 409,
    Refused: 409,
    InvalidValue: 422,
    Overloaded: 503,
}
HEADINGS = {
    400: "This request cannot be understood",
    403: "That is not allowed",
    404: "Nothing is here",
    405: "That cannot be done here",
    408: "That took too long",
    409: "That is not possible now",
    413: "That is too large",
    422: "That cannot be taken",
    500: "That did not work",
    503: "Too much at once",
}
TEXTS = {
    403: "Your role in this workspace does not allow that.",
    404: "There is nothing at this address, or it is not yours to see.",
    405: "This address does not take requests of that kind.",
    500: "Something went wrong here. The server's log says what; nothing was changed.",
}


async def add_headers(request: web.Request, response: web.StreamResponse) -> None:
    """The signal `on_response_prepare`: headers a handler has set stay as it set them."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.app[SITE].secure:
        response.headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)


@web.middleware
async def answer_faults(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every fault into a problem document or a page; the table above says which status."""
    try:
        return await handler(request)
    except web.HTTPException as error:
        if error.status < 400:
            raise
        standard = f"{error.status}: {error.reason}"
        text = error.text if error.text and error.text != standard else TEXTS.get(error.status)
        allowed = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
        return _fault(request, error.status, text, allowed)
    except LLMtrackError as error:
        if isinstance(error, NotFound):
            return _fault(request, 404, TEXTS[404], {})
        return _fault(request, STATUSES.get(type(error), 400), _sentences(error), {}, error=error)
    except (ConnectionError, TimeoutError):
        raise  # nobody is there to be told
    except Exception:
        log.exception("%s %s failed", request.method, request.path)
        return _fault(request, 500, None, {})


@web.middleware
async def refuse_foreign_origins(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Cross-site request forgery ends here, without tokens in forms.

    Browsers say themselves where an unsafe request comes from: in Sec-Fetch-Site, older ones
    in Origin. Without either it is no browser, and good as long as it carries no session.
    """
    if request.method in SAFE_METHODS or request.path.startswith(INGEST):
        return await handler(request)
    site = request.headers.get("Sec-Fetch-Site")
    origin = request.headers.get("Origin")
    if site is not None:
        own = site in {"same-origin", "none"}
    elif origin is not None:
        own = authority(origin) == request.host.lower()
    else:
        own = "Cookie" not in request.headers
    if not own:
        log.warning("refused a request from another site to %s", request.path)
        raise web.HTTPForbidden(text="This request came from another site; nothing was changed.")
    return await handler(request)


@web.middleware
async def limit_bodies(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Small, plain bodies of a known length; the ingest routes have their own rules."""
    if request.version < HttpVersion11 and "Transfer-Encoding" in request.headers:
        raise web.HTTPBadRequest(text="HTTP/1.0 knows no Transfer-Encoding.")
    if request.body_exists and not request.path.startswith(INGEST):
        if request.headers.get("Content-Encoding", "identity").lower() != "identity":
            raise web.HTTPUnsupportedMediaType(text="The body must not be compressed.")
        if request.content_length is None:
            raise web.HTTPLengthRequired(text="The request needs a Content-Length.")
        most = body_bytes_max(request.match_info.handler)
        if request.content_length > most:
            raise web.HTTPRequestEntityTooLarge(
                most, request.content_length, text="The request is too large."
            )
    return await handler(request)


def answer_parser_faults() -> None:
    """Give requests that are no HTTP our headers and a plain text: aiohttp has no hook for it."""
    RequestHandler.handle_error = _parser_fault  # type: ignore[method-assign]


def _parser_fault(
    self: RequestHandler,
    request: web.BaseRequest,
    status: int = 500,
    exc: BaseException | None = None,
    message: str | None = None,  # noqa: ARG001 - it would echo the request
) -> web.StreamResponse:
    if status >= 500 and not isinstance(exc, ConnectionError):  # a client that went away
        log.error("request failed outside the application", exc_info=exc)
    writer = request.writer
    if writer is not None and writer.output_size > 0:
        raise ConnectionError("a part of the answer was sent already")
    response = web.Response(status=status, text=f"{HTTPStatus(status).phrase}\n", headers=HEADERS)
    if self.transport is not None and self.transport.get_extra_info("sslcontext") is not None:
        response.headers["Strict-Transport-Security"] = STRICT_TRANSPORT
    response.force_close()
    return response


def problem(
    status: int, detail: str | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    """Problem details, RFC 9457."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    if detail:
        body["detail"] = detail
    return web.Response(
        text=json.dumps(body),
        status=status,
        content_type="application/problem+json",
        headers=headers,
    )


def _fault(
    request: web.Request,
    status: int,
    text: str | None,
    headers: dict[str, str],
    *,
    error: LLMtrackError | None = None,
) -> web.Response:
    """`error`: in words for people, who read it as the page's heading."""
    text = text or TEXTS.get(status)
    title = HEADINGS.get(status) or HTTPStatus(status).phrase
    if request.path.startswith(API):
        return problem(status, text, headers)
    if request.headers.get("HX-Request-Type") == "partial":
        # The part of a page that asked stays as it is: an error page has no place inside it.
        headers = {**headers, "HX-Reswap": "none"}
    try:
        if error is not None:
            more = error.fix or ("" if request.method in SAFE_METHODS else "nothing was changed")
            title, text = _capital(str(error)), more and f"{_capital(more)}."
        response = page(
            request,
            "error.html",
            status=status,
            title=title,
            text=text or "",
            ways=ways_on(request, status),
        )
    except Exception:
        log.exception("the error page failed")
        response = web.Response(status=status, text=HTTPStatus(status).phrase)
    response.headers.update(headers)
    return response


def ways_on(request: web.Request, status: int) -> list[tuple[str, str]]:
    """Where an error page leads: (text, URL), the best first."""
    if SIGNED_IN not in request:
        return [("Sign in", "/sign-in")]
    home = f"/w/{request[SCOPE].public_id}/" if SCOPE in request else "/"
    ways = []
    if came_from := _came_from(request):
        ways.append(("Back to where you were", came_from))
    elif status == HTTPStatus.UNPROCESSABLE_ENTITY and request.method == "GET":
        ways.append(("Open the page anew", request.rel_url.raw_path))
    if home not in [url for _, url in ways]:
        ways.append(("To the overview", home))
    return ways


def _came_from(request: web.Request) -> str | None:
    """The page of ours that the browser says it was on."""
    left = own_referrer(request)
    if left is None:
        return None
    path = local_path(left.raw_path_qs)
    is_this = request.method == "GET" and path == request.rel_url.raw_path_qs
    return None if is_this else path


def _sentences(error: LLMtrackError) -> str:
    """Message and fix as they stand in a page: capitals and full stops."""
    return " ".join(f"{_capital(part)}." for part in (str(error), error.fix or "") if part)


def _capital(text: str) -> str:
    text = text.rstrip(".")
    return f"{text[:1].upper()}{text[1:]}"
