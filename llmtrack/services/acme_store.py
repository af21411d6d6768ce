"""What ACME needs on the disk: the account's key, the certificate, the challenges of the day.

Whoever answers a challenge reads it here, so that a command can order a certificate while the
server runs: the server answers.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

from llmtrack.services.certificates import (
    CertificateFacts,
    CertificateUnusable,
    certificate_facts,
    server_context,
)
from llmtrack.services.files import make_directory, write_private
from llmtrack.services.self_signed import Pair

_TOKEN = re.compile(r"[A-Za-z0-9_-]{1,200}")


class Challenge(NamedTuple):
    """`kind`: http-01 or tls-alpn-01."""

    kind: str
    identifier: str
    token: str
    key_authorization: str


class AcmeStore:
    """A directory of its own in the data directory, 0700; its files 0600."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.certificate_file = directory / "certificate.pem"
        """Key and chain in one file, so that both are replaced at once."""
        self.account_file = directory / "account.key"
        self._challenges = directory / "challenges"

    @property
    def pair(self) -> Pair:
        return Pair(self.certificate_file, self.certificate_file)

    def facts(self) -> CertificateFacts | None:
        """Of the certificate that is there; None if there is none that could be served."""
        try:
            server_context(*self.pair)
            return certificate_facts(self.certificate_file)
        except (CertificateUnusable, OSError):
            return None

    def keep_certificate(self, key: bytes, chain: str) -> None:
        make_directory(self.directory)
        write_private(self.certificate_file, key + chain.encode())

    def keep_account(self, key: bytes) -> None:
        make_directory(self.directory)
        write_private(self.account_file, key)

    @contextmanager
    def answering(self, challenges: list[Challenge]) -> Iterator[None]:
        """Have these answered meanwhile."""
        make_directory(self.directory)
        make_directory(self._challenges)
        files = [self._challenges / challenge.token for challenge in challenges]
        try:
            for file, challenge in zip(files, challenges, strict=True):
                write_private(file, json.dumps(challenge._asdict()).encode())
            yield
        finally:
            for file in files:
                file.unlink(missing_ok=True)

    def key_authorization(self, token: str) -> str | None:
        """The answer to a challenge by http-01; None for a token that was not asked for."""
        if not _TOKEN.fullmatch(token):
            return None
        challenge = _read(self._challenges / token)
        return challenge.key_authorization if challenge else None

    def alpn_challenge(self, server_name: str | None) -> Challenge | None:
        """The challenge that a CA's handshake by tls-alpn-01 is for."""
        with suppress(FileNotFoundError):
            for file in self._challenges.iterdir():
                challenge = _read(file)
                if (
                    challenge is not None
                    and challenge.kind == "tls-alpn-01"
                    and _server_name(challenge.identifier) == (server_name or "").lower()
                ):
                    return challenge
        return None


def _read(file: Path) -> Challenge | None:
    try:
        return Challenge(**json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _server_name(identifier: str) -> str:
    """What a CA puts into the handshake: of an address its reverse name (RFC 8738, 6)."""
    try:
        return ip_address(identifier).reverse_pointer
    except ValueError:
        return identifier.lower()
