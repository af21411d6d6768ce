"""A file that changes is noticed without a signal; a fault is told and changes nothing."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from llmtrack.services.certificates import CertificateUnusable
from llmtrack.services.live_tls import LiveTls
from llmtrack.services.self_signed import Pair

PERIOD_S = 0.01


def write_pair(pair: Pair) -> None:
    leaf = trustme.CA().issue_cert("localhost")
    pair.key_file.write_bytes(leaf.private_key_pem.bytes())
    pair.cert_file.write_bytes(leaf.cert_chain_pems[0].bytes())


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    made = Pair(tmp_path / "cert.pem", tmp_path / "key.pem")
    write_pair(made)
    return made


@pytest.mark.parametrize(
    ("days", "reason"), [((-60, -1), "expired at 2"), ((1, 60), "is not good before 2")]
)
def test_a_certificate_that_no_client_would_trust_is_not_served(
    pair: Pair, days: tuple[int, int], reason: str
) -> None:
    first, last = (datetime.now(UTC) + timedelta(days=number) for number in days)
    leaf = trustme.CA().issue_cert("localhost", not_before=first, not_after=last)
    pair.key_file.write_bytes(leaf.private_key_pem.bytes())
    pair.cert_file.write_bytes(leaf.cert_chain_pems[0].bytes())

    with pytest.raises(CertificateUnusable, match=f"{pair.cert_file} {reason}") as refused:
        LiveTls(lambda: pair)
    assert refused.value.fix


@pytest.mark.parametrize("missing", [0, 1])
def test_a_missing_file_is_named_whichever_it_is(pair: Pair, missing: int) -> None:
    pair[missing].unlink()

    with pytest.raises(CertificateUnusable, match=f"{pair[missing]} does not exist"):
        LiveTls(lambda: pair)


async def watched(tls: LiveTls) -> None:
    watching = asyncio.create_task(tls.watch(PERIOD_S))
    await asyncio.sleep(30 * PERIOD_S)
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching


async def test_a_changed_file_is_served(pair: Pair) -> None:
    tls = LiveTls(lambda: pair)
    first = tls.facts.fingerprint
    write_pair(pair)
    await watched(tls)

    assert tls.facts.fingerprint != first
    assert tls.fault is None


async def test_a_fault_is_remembered_until_the_files_are_good_again(pair: Pair) -> None:
    tls = LiveTls(lambda: pair)
    first = tls.facts.fingerprint
    pair.cert_file.write_text("garbage")
    await watched(tls)

    assert tls.facts.fingerprint == first
    assert tls.fault is not None
    assert "no PEM certificate" in tls.fault
    with pytest.raises(CertificateUnusable):
        tls.reload()
    write_pair(pair)
    await watched(tls)
    assert tls.fault is None
    assert tls.facts.fingerprint != first
