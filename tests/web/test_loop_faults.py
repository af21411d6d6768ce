"""A fault that no answer can tell of is logged; a client that went away is not."""

import asyncio
import logging
import socket

import pytest

from llmtrack.domain.credentials import Passwords
from llmtrack.web.app import build_app
from llmtrack.web.server import Server
from tests.conftest import NOW_MS, World


async def test_a_fault_of_ours_is_logged_and_a_lost_connection_is_not(
    world: World, passwords: Passwords, caplog: pytest.LogCaptureFixture
) -> None:
    app = build_app(
        world.database,
        base_url="http://localhost",
        secure=False,
        clock_ms=lambda: NOW_MS,
        passwords=passwords,
    )
    quiet = logging.getLogger("asyncio")
    level = quiet.level
    quiet.setLevel(logging.CRITICAL)  # as `cli.logs` has it
    server = await Server.start(app, [socket.create_server(("127.0.0.1", 0))], None)
    try:
        for fault in (ConnectionResetError("gone"), AssertionError("ours")):
            asyncio.get_running_loop().call_soon(_raise, fault)
        await asyncio.sleep(0.01)
    finally:
        await server.stop()
        asyncio.get_running_loop().set_exception_handler(None)
        quiet.setLevel(level)
    told = [record for record in caplog.records if record.exc_info]
    assert [str(record.exc_info[1]) for record in told if record.exc_info] == ["ours"]


def _raise(fault: Exception) -> None:
    raise fault
