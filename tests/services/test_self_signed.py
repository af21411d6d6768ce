"""The certificate we sign ourselves: made once, trusted by strict clients, remade in time."""

import ssl
from pathlib import Path

import pytest

from llmtrack.services.certificates import certificate_facts, server_context
from llmtrack.services.self_signed import LIFETIME, Pair, local_addresses, self_signed_pair

DAY_MS = 86_400_000
NOW_MS = 1_795_176_000_000  # 2026-11-20T12:00:00Z
ANY = "0.0.0.0"  # noqa: S104 - not bound


def made(directory: Path, host: str = ANY, now_ms: int = NOW_MS) -> Pair:
    return self_signed_pair(directory / "tls", host=host, now_ms=now_ms)


def serial(pair: Pair) -> bytes:
    return pair.cert_file.read_bytes()


def test_it_covers_this_machine_by_every_address(tmp_path: Path) -> None:
    facts = certificate_facts(made(tmp_path).cert_file)

    assert {"localhost", "127.0.0.1", "::1", *map(str, local_addresses())} <= set(facts.names)
    assert facts.not_after_ms - NOW_MS < LIFETIME.total_seconds() * 1000


def test_only_its_owner_reads_it(tmp_path: Path) -> None:
    pair = made(tmp_path)

    assert [path.stat().st_mode & 0o777 for path in pair] == [0o600, 0o600]
    assert pair.key_file.parent.stat().st_mode & 0o777 == 0o700


def test_the_next_start_takes_the_same(tmp_path: Path) -> None:
    first = serial(made(tmp_path))

    assert serial(made(tmp_path, now_ms=NOW_MS + 300 * DAY_MS)) == first
    assert serial(made(tmp_path, host="127.0.0.1")) == first


@pytest.mark.parametrize(
    ("host", "later_ms"), [(ANY, 370 * DAY_MS), ("llmtrack.example", 0), ("192.0.2.99", 0)]
)
def test_it_is_remade_near_its_end_and_for_a_new_name(
    tmp_path: Path, host: str, later_ms: int
) -> None:
    first = serial(made(tmp_path))

    pair = made(tmp_path, host=host, now_ms=NOW_MS + later_ms)

    assert serial(pair) != first
    server_context(*pair)


@pytest.mark.parametrize("half", [0, 1])
def test_a_pair_cut_short_by_a_crash_is_remade(tmp_path: Path, half: int) -> None:
    other = made(tmp_path / "other")
    pair = made(tmp_path)
    pair[half].write_bytes(other[half].read_bytes())

    server_context(*made(tmp_path))


def test_a_strict_client_that_is_given_it_trusts_it(tmp_path: Path) -> None:
    pair = made(tmp_path, now_ms=_today_ms())
    client = ssl.create_default_context(cafile=str(pair.cert_file))
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # the default from Python 3.13 on
    server = server_context(*pair)

    _shake_hands(client, server, "localhost")
    with pytest.raises(ssl.SSLCertVerificationError):
        _shake_hands(client, server, "elsewhere.example")


def _today_ms() -> int:
    import time

    return time.time_ns() // 1_000_000


def _shake_hands(client: ssl.SSLContext, server: ssl.SSLContext, host: str) -> None:
    """A handshake in memory."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ends = [
        client.wrap_bio(to_client, to_server, server_hostname=host),
        server.wrap_bio(to_server, to_client, server_side=True),
    ]
    while ends:
        for end in list(ends):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
            ends.remove(end)
