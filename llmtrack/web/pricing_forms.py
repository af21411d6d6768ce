"""The two forms behind Pricing: a price of one's own, and an alias; each with a preview."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from aiohttp import web

from llmtrack.domain.custom_prices import Alias, Override
from llmtrack.domain.errors import AlreadyExists, InvalidValue
from llmtrack.domain.periods import parse_day
from llmtrack.domain.price_list import PICO_EXPONENTS
from llmtrack.domain.price_reasons import RATE_NAMES, lookup_text, per_text, require_price
from llmtrack.domain.roles import Permission
from llmtrack.services.price_preview import Preview, previewed
from llmtrack.storage.own_prices import create_alias, create_override
from llmtrack.web.auth import actor_of, require, see_other
from llmtrack.web.context import CLOCK_MS, SCOPE
from llmtrack.web.forms import read_form
from llmtrack.web.ingest import PRICE_BOOKS
from llmtrack.web.pricing import LIST, pricing_url
from llmtrack.web.render import page
from llmtrack.web.repricing import begin_unpriced

RATES = tuple(PICO_EXPONENTS)
MAIN_RATES = ("input_mtok", "output_mtok", "cache_read_mtok", "cache_write_mtok")
_SHARED = ("provider", "model", "from", "to", "reason", "action")
OVERRIDE_FIELDS = (*_SHARED, "kind", "percent", "service_tier", *RATES)
ALIAS_FIELDS = (*_SHARED, "to_provider", "to_model")


@require(Permission.MANAGE_PRICES)
async def get_override(request: web.Request) -> web.StreamResponse:
    return await _override_page(request, _asked(request, OVERRIDE_FIELDS) | {"kind": "rates"})


@require(Permission.MANAGE_PRICES)
async def post_override(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, OVERRIDE_FIELDS)
    scope, now_ms = request[SCOPE], request.app[CLOCK_MS]()
    try:
        fields = _override_fields(form)
        if form["action"] == "preview":
            made = Override(id="(not saved)", **fields)
            return await _override_page(request, form, made=made)
        by = actor_of(request)
        await scope.write(create_override, **fields, reason=form["reason"], by=by, now_ms=now_ms)
        await begin_unpriced(request, f"a price for {fields['provider']}/{fields['model']}")
    except (InvalidValue, AlreadyExists) as error:
        return await _override_page(request, form, error=error)
    return see_other(pricing_url(scope))


@require(Permission.MANAGE_PRICES)
async def get_alias(request: web.Request) -> web.StreamResponse:
    return await _alias_page(request, _asked(request, ALIAS_FIELDS))


@require(Permission.MANAGE_PRICES)
async def post_alias(request: web.Request) -> web.StreamResponse:
    form = await read_form(request, ALIAS_FIELDS)
    scope, now_ms = request[SCOPE], request.app[CLOCK_MS]()
    try:
        names = ("provider", "model", "to_provider", "to_model")
        fields: dict[str, Any] = {name: form[name].strip() for name in names} | _period(form)
        made = Alias(id="(not saved)", **fields)
        book = await request.app[PRICE_BOOKS].find(scope.workspace_id)
        require_price(book, fields["to_provider"], fields["to_model"], at_ms=now_ms)
        if form["action"] == "preview":
            return await _alias_page(request, form, made=made)
        by = actor_of(request)
        await scope.write(create_alias, **fields, reason=form["reason"], by=by, now_ms=now_ms)
        await begin_unpriced(request, f"{made.provider}/{made.model} is {made.to_model}")
    except (InvalidValue, AlreadyExists) as error:
        return await _alias_page(request, form, error=error)
    return see_other(pricing_url(scope))


def _override_fields(form: Mapping[str, str]) -> dict[str, Any]:
    """Arguments of `create_override`. Raises InvalidValue."""
    fields: dict[str, Any] = {
        "provider": form["provider"].strip(),
        "model": form["model"].strip(),
        "service_tier": form["service_tier"].strip(),
        **_period(form),
    }
    if form["kind"] == "free":
        return fields | {"free": True}
    if form["kind"] == "percent":
        return fields | {"percent": form["percent"].strip().removesuffix("%").strip()}
    rates = {key: form[key].strip().removeprefix("$") for key in RATES if form[key].strip()}
    if not rates:
        raise InvalidValue("input_mtok", "give at least one rate")
    return fields | {"rates": rates}


def _period(form: Mapping[str, str]) -> dict[str, int | None]:
    end = _day("to", form["to"])
    return {
        "effective_from_ms": _midnight_ms(_day("from", form["from"])),
        "effective_to_ms": _midnight_ms(None if end is None else end + timedelta(days=1)),
    }


def _day(field: str, text: str) -> date | None:
    if not text.strip():
        return None
    try:
        return parse_day(text.strip())
    except ValueError:
        raise InvalidValue(field, "this is no date, such as 2026-11-20") from None


def _midnight_ms(day: date | None) -> int | None:
    if day is None:
        return None
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) * 1000


def _asked(request: web.Request, names: tuple[str, ...]) -> dict[str, str]:
    """The fields as a link fills them in: `?provider=azure&model=our-prod`."""
    return {name: request.query.get(name, "")[:200] for name in names}


async def _override_page(
    request: web.Request,
    form: dict[str, str],
    *,
    made: Override | None = None,
    error: InvalidValue | AlreadyExists | None = None,
) -> web.Response:
    return await _form_page(
        request,
        "own_price.html",
        form,
        made=made,
        error=error,
        shows_all=any(
            form[key] or getattr(error, "field", None) == key
            for key in set(RATES) - set(MAIN_RATES)
        ),
        rates=[(key, RATE_NAMES[key], per_text(key), key in MAIN_RATES) for key in RATES],
    )


async def _alias_page(
    request: web.Request,
    form: dict[str, str],
    *,
    made: Alias | None = None,
    error: InvalidValue | AlreadyExists | None = None,
) -> web.Response:
    return await _form_page(request, "model_alias.html", form, made=made, error=error)


async def _form_page(
    request: web.Request,
    template: str,
    form: dict[str, str],
    *,
    made: Override | Alias | None,
    error: InvalidValue | AlreadyExists | None,
    **values: Any,
) -> web.Response:
    scope, now_ms = request[SCOPE], request.app[CLOCK_MS]()
    previews: list[Preview] = []
    if made is not None:
        previews = await previewed(scope, request.app[PRICE_BOOKS], made, now_ms=now_ms)
    version = (await request.app[PRICE_BOOKS].find(scope.workspace_id)).list.version
    return page(
        request,
        template,
        status=422 if error else 200,
        now_ms=now_ms,
        form=form,
        previews=[_preview_row(preview, version) for preview in previews],
        is_previewed=made is not None,
        error_field=getattr(error, "field", None),
        error_text=_error_text(error),
        list_url=pricing_url(scope),
        **values,
    )


def _preview_row(preview: Preview, version: str) -> dict[str, Any]:
    before, after = (
        dict(found.card.rates) if found.card else None for found in (preview.before, preview.after)
    )
    keys = [key for key in RATES if key in (before or {}) or key in (after or {})]
    return {
        "name": f"{preview.provider}/{preview.model}",
        "rates": [
            (RATE_NAMES[key], per_text(key), _of(before, key), _of(after, key)) for key in keys
        ],
        "unpriced": after is None,
        "free": after == {},
        "lacks_output": "input_mtok" in (after or {}) and "output_mtok" not in (after or {}),
        "why": lookup_text(preview.after, version),
    }


def _of(rates: dict[str, str] | None, key: str) -> str | None:
    return None if rates is None else rates.get(key)


def _error_text(error: InvalidValue | AlreadyExists | None) -> str:
    if error is None:
        return ""
    message = f"{error}"
    if isinstance(error, InvalidValue) and error.field in RATE_NAMES:
        message = message.replace(error.field, f"the {RATE_NAMES[error.field]} rate")
    # An InvalidValue's fix may be a command; what to do stands beside the field.
    fix = error.fix if isinstance(error, AlreadyExists) else None
    return " ".join(f"{text[0].upper()}{text[1:]}." for text in (message, fix) if text)


ROUTES = [
    web.get(f"{LIST}/own/new", get_override),
    web.post(f"{LIST}/own/new", post_override),
    web.get(f"{LIST}/alias/new", get_alias),
    web.post(f"{LIST}/alias/new", post_alias),
]
