"""The life of a server process, from the open socket to the last answer."""

import asyncio
import logging
import signal
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Protocol

from llmtrack import __version__
from llmtrack.cli.data import now_ms
from llmtrack.cli.listening import Plan, certificate_lines
from llmtrack.cli.logs import say
from llmtrack.cli.output import moment
from llmtrack.cli.reloading import Reloading
from llmtrack.domain.credentials import mint_token
from llmtrack.domain.errors import LLMtrackError, Refused
from llmtrack.services.acme_renewal import Renewal
from llmtrack.services.jobs import Job, Jobs
from llmtrack.services.packing import keep_packing
from llmtrack.services.supervisor import keep_watchdog, notify
from llmtrack.services.troubles import watch_troubles
from llmtrack.services.vitals import Vitals
from llmtrack.storage.database import Database
from llmtrack.storage.login_links import SETUP_LIFE_MS, create_setup_link

log = logging.getLogger(__name__)

DOUBLE_SIGNAL_S = 2.0
CERTIFICATE_PERIOD_S = 30.0
"""How soon a replaced certificate is noticed without SIGHUP."""


class RunningServer(Protocol):
    async def stop(self) -> None: ...


class Life(NamedTuple):
    """What runs while a server lives, besides answering."""

    start: Callable[[Database], Awaitable[RunningServer]]
    jobs: Callable[[Database], Sequence[Job]]
    reloading: Reloading
    vitals: Vitals
    check_pages: Callable[[], Awaitable[None]] | None
    """Raises when the file is damaged; None: it has been looked at."""
    renewal: Renewal | None
    """Keeps the certificate of a CA new."""


class Ending:
    """What ends a server: a signal, or a fault that it must not go on with."""

    def __init__(self) -> None:
        self.stop = asyncio.Event()
        self.fault: LLMtrackError | None = None

    async def unless(self, check: Callable[[], Awaitable[None]]) -> None:
        """End the server if `check` raises."""
        try:
            await check()
        except LLMtrackError as error:
            log.critical("%s", error)
            self.fault = error
            self.stop.set()


async def run_server(path: Path, plan: Plan, life: Life) -> None:
    """Serve until a signal; what was acknowledged or is in flight is safe when this returns."""
    ending = Ending()
    _stop_on_signals(ending.stop)
    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, life.reloading.reload)
    notify("STATUS=opening the database")
    database = await Database.open(path, create=True)
    try:
        await database.analyse()
        server = await life.start(database)
        try:
            await _announce(database, plan)
            async with _in_background(*_chores(database, plan, life, ending)):
                notify("READY=1", f"STATUS=serving {plan.url}")
                await ending.stop.wait()
                notify("STOPPING=1", "STATUS=answering what is in flight")
                say("Stopping: answering what is in flight.")
        finally:
            await server.stop()
    finally:
        # Also moves the WAL into the file: the last connection to close does that.
        await database.close()
    say("Stopped.")
    if ending.fault is not None:
        raise ending.fault


def _chores(
    database: Database, plan: Plan, life: Life, ending: Ending
) -> list[Coroutine[None, None, None]]:
    found = [
        _keep_offering_setup(database, plan.url),
        _watch_tls(plan),
        Jobs(database, life.jobs(database), now_ms).run(),
        keep_watchdog(database.turn),
        keep_packing(database, now_ms),
        watch_troubles(database, life.vitals, now_ms),
    ]
    if life.vitals.guard is not None:
        found.append(life.vitals.guard.watch())
    if life.vitals.limit is not None:
        found.append(life.vitals.limit.watch(database, now_ms))
    if life.check_pages is not None:
        found.append(ending.unless(life.check_pages))
    if life.renewal is not None:
        found.append(life.renewal.run(database))
    return found


@asynccontextmanager
async def _in_background(*jobs: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run these meanwhile, and end them afterwards."""
    tasks = [asyncio.create_task(job) for job in jobs]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


async def _watch_tls(plan: Plan) -> None:
    if plan.tls is not None:
        await plan.tls.watch(CERTIFICATE_PERIOD_S)


def _stop_on_signals(stop: asyncio.Event) -> None:
    """Set it at the first SIGTERM or SIGINT.

    The one-file binary and some supervisors deliver a signal twice at once; only one that
    comes later means that somebody lost patience.
    """
    first = 0.0

    def on_signal() -> None:
        nonlocal first
        if not stop.is_set():
            first = time.monotonic()
            stop.set()
        elif time.monotonic() - first > DOUBLE_SIGNAL_S:
            raise SystemExit(1)

    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, on_signal)


async def _announce(database: Database, plan: Plan) -> None:
    """The one block that a start prints, on stderr; the last line says it is ready."""
    lines = [f"LLMtrack {__version__}", f"  Data         {database.path.absolute()}"]
    lines += certificate_lines(plan)
    link = await _setup_link(database, plan.url)
    lines.append(link or f"  Sign in      {plan.url}/sign-in")
    lines.append(f"Ready on {plan.url}")
    say("\n".join(lines))


async def _keep_offering_setup(database: Database, url: str) -> None:
    """A new link whenever the last one has expired unused."""
    while True:
        await asyncio.sleep(SETUP_LIFE_MS / 1000)
        link = await _setup_link(database, url)
        if link is None:
            return
        say(link)


async def _setup_link(database: Database, url: str) -> str | None:
    """A line with a fresh link; None once there is a user."""
    token = mint_token()
    created_ms = now_ms()
    try:
        await database.write(create_setup_link, token.digest, now_ms=created_ms)
    except Refused:
        return None
    until = moment(created_ms + SETUP_LIFE_MS)
    return f"  Set up       {url}/setup?token={token.raw}\n               once, until {until}"
