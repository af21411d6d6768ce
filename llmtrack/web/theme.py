"""Light, dark or the system's choice, in a cookie: the server sets it, so nothing flashes."""

from aiohttp import web

THEMES = ("auto", "light", "dark")
COOKIE = "llmtrack_theme"
YEAR_S = 365 * 24 * 3600


def theme_of(request: web.Request) -> str:
    theme = request.cookies.get(COOKIE, THEMES[0])
    return theme if theme in THEMES else THEMES[0]


async def post_theme(request: web.Request) -> web.Response:
    """`POST /theme`: remember the choice and go back to the page it was made on."""
    form = await request.post()
    theme = form.get("theme")
    response = web.Response(status=303, headers={"Location": local_path(form.get("return_to"))})
    if isinstance(theme, str) and theme in THEMES:
        response.set_cookie(
            COOKIE,
            theme,
            max_age=YEAR_S,
            httponly=True,
            samesite="Lax",
            secure=request.secure,
        )
    return response


def local_path(text: object) -> str:
    r"""The path if it surely stays on this site, else the start page.

    Browsers read `//host` and `/\\host` as another site, and drop tabs and line breaks.
    """
    if not isinstance(text, str) or not text.startswith("/") or text[1:2] in {"/", "\\"}:
        return "/"
    return text if text.isprintable() else "/"
