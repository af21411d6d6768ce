"""The certificate of a running server, replaced without a failed handshake.

asyncio keeps the context that it was started with. That one only hands each handshake on to
the context of the day, so replacing is one assignment, and a pair that cannot be used never
comes near a client.
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from pathlib import Path

from llmtrack.domain.errors import LLMtrackError
from llmtrack.services.certificates import (
    CertificateFacts,
    certificate_facts,
    check_dates,
    server_context,
)
from llmtrack.services.self_signed import Pair

log = logging.getLogger(__name__)

Source = Callable[[], Pair]
"""Says which files to serve, making them first if it is its task."""


class LiveTls:
    """Serves the pair that `source` names, until told that there is another."""

    def __init__(self, source: Source) -> None:
        """Raises CertificateUnusable, PermissionError."""
        self.pair = source()
        self.context, self.facts = _usable(self.pair)
        self._current = self.context
        self._source = source
        self._seen = _state_of(self.pair)
        self.fault: str | None = None
        """Why the newest files are not in use; None while they are."""
        self.challenge: Callable[[str | None], ssl.SSLContext | None] | None = None
        """What to show a CA that looks whether a name leads here."""
        self.context.sni_callback = self._choose

    def reload(self, source: Source | None = None) -> CertificateFacts:
        """Serve what the files hold now. On any fault raises, and serves on what it served."""
        self._source = source or self._source
        pair = self._source()
        self._seen = _state_of(pair)
        try:
            self._current, facts = _usable(pair)
        except (LLMtrackError, OSError) as error:
            self.fault = str(error)
            raise
        self.pair, self.facts, self.fault = pair, facts, None
        log.info("serving the certificate %s", facts.fingerprint)
        return facts

    async def watch(self, period_s: float) -> None:
        """Reload whenever a file has changed. Runs until cancelled."""
        while True:
            await asyncio.sleep(period_s)
            try:
                # Looking is cheap; a self-signed pair near its end is remade here.
                if _state_of(await asyncio.to_thread(self._source)) != self._seen:
                    await asyncio.to_thread(self.reload)
            except (LLMtrackError, OSError) as error:
                log.error("the new certificate is not used, the old one stays: %s", error)  # noqa: TRY400

    def _choose(
        self,
        handshake: ssl.SSLObject | ssl.SSLSocket,
        name: str | None,
        context: ssl.SSLContext,  # noqa: ARG002 - the one that only hands on
    ) -> None:
        # There is one certificate for all names, and for a CA its own.
        proof = None
        if self.challenge is not None and getattr(handshake, "is_of_a_ca", False):
            proof = self.challenge(name)
        handshake.context = proof or self._current


def _usable(pair: Pair) -> tuple[ssl.SSLContext, CertificateFacts]:
    context = server_context(*pair)
    facts = certificate_facts(pair.cert_file)
    check_dates(facts, pair.cert_file, time.time_ns() // 1_000_000)
    return context, facts


def _state_of(pair: Pair) -> tuple[object, ...]:
    """Changes with the files' content; None for a file that is not there just now."""
    return (pair, *map(_file_state, pair))


def _file_state(path: Path) -> tuple[int, int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return (found.st_mtime_ns, found.st_size, found.st_ino)
