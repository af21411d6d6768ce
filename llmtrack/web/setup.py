"""`/setup`: the one-time link of a new instance becomes its first admin, workspace and key."""

from collections import defaultdict
from collections.abc import Mapping
from functools import lru_cache
from zoneinfo import available_timezones

from aiohttp import web

from llmtrack.domain.credentials import token_digest
from llmtrack.domain.errors import InvalidValue, Refused
from llmtrack.domain.names import clean_email, clean_name
from llmtrack.domain.periods import zone
from llmtrack.services.password_rules import check_password
from llmtrack.storage.first_run import FirstRun, set_up
from llmtrack.storage.login_links import is_setup_link
from llmtrack.storage.users import any_user, note_sign_in
from llmtrack.web.auth import see_other, start_session
from llmtrack.web.context import CLOCK_MS, DATABASE, FRESH_KEYS, PASSWORD_POOL
from llmtrack.web.forms import read_form, sentence
from llmtrack.web.render import page

FIELDS = ("token", "workspace", "email", "password", "time_zone")
FIRST_VALUES = {"workspace": "", "email": "", "time_zone": "UTC"}


async def get_setup(request: web.Request) -> web.StreamResponse:
    token = request.query.get("token", "")
    database, now_ms = request.app[DATABASE], request.app[CLOCK_MS]()
    if await any_user(database):
        return see_other("/sign-in")
    if not await is_setup_link(database, token_digest(token), now_ms=now_ms):
        return _gone(request)
    return _form(request, {**FIRST_VALUES, "token": token})


async def post_setup(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, FIELDS)
    database, now_ms = request.app[DATABASE], request.app[CLOCK_MS]()
    # Before the password is hashed: only the holder of the link may make work.
    if not await is_setup_link(database, token_digest(form["token"]), now_ms=now_ms):
        return _gone(request)
    try:
        made = await _set_up(request, form, now_ms)
    except InvalidValue as error:
        return _form(request, form, error=error)
    except Refused:  # another tab was quicker
        return _gone(request)
    key = made.created_key.key
    response = see_other(f"/w/{made.workspace.public_id}/keys/{key.public_id}")
    session = await start_session(request, response, made.user.id)
    await database.write_outside(
        note_sign_in, made.user.id, how="setup link", ip=request.remote, now_ms=now_ms
    )
    request.app[FRESH_KEYS].put(session, key.public_id, made.created_key.raw, now_ms)
    return response


async def _set_up(request: web.Request, form: Mapping[str, str], now_ms: int) -> FirstRun:
    clean_name("workspace", form["workspace"])
    email = clean_email(form["email"])
    check_password(form["password"], email=email, context=[form["workspace"]])
    zone(form["time_zone"])
    return await request.app[DATABASE].write(
        set_up,
        email=email,
        password_hash=await request.app[PASSWORD_POOL].hash(form["password"]),
        workspace=form["workspace"],
        time_zone=form["time_zone"],
        link_digest=token_digest(form["token"]),
        ip=request.remote,
        now_ms=now_ms,
    )


def _form(
    request: web.Request, form: Mapping[str, str], *, error: InvalidValue | None = None
) -> web.Response:
    return page(
        request,
        "setup.html",
        status=200 if error is None else 422,
        form={name: form[name] for name in FIELDS if name != "password"},
        error_field=error.field if error else None,
        error_text=sentence(error) if error else "",
        zones=zones_by_region(),
        valid=True,
    )


def _gone(request: web.Request) -> web.Response:
    return page(request, "setup.html", status=410, valid=False)


@lru_cache(maxsize=1)
def zones_by_region() -> dict[str, list[str]]:
    """IANA names to choose from, without the aliases of old and the fixed offsets."""
    regions: dict[str, list[str]] = defaultdict(list)
    for name in sorted(available_timezones()):
        region, _, place = name.partition("/")
        if place and region not in {"Etc", "SystemV", "US", "Brazil", "Canada", "Chile", "Mexico"}:
            regions[region].append(name)
    return dict(regions)


ROUTES = [web.get("/setup", get_setup), web.post("/setup", post_setup)]
