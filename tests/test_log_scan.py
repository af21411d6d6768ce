"""The look-out for secrets in logs finds what it is there for, and stands where it should."""

import logging

import pytest

from llmtrack.domain.credentials import Passwords, mint_key, mint_token
from llmtrack.domain.one_time_codes import mint_recovery_codes
from tests.conftest import PASSWORD
from tests.log_scan import LogScan, secrets_in


@pytest.mark.parametrize(
    "secret",
    [
        mint_key().raw,
        f"llmtrack={mint_token().raw}; Path=/",
        mint_recovery_codes()[0],
        "code: 123456",
        f"form={{'password': '{PASSWORD}'}}",
        Passwords(cheap=True).hash(PASSWORD),
        "sk-proj-abcdefghijklmnopqrstuvwx",
    ],
    ids=["key", "cookie", "recovery code", "code", "password", "hash", "provider's key"],
)
def test_a_planted_secret_is_found(secret: str) -> None:
    scan = LogScan()
    line = "refused %s from 192.0.2.7"
    record = logging.LogRecord("a", logging.INFO, __file__, 1, line, (secret,), None)

    scan.handle(record)

    assert len(scan.found) == 1
    assert scan.found[0].startswith(secrets_in(secret)[0])


@pytest.mark.parametrize("text", ["POST /api/ingest 401", "user usr_abcdefgh23456723", "a" * 42])
def test_what_is_no_secret_is_left_alone(text: str) -> None:
    assert secrets_in(text) == []


def test_every_test_s_log_is_read(log_scan: LogScan) -> None:
    before = log_scan.read
    logging.getLogger("llmtrack.web").info("a line of a server")
    logging.getLogger("aiohttp.server").error("another")
    assert log_scan.read == before + 2
