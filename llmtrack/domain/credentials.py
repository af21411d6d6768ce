"""API keys, passwords and tokens: how each is made, recognised and kept.

An API key is `llmt_`, 30 random base62 characters and 6 that check them. 178 random bits
need no slow hash and no server secret, so keys and tokens are kept as their SHA-256 and only
passwords as argon2id.

The published pattern of a key, for secret scanners: llmt_[0-9A-Za-z]{36}
"""

import base64
import hashlib
import re
import secrets
import unicodedata
from typing import NamedTuple
from zlib import crc32

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import CHEAPEST, RFC_9106_LOW_MEMORY

KEY_PATTERN = re.compile(r"llmt_[0-9A-Za-z]{36}")
_KEY_ANYWHERE = re.compile(f"(?=({KEY_PATTERN.pattern}))")
KEY_PREFIX_LENGTH = 12
TOKEN_BYTES = 32
CHEAP_PROFILE = CHEAPEST
"""For tests: not a millisecond, and worth as much."""

_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_RANDOM_LENGTH = 30
_CHECK_LENGTH = 6


class MintedKey(NamedTuple):
    """A new key: `raw` is shown once and never stored."""

    raw: str
    digest: bytes
    prefix: str


def mint_key() -> MintedKey:
    body = "llmt_" + "".join(secrets.choice(_ALPHABET) for _ in range(_RANDOM_LENGTH))
    raw = body + _check_characters(body)
    return MintedKey(raw, key_digest(raw), raw[:KEY_PREFIX_LENGTH])


def looks_like_key(text: str) -> bool:
    """Whether form and check characters fit: a typo is refused without a look-up."""
    if KEY_PATTERN.fullmatch(text) is None:
        return False
    return _check_characters(text[:-_CHECK_LENGTH]) == text[-_CHECK_LENGTH:]


def keys_in(text: str) -> list[str]:
    """The well-formed keys in any text, also where a line break or junk touches one."""
    found = [match[1] for match in _KEY_ANYWHERE.finditer(text)]
    # Mails and terminals break long lines in the middle of a key.
    found += [match[1] for match in _KEY_ANYWHERE.finditer("".join(text.split()))]
    return list(dict.fromkeys(key for key in found if looks_like_key(key)))


def key_digest(raw: str) -> bytes:
    # A header's bytes that are not UTF-8 reach us as surrogates.
    return hashlib.sha256(raw.encode(errors="surrogateescape")).digest()


def _check_characters(body: str) -> str:
    rest = crc32(body.encode())
    characters = []
    for _ in range(_CHECK_LENGTH):
        rest, digit = divmod(rest, len(_ALPHABET))
        characters.append(_ALPHABET[digit])
    return "".join(reversed(characters))


class Token(NamedTuple):
    """A session's or a link's secret: `raw` goes to the browser, `digest` into the file."""

    raw: str
    digest: bytes


def mint_token() -> Token:
    raw = secrets.token_urlsafe(TOKEN_BYTES)
    return Token(raw, token_digest(raw))


def token_digest(raw: str) -> bytes:
    return hashlib.sha256(raw.encode(errors="surrogateescape")).digest()


class Passwords:
    """argon2id with the second profile of RFC 9106 (64 MiB, 3 passes): call off the loop."""

    def __init__(self, *, cheap: bool = False) -> None:
        profile = CHEAP_PROFILE if cheap else RFC_9106_LOW_MEMORY
        self._hasher = PasswordHasher.from_parameters(profile)
        # A hash that nothing fits, written down instead of computed: making one takes as
        # long as checking one.
        salt, tag = (_base64(secrets.token_bytes(n)) for n in (profile.salt_len, profile.hash_len))
        cost = f"m={profile.memory_cost},t={profile.time_cost},p={profile.parallelism}"
        self._nobody = f"$argon2id$v=19${cost}${salt}${tag}"

    def hash(self, password: str) -> str:
        return self._hasher.hash(_normal(password).encode(errors="surrogatepass"))

    def verify(self, password_hash: str | None, password: str) -> bool:
        """Whether they fit. Without a hash it takes as long, and is False."""
        try:
            self._hasher.verify(
                password_hash or self._nobody, _normal(password).encode(errors="surrogatepass")
            )
        except (VerificationError, InvalidHashError):
            return False
        return password_hash is not None

    def needs_rehash(self, password_hash: str) -> bool:
        return self._hasher.check_needs_rehash(password_hash)


def _base64(blob: bytes) -> str:
    return base64.b64encode(blob).decode().rstrip("=")


def _normal(password: str) -> str:
    """The same password however a keyboard composes its accents."""
    return unicodedata.normalize("NFKC", password)
