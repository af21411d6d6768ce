"""Where the server listens: what people type, and why it may not work."""

import errno
import socket

import pytest

from llmtrack.domain.addresses import Address, parse_address
from llmtrack.domain.errors import InvalidValue
from llmtrack.services.listening import (
    AddressUnusable,
    PortBusy,
    PortForbidden,
    bind,
    is_loopback,
    reachable_address,
)
from llmtrack.services.self_signed import local_addresses


def close(sockets: list[socket.socket]) -> None:
    for made in sockets:
        made.close()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("127.0.0.1:8080", Address("127.0.0.1", 8080)),
        ("[::1]:8080", Address("::1", 8080)),
        (":8443", Address("", 8443)),
        ("llmtrack.example:0", Address("llmtrack.example", 0)),
    ],
)
def test_addresses_are_read_and_written_alike(text: str, address: Address) -> None:
    assert parse_address(text) == address
    assert str(address) == text


@pytest.mark.parametrize("text", ["", "8080", "localhost", "host:", "host:x", "::1:80", "a:70000"])
def test_what_is_no_address_is_told(text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_address(text)


def test_localhost_is_loopback_and_every_address_is_not() -> None:
    loopback, everywhere = bind(Address("localhost", 0)), bind(Address("", 0))

    assert is_loopback(loopback)
    assert not is_loopback(everywhere)
    assert len({made.getsockname()[1] for made in everywhere}) == 1
    close(loopback + everywhere)


def test_a_wildcard_is_shown_as_an_address_that_can_be_reached() -> None:
    sockets = bind(Address("0.0.0.0", 0))  # noqa: S104 - as an operator would

    shown = reachable_address(Address("0.0.0.0", 0), sockets)  # noqa: S104

    assert shown.host in {*map(str, local_addresses()), socket.gethostname()}
    assert shown.port == sockets[0].getsockname()[1]
    close(sockets)


def test_a_busy_port_is_told() -> None:
    sockets = bind(Address("127.0.0.1", 0))
    port = sockets[0].getsockname()[1]

    with pytest.raises(PortBusy, match=f"port {port} is in use"):
        bind(Address("127.0.0.1", port))

    close(sockets)


@pytest.mark.parametrize("host", ["192.0.2.254", "no-such-host.invalid", "a" * 300])
def test_a_host_that_is_not_this_machine_is_told(host: str) -> None:
    with pytest.raises(AddressUnusable, match=host[:100]):
        bind(Address(host, 0))


def test_a_port_of_the_system_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(socket.socket, "bind", refuse)

    with pytest.raises(PortForbidden, match="may not listen on port 443"):
        bind(Address("127.0.0.1", 443))
