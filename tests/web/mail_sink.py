"""A real mail server that keeps what it is given: STARTTLS, a password, and a certificate."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import trustme
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from llmtrack.services.mail import MailServer

USER, PASSWORD = "llmtrack", "mail-server-password"


class Sink:
    """What arrived; `server` is what the settings would say of it."""

    def __init__(self, ca_file: Path) -> None:
        self.messages: list[EmailMessage] = []
        self._arrival = asyncio.Event()
        self.ca_file = ca_file
        self.port = 0

    async def handle_DATA(  # noqa: N802 - aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        assert session.ssl is not None
        assert session.authenticated
        content = envelope.content
        assert isinstance(content, bytes)
        assert server is not None
        message = message_from_bytes(content, policy=policy.default)
        assert isinstance(message, EmailMessage)
        self.messages.append(message)
        self._arrival.set()
        return "250 OK"

    @property
    def server(self) -> MailServer:
        return MailServer(
            "localhost", self.port, "starttls", USER, PASSWORD, "llmtrack@example.com", self.ca_file
        )

    @property
    def settings(self) -> dict[str, str]:
        """The environment of a command that uses it."""
        return {
            "LLMTRACK_MAIL_HOST": "localhost",
            "LLMTRACK_MAIL_PORT": str(self.port),
            "LLMTRACK_MAIL_USER": USER,
            "LLMTRACK_MAIL_PASSWORD": PASSWORD,
            "LLMTRACK_MAIL_FROM": "llmtrack@example.com",
            "LLMTRACK_MAIL_CA_FILE": str(self.ca_file),
        }

    async def arrived(self) -> EmailMessage:
        """The next message, which may take a moment."""
        async with asyncio.timeout(10):
            await self._arrival.wait()
        self._arrival.clear()
        return self.messages.pop(0)


def _authenticated(
    _server: SMTP, _session: Session, _envelope: Envelope, _mechanism: str, data: object
) -> AuthResult:
    right = LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=data == right)


@asynccontextmanager
async def mail_sink(directory: Path) -> AsyncIterator[Sink]:
    authority = trustme.CA()
    ca_file = directory / "mail-ca.pem"
    authority.cert_pem.write_to_path(str(ca_file))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    sink = Sink(ca_file)

    def protocol() -> SMTP:
        return SMTP(
            sink,
            hostname="localhost",
            tls_context=context,
            require_starttls=True,
            authenticator=_authenticated,
            auth_required=True,
        )

    server = await asyncio.get_running_loop().create_server(protocol, "localhost", 0)
    sink.port = server.sockets[0].getsockname()[1]
    # `localhost` may be two addresses with a port each.
    for extra in server.sockets[1:]:
        extra.close()
    yield sink
    server.close()
