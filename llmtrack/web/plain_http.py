"""The port for plain http beside TLS: it sends people to https, and takes nothing.

A redirect of a POST would have the client send its key and its event a second time, after
both went over the network in the clear. So only GET is redirected, and all else is refused
with a text that says what to do.
"""

from collections.abc import Callable

from aiohttp import web

REFUSED = (
    "This server takes keys and events over https alone: use {base_url}. What was just sent "
    "was readable on the way; if it had a key, replace the key."
)
BASE_URL = web.AppKey("plain_base_url", str)
Answers = Callable[[str], str | None]
"""What to answer a CA that asks for a token (RFC 8555, 8.3); None: nobody waits for it."""
ANSWERS: web.AppKey[Answers] = web.AppKey("challenge_answers")


def build_plain_app(base_url: str, answers: Answers | None = None) -> web.Application:
    """`base_url`: where it is served over https."""
    app = web.Application(client_max_size=1024)
    app[BASE_URL] = base_url
    if answers is not None:
        app[ANSWERS] = answers
        app.router.add_get("/.well-known/acme-challenge/{token}", _answer_challenge)
    app.router.add_route("*", "/{path:.*}", _answer)
    return app


async def _answer_challenge(request: web.Request) -> web.Response:
    found = request.app[ANSWERS](request.match_info["token"])
    if found is None:
        return web.Response(status=404, text="no such challenge\n")
    return web.Response(text=found, content_type="application/octet-stream")


async def _answer(request: web.Request) -> web.Response:
    base_url = request.app[BASE_URL]
    if request.method in {"GET", "HEAD"} and not request.path.startswith("/api/"):
        return web.Response(status=308, headers={"Location": base_url + request.path_qs})
    response = web.json_response({"error": REFUSED.format(base_url=base_url)}, status=403)
    response.force_close()
    return response
