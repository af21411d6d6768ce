"""Settings of what is logged, and of where the audit log is anchored."""

from typing import Any

from llmtrack.config.kinds import SYSLOG, choice
from llmtrack.config.setting import Setting

LOG_LEVEL = Setting(
    "log.level",
    choice("debug", "info", "warning", "error"),
    "info",
    "What is logged, on stderr. Keys and tokens never are.",
    reloads=True,
)
LOG_FORMAT = Setting(
    "log.format",
    choice("auto", "tty", "journal", "json"),
    "auto",
    "auto: as the journal wants it under systemd, else a line a message; json: an object a line.",
    reloads=True,
)

AUDIT_SYSLOG = Setting(
    "audit.syslog",
    SYSLOG,
    "",
    "Where the ends of the audit log's chains are sent every minute in which they grew, so that "
    "entries that were cut off are found out: /dev/log, or HOST:PORT for UDP. Empty: nowhere.",
)
SETTINGS: tuple[Setting[Any], ...] = (LOG_LEVEL, LOG_FORMAT, AUDIT_SYSLOG)
