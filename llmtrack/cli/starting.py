"""What a server does before it is ready, and how it is ended in the midst of it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from llmtrack.cli.data import Data
from llmtrack.cli.db import back_up_before_upgrade
from llmtrack.cli.logs import say
from llmtrack.services.supervisor import keep_starting, notify
from llmtrack.services.upgrades import pending_steps, schema_of, upgrade
from llmtrack.storage.schema import MIGRATIONS

CLEARING_S = 5.0
"""How long a start that was told to end may take for it."""


@contextmanager
def may_be_ended() -> Iterator[Callable[[], None]]:
    """Before a server is ready, SIGTERM and Ctrl-C end it at once with exit code 0.

    Nothing was acknowledged yet. What the signal interrupts may fail in any way: a step of an
    upgrade is rolled back, and the next start does it. Python drops an exception that a signal
    raises while it runs a finaliser or a weak reference's callback, as imports do: what this
    gives ends a start whose signal was lost so, and failing that a clock ends the process, which
    is as safe as a power cut.
    """
    is_ended = False

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - as signal wants it
        nonlocal is_ended
        if not is_ended:  # a second one must not disturb the clearing up
            is_ended = True
            _end_for_certain()
            raise SystemExit(0)

    def end_if_told() -> None:
        if is_ended:
            raise SystemExit(0)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield end_if_told
    except BaseException:
        if not is_ended:
            raise
        say("Stopped before it was ready.")
        raise SystemExit(0) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end_for_certain() -> None:
    clock = threading.Timer(CLEARING_S, os._exit, (0,))
    clock.daemon = True
    clock.start()


def upgrade_if_pending(data: Data) -> None:
    """Back up, then migrate; systemd hears how far it is, and waits."""
    steps = pending_steps(data.database)
    if not steps:
        return
    schema, newest = schema_of(data.database), len(MIGRATIONS)
    begun = time.monotonic()

    def tell(number: int) -> None:
        done = number - schema
        notify(f"STATUS=upgrading the database: step {done} of {steps} (schema {number})")

    with keep_starting():
        notify("STATUS=backing up before the upgrade of the database")
        back_up_before_upgrade(data)
        say(f"Upgrading the database from schema {schema} to {newest}.")
        upgrade(data.database, begins=tell)
    seconds = time.monotonic() - begun
    say(f"Upgraded the database to schema {newest} in {seconds:.1f} s.")
