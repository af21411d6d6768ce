"""SIGHUP and replaced files: the next handshake has the new certificate, none ever fails."""

import shutil
import signal
import socket
import ssl
import threading
import time
from pathlib import Path

import pytest
import trustme

from .conftest import Appliance


def serial(appliance: Appliance) -> str:
    """Of the certificate that a new connection is shown."""
    with (
        socket.create_connection(("127.0.0.1", appliance.port), timeout=10) as plain,
        appliance.tls.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        return str((connection.getpeercert() or {})["serialNumber"])


def until_changed(appliance: Appliance, old: str) -> str:
    deadline = time.monotonic() + 10
    while (found := serial(appliance)) == old:
        assert time.monotonic() < deadline, "the certificate was not replaced"
        time.sleep(0.05)
    return found


class Renewal:
    """Another certificate of the same authority, to be copied over the one in use."""

    def __init__(self, appliance: Appliance, directory: Path) -> None:
        self.appliance = appliance
        authority = trustme.CA()
        with appliance.ca_file.open("ab") as trusted:
            trusted.write(b"\n" + authority.cert_pem.bytes())
        leaf = authority.issue_cert("localhost", "127.0.0.1")
        self.cert_file, self.key_file = directory / "new.pem", directory / "new.key"
        self.key_file.write_bytes(leaf.private_key_pem.bytes())
        self.cert_file.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems))

    def put_certificate(self) -> None:
        shutil.copy(self.cert_file, self.appliance.cert_file)

    def put_key(self) -> None:
        shutil.copy(self.key_file, self.appliance.key_file)


@pytest.fixture
def renewal(server: Appliance, tmp_path: Path) -> Renewal:
    return Renewal(server, tmp_path)


def hang_up(server: Appliance) -> None:
    assert server.process is not None
    server.process.send_signal(signal.SIGHUP)


def test_a_renewed_certificate_is_served_after_sighup_and_no_handshake_fails(
    server: Appliance, renewal: Renewal
) -> None:
    first = serial(server)
    faults: list[Exception] = []
    running = threading.Event()

    def connect() -> None:
        while not running.is_set():
            try:
                serial(server)
            except (OSError, ssl.SSLError) as error:
                faults.append(error)

    clients = [threading.Thread(target=connect) for _ in range(2)]
    for client in clients:
        client.start()
    # Half a renewal: the certificate without its key. The old pair goes on being served.
    renewal.put_certificate()
    hang_up(server)
    time.sleep(0.5)
    still = serial(server)
    renewal.put_key()
    hang_up(server)
    second = until_changed(server, first)
    running.set()
    for client in clients:
        client.join()

    assert still == first
    assert second != first
    assert not faults


@pytest.mark.parametrize("content", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAA"])
def test_an_unusable_certificate_never_reaches_a_client(server: Appliance, content: bytes) -> None:
    first = serial(server)
    server.cert_file.write_bytes(content)
    hang_up(server)
    time.sleep(0.3)

    assert serial(server) == first
    server.cert_file.unlink()
    hang_up(server)
    time.sleep(0.3)
    assert serial(server) == first
