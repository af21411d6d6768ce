"""Sends mail through the operator's own server: verified TLS, and never longer than a while."""

import asyncio
import logging
import ssl
from collections.abc import Coroutine
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import Any, NamedTuple

import aiosmtplib

from llmtrack.domain.errors import LLMtrackError

log = logging.getLogger(__name__)

TIMEOUT_S = 20.0
"""For the whole of a message: a server that answers a byte at a time is given up, too."""
UNDER_WAY_MAX = 20


class MailFailed(LLMtrackError):
    """The message was not taken; the text says why."""


class MailServer(NamedTuple):
    """`tls`: starttls, implicit or none."""

    host: str
    port: int
    tls: str
    user: str
    password: str
    sender: str
    ca_file: Path | None = None


class Mailer:
    def __init__(self, server: MailServer) -> None:
        self._server = server
        self._under_way: set[asyncio.Task[None]] = set()

    async def send(self, to: str, subject: str, text: str) -> None:
        """Raises MailFailed."""
        message = EmailMessage(policy=SMTP_POLICY)
        message["From"] = self._server.sender
        message["To"] = to
        message["Subject"] = subject
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = make_msgid(domain=self._server.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        await self._converse(message)

    async def check(self) -> None:
        """Connect and sign in without sending anything. Raises MailFailed."""
        await self._converse(None)

    def soon(self, work: Coroutine[Any, Any, None]) -> None:
        """Run this in the background: who asked must not learn from the time what became of it."""
        if len(self._under_way) >= UNDER_WAY_MAX:
            work.close()
            log.warning("a message was not sent: %d are under way already", UNDER_WAY_MAX)
            return
        task = asyncio.create_task(_told(work))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def close(self) -> None:
        """Let what is under way come to its end, which is bounded."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=TIMEOUT_S)

    async def _converse(self, message: EmailMessage | None) -> None:
        server = self._server
        client = aiosmtplib.SMTP(
            hostname=server.host,
            port=server.port,
            use_tls=server.tls == "implicit",
            start_tls=server.tls == "starttls",
            tls_context=ssl.create_default_context(cafile=server.ca_file),
            username=server.user or None,
            password=server.password or None,
            timeout=TIMEOUT_S,
        )
        try:
            async with asyncio.timeout(TIMEOUT_S), client:
                if message is not None:
                    await client.send_message(message)
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            where = f"{server.host}:{server.port}"
            raise MailFailed(
                f"{where} did not take the mail: {_reason(error)}", fix="llmtrack check mail"
            ) from error
        finally:
            client.close()


def _reason(error: Exception) -> str:
    """One line; what a server says may have several."""
    text = str(error) or type(error).__name__
    return " ".join(text.split())[:200]


async def _told(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except MailFailed as error:
        log.error("%s", error)  # noqa: TRY400 - it says all there is
