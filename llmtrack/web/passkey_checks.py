"""Whose passkey an answer of the browser proves, for whichever page has asked for one."""

import logging
from ipaddress import ip_address
from typing import NamedTuple

from aiohttp import web
from yarl import URL

from llmtrack.domain.errors import Refused
from llmtrack.domain.passkeys import Ceremony, NewPasskey, PasskeyRefused, Presented
from llmtrack.services.late_parts import passkey_ceremonies
from llmtrack.storage.passkeys import any_passkey, credential_ids, find_passkey, use_passkey
from llmtrack.storage.users import User
from llmtrack.web.context import CLOCK_MS, DATABASE, SITE, Site
from llmtrack.web.passkey_challenges import PasskeyChallenges

log = logging.getLogger(__name__)

CHALLENGES = web.AppKey("passkey_challenges", PasskeyChallenges)
TOO_LATE = "That took too long, or was sent twice. Try again."
WRONG = "That passkey does not fit here. Use another one, or sign in another way."
COPIED = (
    "This passkey counts its uses, and this one was no new use: somebody may have a copy of it. "
    "Sign in another way and remove it."
)


class Asked(NamedTuple):
    """By which browser (a digest of its token), what for, and of whom if that is known."""

    browser: bytes
    purpose: str
    user: User | None = None


async def load_passkeys(app: web.Application) -> None:
    """At the start, where somebody has one: nothing is read from the program's files later."""
    if await any_passkey(app[DATABASE]):
        await passkey_ceremonies()


class Party(NamedTuple):
    """What passkeys are bound to: a host name, and the one origin that may use them."""

    id: str
    origin: str


def party_of(site: Site) -> Party | None:
    """None where browsers have no passkeys: plain http, or an address instead of a name."""
    origin = URL(site.base_url).origin()
    host = (origin.raw_host or "").lower()
    local = host == "localhost" or host.endswith(".localhost")
    try:
        ip_address(host)
    except ValueError:
        return Party(host, str(origin)) if host and (local or origin.scheme == "https") else None
    return None


async def assertion_options(request: web.Request, asked: Asked) -> web.Response:
    """What the browser's script hands to the authenticator."""
    ceremony = _begin(request, asked)
    known = await credential_ids(request.app[DATABASE], asked.user.id) if asked.user else []
    ceremonies = await passkey_ceremonies()
    return _json(ceremonies.assertion_options(ceremony, known=known))


async def passkey_behind(request: web.Request, asked: Asked, answer: str) -> User:
    """Whose passkey has answered; `asked.user`'s, if one was asked for. Raises PasskeyRefused."""
    ceremony, ceremonies = _end(request, asked), await passkey_ceremonies()
    database, ip = request.app[DATABASE], request.remote or ""
    try:
        presented = ceremonies.read_assertion(answer)
        passkey = await find_passkey(database, presented.credential_id)
        if passkey is None or (asked.user is not None and passkey.user.id != asked.user.id):
            raise PasskeyRefused("it is unknown, or somebody else's")  # noqa: TRY301
        if not _is_of(presented, passkey.user, is_named=asked.user is not None):
            raise PasskeyRefused("it names another user than its own")  # noqa: TRY301
        counter = ceremonies.check_assertion(ceremony, answer, public_key=passkey.public_key)
    except PasskeyRefused as error:
        log.warning("a passkey from %s was refused: %s", ip, error)
        raise PasskeyRefused(WRONG) from error
    now_ms = request.app[CLOCK_MS]()
    if not await database.write_outside(
        use_passkey, passkey, counter=counter, ip=ip, now_ms=now_ms
    ):
        log.warning("passkey %s of %s counted backwards", passkey.public_id, passkey.user.public_id)
        raise PasskeyRefused(COPIED)
    return passkey.user


async def registration_options(request: web.Request, asked: Asked, user: User) -> web.Response:
    ceremony = _begin(request, asked)
    known = await credential_ids(request.app[DATABASE], user.id)
    ceremonies = await passkey_ceremonies()
    handle = user.public_id.encode()
    return _json(
        ceremonies.registration_options(ceremony, user_handle=handle, email=user.email, known=known)
    )


async def new_passkey(request: web.Request, asked: Asked, answer: str) -> NewPasskey:
    """Raises PasskeyRefused."""
    ceremony, ceremonies = _end(request, asked), await passkey_ceremonies()
    try:
        return ceremonies.check_registration(ceremony, answer)
    except PasskeyRefused as error:
        log.warning("a new passkey from %s was refused: %s", request.remote or "", error)
        raise PasskeyRefused("That passkey cannot be taken. Try again, or another one.") from error


def _is_of(presented: Presented, user: User, *, is_named: bool) -> bool:
    """Whoever signs in without a name is named by the passkey itself."""
    if presented.user_handle is None:
        return is_named
    return presented.user_handle == user.public_id.encode()


def _begin(request: web.Request, asked: Asked) -> Ceremony:
    party, now_ms = party_of(request.app[SITE]), request.app[CLOCK_MS]()
    if party is None:
        raise Refused("this server's address allows no passkeys", fix="see docs/sign-in.md")
    challenge = request.app[CHALLENGES].put(asked.browser, asked.purpose, now_ms)
    return Ceremony(challenge, party.id, party.origin)


def _end(request: web.Request, asked: Asked) -> Ceremony:
    """The challenge is used up by it. Raises PasskeyRefused."""
    party, now_ms = party_of(request.app[SITE]), request.app[CLOCK_MS]()
    challenge = request.app[CHALLENGES].take(asked.browser, asked.purpose, now_ms)
    if party is None or challenge is None:
        raise PasskeyRefused(TOO_LATE)
    return Ceremony(challenge, party.id, party.origin)


def _json(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/json")
