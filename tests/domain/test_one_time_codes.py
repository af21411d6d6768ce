"""Codes of authenticator apps: the vectors of RFC 6238, one step of drift, none twice."""

import base64

import pytest

from llmtrack.domain.one_time_codes import (
    matching_step,
    mint_recovery_codes,
    new_secret,
    provisioning_uri,
    recovery_digest,
)

SECRET = base64.b32encode(b"12345678901234567890").decode()
# RFC 6238, appendix B, SHA-1: of its eight digits an app shows the last six.
VECTORS = [
    (59, "94287082"),
    (1111111109, "07081804"),
    (1111111111, "14050471"),
    (1234567890, "89005924"),
    (2000000000, "69279037"),
    (20000000000, "65353130"),
]


@pytest.mark.parametrize(("second", "code"), VECTORS)
def test_the_vectors_of_rfc_6238_fit(second: int, code: str) -> None:
    step = matching_step(SECRET, code[-6:], now_ms=second * 1000, after_step=0)
    assert step == second // 30


@pytest.mark.parametrize(("drift_s", "fits"), [(-60, False), (-30, True), (30, True), (60, False)])
def test_a_clock_may_be_one_step_off(drift_s: int, fits: bool) -> None:
    now_ms = (1111111111 + drift_s) * 1000
    assert (matching_step(SECRET, "050471", now_ms=now_ms, after_step=0) is not None) == fits


def test_a_step_that_was_used_is_over() -> None:
    step = 1111111111 // 30
    assert matching_step(SECRET, "050471", now_ms=1111111111_000, after_step=step) is None


@pytest.mark.parametrize("code", ["", "05047", "0504711", "٠٥٠٤٧١", "abcdef", "-50471"])
def test_what_is_no_code_is_refused(code: str) -> None:
    assert matching_step(SECRET, code, now_ms=1111111111_000, after_step=0) is None


def test_secrets_and_recovery_codes_are_long_and_never_the_same() -> None:
    assert len(base64.b32decode(new_secret())) == 20
    assert new_secret() != new_secret()
    codes = mint_recovery_codes()
    assert len(set(codes)) == 10
    assert recovery_digest(codes[0].upper().replace("-", " ")) == recovery_digest(codes[0])
    assert provisioning_uri(SECRET, account="a@b.c", issuer="LLMtrack").startswith("otpauth://")
