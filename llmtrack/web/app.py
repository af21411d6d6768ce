"""The application: what it owns, the order of its middlewares, the one table of routes."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from aiohttp import web

from llmtrack.config import resource_dir
from llmtrack.domain.credentials import Passwords
from llmtrack.services.content_guard import ContentGuard
from llmtrack.services.host_names import HostNames
from llmtrack.services.ingest import Ingest
from llmtrack.services.kept_times import KeptTimes
from llmtrack.services.mail import Mailer
from llmtrack.services.password_pool import PasswordPool
from llmtrack.services.price_books import PriceBooks
from llmtrack.services.proxies import TrustedProxies
from llmtrack.services.repricer import Repricer
from llmtrack.services.secret_box import SecretBox
from llmtrack.services.tag_counting import tag_counter
from llmtrack.services.vitals import Vitals
from llmtrack.services.what_if_runs import WhatIfRuns
from llmtrack.services.zone_changes import zone_mover
from llmtrack.storage.database import Database
from llmtrack.web import (
    access_routes,
    analytics_routes,
    at_risk,
    audit,
    data_quality,
    event_cost,
    ingest,
    notices,
    pricing,
    pricing_forms,
    probes,
    reconcile,
    repricing,
    saved_views,
    security,
    settings,
    setup,
    shared_links,
    shared_page,
    short_password,
    sign_in,
    system,
    unpriced,
)
from llmtrack.web.assets import Assets
from llmtrack.web.auth import check_gates, recognise_user, send_new_token
from llmtrack.web.context import (
    CLOCK_MS,
    DATABASE,
    FRESH_KEYS,
    MAILER,
    PASSWORD_POOL,
    PROVIDER,
    SECRET_BOX,
    SIGN_IN_DELAYS,
    SITE,
    Site,
)
from llmtrack.web.data_quality import CONTENT_GUARD
from llmtrack.web.event_tail import TAILS, Tails, stop_tails
from llmtrack.web.fresh_keys import FreshKeys
from llmtrack.web.hosts import HOSTS, refuse_foreign_hosts
from llmtrack.web.ingest import BATCH_BYTES_MAX, INGEST, KEPT_TIMES, KEY_RING, PRICE_BOOKS
from llmtrack.web.key_ring import KeyRing
from llmtrack.web.key_uses import KEY_USES, KeyUses, keep_key_uses
from llmtrack.web.passkey_challenges import PasskeyChallenges
from llmtrack.web.passkey_checks import CHALLENGES, load_passkeys
from llmtrack.web.pending_steps import PENDING_STEPS, PendingSteps
from llmtrack.web.probes import VITALS, measure
from llmtrack.web.proxied import PROXIES, believe_proxies
from llmtrack.web.render import RENDERER, Renderer
from llmtrack.web.sign_in_delays import SignInDelays
from llmtrack.web.single_sign_on import SSO_FLOWS
from llmtrack.web.sso_flows import SsoFlows
from llmtrack.web.theme import post_theme
from llmtrack.web.what_if import WHAT_IF_RUNS

if TYPE_CHECKING:
    from llmtrack.services.oidc import Provider

WATCH_PERIOD_S = 0.4
"""How soon this process notices what another one committed: a deactivated key, a plan."""

MIDDLEWARES = [
    measure,
    security.answer_faults,
    believe_proxies,
    refuse_foreign_hosts,
    security.limit_bodies,
    security.refuse_foreign_origins,
    recognise_user,
]
"""The first is the outermost."""


def wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


def build_app(
    database: Database,
    *,
    base_url: str,
    secure: bool,
    certificate_file: str | None = None,
    proxies: TrustedProxies | None = None,
    hosts: HostNames | None = None,
    mailer: Mailer | None = None,
    vitals: Vitals | None = None,
    clock_ms: Callable[[], int] = wall_clock_ms,
    passwords: Passwords | None = None,
    provider: "Provider | None" = None,
) -> web.Application:
    """The whole application on an open database; the caller closes the database after it.

    `certificate_file`: where a certificate is that we signed ourselves, for clients to trust.
    `proxies`: given when proxies speak TLS for us, and then nobody else is served.
    `provider`: of single sign-on.
    `hosts`: the names under which requests are taken; None for any.
    `mailer`: None where no mail is sent.
    """
    app = web.Application(client_max_size=BATCH_BYTES_MAX, middlewares=MIDDLEWARES)
    app[DATABASE] = database
    app[CLOCK_MS] = clock_ms
    app[SITE] = Site(base_url, secure, certificate_file)
    app[VITALS] = vitals or Vitals()
    _set_surroundings(app, proxies, hosts, mailer)
    app[PRICE_BOOKS] = PriceBooks(database)
    app[KEPT_TIMES] = KeptTimes(database)
    app[PASSWORD_POOL] = PasswordPool(passwords or Passwords())
    _set_door(app, provider)
    app[TAILS] = Tails()
    app.on_shutdown.append(stop_tails)
    assets = Assets(resource_dir() / "static")
    app[RENDERER] = Renderer(resource_dir() / "templates", assets)
    app.on_response_prepare.extend([security.add_headers, send_new_token])
    app.cleanup_ctx.extend([_content_guard, _ingest, keep_key_uses, _watch, _passwords])
    app.cleanup_ctx.extend([_repricer, _finishers, _mail, _what_if_runs])
    app.add_routes(_routes(assets))
    check_gates(app)
    security.answer_parser_faults()
    return app


def _set_surroundings(
    app: web.Application,
    proxies: TrustedProxies | None,
    hosts: HostNames | None,
    mailer: Mailer | None,
) -> None:
    """What may be there or not: whoever asks looks whether the application has it."""
    if proxies is not None:
        app[PROXIES] = proxies
    if hosts is not None:
        app[HOSTS] = hosts
    if mailer is not None:
        app[MAILER] = mailer


def _set_door(app: web.Application, provider: "Provider | None") -> None:
    """What keys and people are recognised by."""
    if provider is not None:
        app[PROVIDER] = provider
    database = app[DATABASE]
    app[KEY_USES] = KeyUses(database, app[CLOCK_MS])
    app[KEY_RING] = KeyRing(database, app[KEY_USES])
    app[SIGN_IN_DELAYS] = SignInDelays()
    app[FRESH_KEYS] = FreshKeys()
    app[PENDING_STEPS] = PendingSteps()
    app[CHALLENGES] = PasskeyChallenges()
    app[SSO_FLOWS] = SsoFlows()
    app.on_startup.append(load_passkeys)
    app[SECRET_BOX] = SecretBox(database.path.parent)


def _routes(assets: Assets) -> list[web.RouteDef]:
    return [
        web.post("/api/ingest", ingest.ingest),
        web.post("/api/ingest/batch", ingest.ingest_batch),
        web.get("/static/{name:.+}", assets.get_static),
        web.post("/theme", post_theme),
        *probes.ROUTES,
        *setup.ROUTES,
        *sign_in.ROUTES,
        *short_password.ROUTES,
        *analytics_routes.ROUTES,
        *access_routes.ROUTES,
        *audit.ROUTES,
        *data_quality.ROUTES,
        *reconcile.ROUTES,
        *event_cost.ROUTES,
        *repricing.ROUTES,
        *unpriced.ROUTES,
        *pricing.ROUTES,
        *pricing_forms.ROUTES,
        *at_risk.ROUTES,
        *settings.ROUTES,
        *notices.ROUTES,
        *saved_views.ROUTES,
        *shared_links.ROUTES,
        *shared_page.ROUTES,
        *system.ROUTES,
    ]


async def _ingest(app: web.Application) -> AsyncIterator[None]:
    app[INGEST] = Ingest(app[DATABASE])
    yield
    await app[INGEST].close()


async def _mail(app: web.Application) -> AsyncIterator[None]:
    yield
    if MAILER in app:
        await app[MAILER].close()


async def _content_guard(app: web.Application) -> AsyncIterator[None]:
    app[CONTENT_GUARD] = ContentGuard(app[DATABASE])
    counting = asyncio.create_task(app[CONTENT_GUARD].keep_counting())
    yield
    counting.cancel()
    with suppress(asyncio.CancelledError):
        await counting
    await app[CONTENT_GUARD].flush()


async def _watch(app: web.Application) -> AsyncIterator[None]:
    watching = asyncio.create_task(app[DATABASE].watch(WATCH_PERIOD_S))
    yield
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching


async def _repricer(app: web.Application) -> AsyncIterator[None]:
    repricer = Repricer(app[DATABASE], app[PRICE_BOOKS], clock_ms=app[CLOCK_MS])
    app[repricing.REPRICER] = repricer
    watching = asyncio.create_task(repricer.watch())
    yield
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching


async def _what_if_runs(app: web.Application) -> AsyncIterator[None]:
    app[WHAT_IF_RUNS] = WhatIfRuns(clock_ms=app[CLOCK_MS])
    yield
    await app[WHAT_IF_RUNS].stop()


async def _finishers(app: web.Application) -> AsyncIterator[None]:
    finishers = [make(app[DATABASE]) for make in (zone_mover, tag_counter)]
    watching = [asyncio.create_task(finisher.watch()) for finisher in finishers]
    yield
    for task in watching:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _passwords(app: web.Application) -> AsyncIterator[None]:
    yield
    app[PASSWORD_POOL].close()
