"""Forms: what a browser posts, bounded, and nothing in it that was not asked for."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from typing import TypeVar

from aiohttp import BodyPartReader, web

from llmtrack.domain.errors import LLMtrackError

CONTENT_TYPE = "application/x-www-form-urlencoded"
UPLOAD_CONTENT_TYPE = "multipart/form-data"
BODY_TIMEOUT_S = 15.0
UPLOAD_TIMEOUT_S = 60.0
PROOF_FIELD = "proof_password"
"""Beside any form's own fields: the password that `web.proof` asked for."""
PASSKEY_PROOF_FIELD = "proof_passkey"
"""The same, answered by a passkey."""
PROOF_FIELDS = frozenset({PROOF_FIELD, PASSKEY_PROOF_FIELD})
FORM_BYTES_MAX = 64 * 1024
UNKNOWN_FIELD = "The form has a field that this page does not offer."

Handler = TypeVar("Handler", bound=Callable[[web.Request], Awaitable[web.StreamResponse]])


def takes_bodies_up_to(file_bytes: int) -> Callable[[Handler], Handler]:
    """Mark the handler of a form with a file of that size; `security.limit_bodies` lets it in."""

    def mark(handler: Handler) -> Handler:
        handler.body_bytes_max = file_bytes + FORM_BYTES_MAX  # type: ignore[attr-defined]
        return handler

    return mark


def body_bytes_max(handler: object) -> int:
    """What a request to this handler may bring."""
    return int(getattr(handler, "body_bytes_max", FORM_BYTES_MAX))


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
        if name in PROOF_FIELDS:
            continue
        if name not in values or not isinstance(value, str) or len(posted.getall(name)) > 1:
            raise web.HTTPBadRequest(text=UNKNOWN_FIELD)
        values[name] = value
    return values


async def read_upload(
    request: web.Request, names: Collection[str], file_name: str
) -> tuple[dict[str, str], bytes]:
    """As `read_form`, for a form with one file; the file is `b""` where none was chosen."""
    if request.content_type != UPLOAD_CONTENT_TYPE:
        raise web.HTTPUnsupportedMediaType(text=f"A form with a file is {UPLOAD_CONTENT_TYPE}.")
    values = dict.fromkeys(names, "")
    given: dict[str, bytes] = {}
    try:
        async with asyncio.timeout(UPLOAD_TIMEOUT_S):
            reader = await request.multipart()
            while (part := await reader.next()) is not None:
                if (
                    not isinstance(part, BodyPartReader)
                    or part.name in given
                    or part.name not in {*names, file_name}
                ):
                    raise web.HTTPBadRequest(text=UNKNOWN_FIELD)
                given[part.name] = bytes(await part.read())
        data = given.pop(file_name, b"")
        return values | {name: value.decode() for name, value in given.items()}, data
    except TimeoutError:
        raise web.HTTPRequestTimeout(text="The form did not arrive in time.") from None
    except (ValueError, LookupError, AssertionError, web.RequestPayloadError):
        raise web.HTTPBadRequest(text="The form cannot be read.") from None


def sentence(error: LLMtrackError) -> str:
    """What is wrong with a field and what to do, as it stands beside it."""
    text = f"{error}; {error.fix}" if error.fix else str(error)
    return f"{text[0].upper()}{text[1:]}."
