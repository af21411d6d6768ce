"""Forms: what a browser posts, bounded, and nothing in it that was not asked for."""

import asyncio
from collections.abc import Collection

from aiohttp import web

CONTENT_TYPE = "application/x-www-form-urlencoded"
BODY_TIMEOUT_S = 15.0


async def read_form(request: web.Request, names: Collection[str]) -> dict[str, str]:
    """The fields of these names, "" where one is missing.

    A field of another name is refused, so that no form sets what its page does not offer.
    """
    if request.content_type != CONTENT_TYPE:
        raise web.HTTPUnsupportedMediaType(text=f"A form comes as {CONTENT_TYPE}.")
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            posted = await request.post()
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="The form did not arrive in time.") from None
    except (ValueError, LookupError, web.RequestPayloadError):
        raise web.HTTPBadRequest(text="The form cannot be read.") from None
    values = dict.fromkeys(names, "")
    for name, value in posted.items():
        if name not in values or not isinstance(value, str) or len(posted.getall(name)) > 1:
            raise web.HTTPBadRequest(text="The form has a field that this page does not offer.")
        values[name] = value
    return values
