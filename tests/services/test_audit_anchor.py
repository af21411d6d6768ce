"""The ends of the audit log's chains in a real syslog socket, and what is found out by them."""

import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from llmtrack.services.audit_anchor import AuditAnchor
from llmtrack.storage.maintenance_audit import all_audit_heads_now, heads_text
from llmtrack.storage.workspace_names import rename_workspace
from tests.conftest import WHO, World


@pytest.fixture(params=["a socket", "UDP"])
def syslog(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[socket.socket, str]]:
    """Where lines arrive, and its address as the settings have it."""
    if request.param == "UDP":
        listening, address = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), ("127.0.0.1", 0)
        listening.bind(address)
        text = f"127.0.0.1:{listening.getsockname()[1]}"
    else:
        listening = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        text = str(tmp_path / "log")
        listening.bind(text)
    listening.settimeout(0.2)
    with closing(listening):
        yield listening, text


def lines_in(listening: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(listening.recv(2048).decode().rstrip("\0"))
        except TimeoutError:
            return found


async def test_each_chain_that_grew_is_a_line(
    world: World, syslog: tuple[socket.socket, str]
) -> None:
    listening, address = syslog
    anchor = AuditAnchor(address)
    await anchor.send(world.database)
    heads = await all_audit_heads_now(world.database)
    authpriv_info = "<86>"
    assert lines_in(listening) == [
        f"{authpriv_info}llmtrack: audit head {heads_text([head])}" for head in heads
    ]

    assert await anchor.send(world.database) == f"0 of {len(heads)} chains had grown"
    assert lines_in(listening) == []

    await (await world.scope()).write(rename_workspace, name="Acme GmbH", **WHO)
    await anchor.send(world.database)
    [line] = lines_in(listening)
    assert f"audit head {world.acme.id}:" in line


async def test_a_syslog_that_is_not_there_fails_and_gets_everything_later(
    world: World, tmp_path: Path
) -> None:
    path = tmp_path / "late"
    anchor = AuditAnchor(str(path))
    with pytest.raises(OSError, match="No such file"):
        await anchor.send(world.database)
    with closing(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)) as listening:
        listening.bind(str(path))
        listening.settimeout(0.2)
        await anchor.send(world.database)
        assert len(lines_in(listening)) == len(await all_audit_heads_now(world.database))
