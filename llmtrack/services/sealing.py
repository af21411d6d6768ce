"""Files that one public key can close and only its private key can open.

The format is age's (https://age-encryption.org/v1) with one X25519 recipient, so that a
backup can be opened with `age --decrypt` on a machine that has no LLMtrack. A server that
knows the public key alone cannot read its own backups.
"""

import base64
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import BinaryIO, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from llmtrack.domain import bech32
from llmtrack.domain.errors import LLMtrackError

VERSION_LINE = b"age-encryption.org/v1\n"
RECIPIENT_PREFIX = "age"
IDENTITY_PREFIX = "age-secret-key-"
CHUNK_BYTES = 64 * 1024
_TAG_BYTES = 16
_LABEL = b"age-encryption.org/v1/X25519"
_KEYGEN = "name the file that `llmtrack backup keygen` wrote"


class Unsealable(LLMtrackError):
    """A file that this key does not open, or that was changed or cut."""

    fix = "use another copy: llmtrack backup list"


class KeyPair(NamedTuple):
    """`recipient` closes and may be known; `identity` opens and is kept elsewhere."""

    recipient: str
    identity: str


def generate_key_pair() -> KeyPair:
    key = X25519PrivateKey.generate()
    return KeyPair(
        bech32.encode(RECIPIENT_PREFIX, key.public_key().public_bytes_raw()),
        bech32.encode(IDENTITY_PREFIX, key.private_bytes_raw()).upper(),
    )


def read_recipient(text: str) -> X25519PublicKey:
    """Raises ValueError, the text completing "must be ..."."""
    return X25519PublicKey.from_public_bytes(_decode(text, RECIPIENT_PREFIX, "age1..."))


def read_identity(path: Path) -> X25519PrivateKey:
    """The first private key of a file as `backup keygen` and age-keygen write it."""
    # Anything may be named by mistake: what is no text has no key in it.
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        if line.startswith(IDENTITY_PREFIX.upper()):
            try:
                raw = _decode(line.strip(), IDENTITY_PREFIX, "AGE-SECRET-KEY-1...")
            except ValueError as error:
                raise Unsealable(
                    f"{path} holds no private key: it must be {error}", fix=_KEYGEN
                ) from None
            return X25519PrivateKey.from_private_bytes(raw)
    raise Unsealable(f"{path} holds no private key", fix=_KEYGEN)


def seal(source: BinaryIO, target: BinaryIO, recipient: X25519PublicKey) -> None:
    """Write `source` closed; memory stays at a chunk."""
    file_key = secrets.token_bytes(16)
    ephemeral = X25519PrivateKey.generate()
    share = ephemeral.public_key().public_bytes_raw()
    wrap_key = _derive(ephemeral.exchange(recipient), share + recipient.public_bytes_raw(), _LABEL)
    body = ChaCha20Poly1305(wrap_key).encrypt(bytes(12), file_key, None)
    header = VERSION_LINE + b"-> X25519 " + _b64(share) + b"\n" + _b64(body) + b"\n---"
    nonce = secrets.token_bytes(16)
    target.write(header + b" " + _b64(_mac(file_key, header)) + b"\n" + nonce)
    cipher = ChaCha20Poly1305(_derive(file_key, nonce, b"payload"))
    counter = 0
    chunk = source.read(CHUNK_BYTES)
    while True:
        following = source.read(CHUNK_BYTES)
        target.write(cipher.encrypt(_chunk_nonce(counter, last=not following), chunk, None))
        if not following:
            return
        chunk, counter = following, counter + 1


def unseal(source: BinaryIO, target: BinaryIO, identity: X25519PrivateKey) -> None:
    """Write the opened content. Raises Unsealable; what was written by then is worthless."""
    file_key = _read_header(source, identity)
    nonce = source.read(16)
    cipher = ChaCha20Poly1305(_derive(file_key, nonce, b"payload"))
    counter = 0
    chunk = source.read(CHUNK_BYTES + _TAG_BYTES)
    while True:
        following = source.read(CHUNK_BYTES + _TAG_BYTES)
        try:
            opened = cipher.decrypt(_chunk_nonce(counter, last=not following), chunk, None)
        except InvalidTag:
            raise Unsealable("the file was changed or cut") from None
        target.write(opened)
        if not following:
            return
        chunk, counter = following, counter + 1


def is_sealed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(VERSION_LINE)) == VERSION_LINE


def seal_file(source: Path, target: Path, recipient: X25519PublicKey) -> None:
    """As `seal`; the target must not exist and gets mode 0600."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.open("rb") as plain, os.fdopen(descriptor, "wb") as sealed:
        seal(plain, sealed, recipient)


def unseal_file(source: Path, target: Path, identity: X25519PrivateKey) -> None:
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with source.open("rb") as sealed, os.fdopen(descriptor, "wb") as plain:
        unseal(sealed, plain, identity)


def _read_header(source: BinaryIO, identity: X25519PrivateKey) -> bytes:
    """The key of the file's content. Only what `seal` writes, and age for one recipient."""
    lines = [source.readline(200) for _ in range(4)]
    parts = lines[1].split()
    if (
        lines[0] != VERSION_LINE
        or len(parts) != 3
        or parts[:2] != [b"->", b"X25519"]
        or not lines[3].startswith(b"--- ")
    ):
        raise Unsealable("the file is not sealed to one X25519 key")
    try:
        share, body = _unb64(parts[2]), _unb64(lines[2].strip())
        own = identity.public_key().public_bytes_raw()
        shared = identity.exchange(X25519PublicKey.from_public_bytes(share))
        wrap_key = _derive(shared, share + own, _LABEL)
        file_key = ChaCha20Poly1305(wrap_key).decrypt(bytes(12), body, None)
    except (ValueError, InvalidTag):
        raise Unsealable(
            "this private key does not open the file", fix="it was sealed to another key"
        ) from None
    header = b"".join(lines[:3]) + b"---"
    if not hmac.compare_digest(_b64(_mac(file_key, header)), lines[3][4:].strip()):
        raise Unsealable("the file's header was changed")
    return file_key


def _mac(file_key: bytes, header: bytes) -> bytes:
    return hmac.new(_derive(file_key, b"", b"header"), header, hashlib.sha256).digest()


def _derive(secret: bytes, salt: bytes, label: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=salt, info=label).derive(secret)


def _chunk_nonce(counter: int, *, last: bool) -> bytes:
    return counter.to_bytes(11, "big") + bytes([last])


def _b64(raw: bytes) -> bytes:
    return base64.b64encode(raw).rstrip(b"=")


def _unb64(text: bytes) -> bytes:
    return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)


def _decode(text: str, prefix: str, example: str) -> bytes:
    try:
        found, raw = bech32.decode(text)
    except ValueError as error:
        raise ValueError(f"a key such as {example}, and {error}") from None
    if found != prefix or len(raw) != 32:
        raise ValueError(f"a key such as {example}")
    return raw


def write_identity(path: Path, pair: KeyPair, created: str) -> None:
    """As age-keygen writes it; never over a file that is there."""
    text = f"# created: {created}\n# public key: {pair.recipient}\n{pair.identity}\n"
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
