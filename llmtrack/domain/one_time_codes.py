"""Codes of an authenticator app (TOTP, RFC 6238) and the recovery codes that stand in for it."""

import base64
import hashlib
import secrets

import pyotp

STEP_S = 30
DRIFT_STEPS = 1
RECOVERY_CODES = 10
RECOVERY_BYTES = 15
"""120 random bits: no slow hash is needed for them."""


def new_secret() -> str:
    """160 bits in base32, as RFC 4226 recommends and apps expect."""
    return pyotp.random_base32()


def provisioning_uri(secret: str, *, account: str, issuer: str) -> str:
    """What the QR code says."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=issuer)


def matching_step(secret: str, code: str, *, now_ms: int, after_step: int) -> int | None:
    """The 30-second step that the code is of, one step around now at most.

    A step up to `after_step` was used already: its code is worth nothing any more.
    """
    digits = "".join(code.split())
    if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):
        return None
    totp, now_step = pyotp.TOTP(secret), now_ms // 1000 // STEP_S
    for step in range(now_step - DRIFT_STEPS, now_step + DRIFT_STEPS + 1):
        if step > after_step and secrets.compare_digest(totp.at(step * STEP_S), digits):
            return step
    return None


def mint_recovery_codes() -> list[str]:
    """Six groups of four letters and digits each."""
    texts = [
        base64.b32encode(secrets.token_bytes(RECOVERY_BYTES)).decode().lower()
        for _ in range(RECOVERY_CODES)
    ]
    return ["-".join(text[i : i + 4] for i in range(0, len(text), 4)) for text in texts]


def mint_mail_code() -> str:
    """80 random bits in four groups: it is copied, not remembered."""
    text = base64.b32encode(secrets.token_bytes(10)).decode().lower()
    return "-".join(text[i : i + 4] for i in range(0, len(text), 4))


def recovery_digest(code: str) -> bytes:
    """However it is typed: spaces, dashes and capitals do not matter."""
    plain = "".join(character for character in code.lower() if character.isalnum())
    return hashlib.sha256(plain.encode(errors="surrogateescape")).digest()
