"""Encrypts what must be readable again, with a key that is in no copy of the database.

AES-256-GCM; the key is a file of its own in the data directory. A database restored without
it has lost its authenticator secrets, not its users: recovery codes and an admin's reset go on.
"""

import os
import secrets
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

FILE_NAME = "secret.key"
KEY_BYTES = 32
NONCE_BYTES = 12


class SecretBox:
    def __init__(self, directory: Path) -> None:
        self._path = directory / FILE_NAME

    def seal(self, secret: bytes, purpose: str) -> bytes:
        """`purpose` has to be the same to open it: a sealed secret cannot be moved elsewhere."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + AESGCM(self._key()).encrypt(nonce, secret, purpose.encode())

    def open(self, sealed: bytes, purpose: str) -> bytes | None:
        """None if the key is another one."""
        nonce, text = sealed[:NONCE_BYTES], sealed[NONCE_BYTES:]
        try:
            return AESGCM(self._key()).decrypt(nonce, text, purpose.encode())
        except InvalidTag:
            return None

    def _key(self) -> bytes:
        if not self._path.exists():
            with suppress(FileExistsError):
                self._make()
        return self._path.read_bytes()

    def _make(self) -> None:
        """In place whole or not at all, readable for its owner alone."""
        part = self._path.with_suffix(f".{os.getpid()}.part")
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, self._path)
        finally:
            part.unlink()
