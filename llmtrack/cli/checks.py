"""The checks that need the settings."""

import asyncio

from llmtrack.cli.data import Data, now_ms
from llmtrack.cli.listening import configured_mode
from llmtrack.cli.mailing import mailer_of
from llmtrack.cli.sso import oidc_findings
from llmtrack.config.table import (
    BACKUP_RECIPIENT,
    BACKUP_SCHEDULE,
    DISK_STOP_FREE,
    DISK_WARN_FREE,
    LISTEN,
    MAIL_HOST,
    TLS_CERT_FILE,
    TLS_KEY_FILE,
)
from llmtrack.services import surroundings
from llmtrack.services.acme_store import AcmeStore
from llmtrack.services.inspection import Finding
from llmtrack.services.mail import MailFailed
from llmtrack.services.rotation import copies_in
from llmtrack.services.self_signed import Pair
from llmtrack.storage.maintenance import all_newest_event_ms, all_set_up_ms


def settings_findings(data: Data) -> list[Finding]:
    config = data.config  # reading it has refused what is unknown or unusable
    found = [Finding("config", True, str(config.file or "no file: defaults and environment"))]
    if config[BACKUP_SCHEDULE] is not None and not config[BACKUP_RECIPIENT]:
        text = "backups are not sealed: whoever can read them can read everything"
        found.append(Finding("config", True, text, "llmtrack backup keygen"))
    return found


def surrounding_findings(data: Data, name: str) -> list[Finding]:
    config = data.config
    if name in {"mail", "oidc"}:
        return oidc_findings(data) if name == "oidc" else asyncio.run(_mail_findings(data))
    if name == "tls":
        return surroundings.certificate_findings(configured_pair(data), now_ms())
    if name == "backup":
        copies = copies_in(data.backup_directory)
        is_scheduled = config[BACKUP_SCHEDULE] is not None
        return surroundings.backup_findings(
            copies,
            now_ms(),
            is_scheduled=is_scheduled,
            set_up_ms=all_set_up_ms(data.database),
        )
    if name == "ports":
        addresses = config[LISTEN]
        return surroundings.port_findings(addresses, data.directory)
    if name == "clock":
        return surroundings.clock_findings(now_ms(), all_newest_event_ms(data.database))
    return surroundings.disk_findings(
        data.directory, warn_bytes=config[DISK_WARN_FREE], stop_bytes=config[DISK_STOP_FREE]
    )


async def _mail_findings(data: Data) -> list[Finding]:
    """Connects and signs in, and sends nothing."""
    mailer = mailer_of(data.config)
    if mailer is None:
        return [Finding("mail", True, "no mail is sent: mail.host is not set")]
    try:
        await mailer.check()
    except MailFailed as error:
        return [Finding("mail", False, str(error), "see mail.host in: llmtrack config example")]
    return [Finding("mail", True, f"{data.config[MAIL_HOST]} takes mail from here")]


def configured_pair(data: Data) -> Pair | None:
    """The pair that the settings lead to; None for plain http, or where it is not made yet."""
    mode = configured_mode(data.config)
    if mode in {"none", "proxy"}:
        return None
    cert_file = data.config[TLS_CERT_FILE]
    if mode == "files" and cert_file is not None:
        return Pair(cert_file, data.config[TLS_KEY_FILE] or cert_file)
    store = AcmeStore(data.directory / "acme")
    if mode == "acme" and store.facts() is not None:
        return store.pair
    directory = data.directory / "tls"
    pair = Pair(directory / "self-signed.crt", directory / "self-signed.key")
    return pair if pair.cert_file.exists() else None
