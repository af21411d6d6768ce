"""The mail server of the settings."""

from llmtrack.cli.exit_codes import CommandFailed, ExitCode
from llmtrack.config.loading import Config, ConfigUnusable
from llmtrack.config.table import (
    MAIL_CA_FILE,
    MAIL_FROM,
    MAIL_HOST,
    MAIL_PASSWORD,
    MAIL_PORT,
    MAIL_TLS,
    MAIL_USER,
)
from llmtrack.services.host_names import LOOPBACK
from llmtrack.services.mail import Mailer, MailServer

_SEE = "see mail.host in: llmtrack config example"


def mailer_of(config: Config) -> Mailer | None:
    """None where none is set. Raises ConfigUnusable."""
    host = config[MAIL_HOST]
    if not host:
        return None
    if not config[MAIL_FROM]:
        raise ConfigUnusable("mail.host needs mail.from", fix=_SEE)
    if config[MAIL_TLS] == "none" and host not in {*LOOPBACK, "127.0.0.1", "::1"}:
        text = 'mail.tls = "none" is for a server on this machine'
        raise ConfigUnusable(text, fix='set mail.tls = "starttls" or "implicit"')
    server = MailServer(
        host,
        config[MAIL_PORT],
        config[MAIL_TLS],
        config[MAIL_USER],
        config[MAIL_PASSWORD],
        config[MAIL_FROM],
        config[MAIL_CA_FILE],
    )
    return Mailer(server)


def needed_mailer(config: Config) -> Mailer:
    """Raises CommandFailed, ConfigUnusable."""
    mailer = mailer_of(config)
    if mailer is None:
        text = "no mail can be sent: mail.host is not set"
        raise CommandFailed(text, ExitCode.REFUSED, fix=_SEE)
    return mailer
