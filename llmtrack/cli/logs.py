"""How the server's log looks: for a terminal, for the journal, or as JSON lines.

A line is never allowed to carry a key or a token, whoever wrote it: what looks like one is
blanked on the way out.
"""

import json
import logging
import os
import re
import sys
import time
from datetime import UTC, datetime
from typing import TextIO

import click

_SECRETS = re.compile(
    r"llmt_[0-9A-Za-z]{6,}|(?i:bearer\s+)[\w.~+/=-]{8,}|(?<=token=)[\w-]{8,}|AGE-SECRET-KEY-\w+"
)
_BLANK = "(secret)"
# The journal's priorities, see sd-daemon(3).
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}


def set_up_logging(level: str, form: str, stream: TextIO = sys.stderr) -> None:
    """`form`: auto, tty, journal or json. May be called again with another level."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(_formatter(form, stream))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    # Every connection that a scanner breaks off would be a line.
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)
    logging.getLogger("aiohttp").setLevel(max(logging.WARNING, root.level))


def say(text: str) -> None:
    """What the server tells whoever has started it, also a link that no log may have.

    On stderr, as the log; among JSON lines a JSON line.
    """
    handlers = logging.getLogger().handlers
    if handlers and isinstance(handlers[0].formatter, _JsonLines):
        text = _json_line(time.time(), "info", "llmtrack", text)
    click.echo(text, err=True)


def blanked(text: str) -> str:
    return _SECRETS.sub(_BLANK, text)


def _formatter(form: str, stream: TextIO) -> logging.Formatter:
    if form == "auto":
        form = "journal" if _is_journal(stream) else "tty"
    return {"json": _JsonLines, "journal": _JournalLines}.get(form, _Lines)()


def _is_journal(stream: TextIO) -> bool:
    """Systemd names the journal's socket by device and inode, see systemd.exec(5)."""
    try:
        found = os.fstat(stream.fileno())
    except (OSError, ValueError):
        return False
    return os.environ.get("JOURNAL_STREAM") == f"{found.st_dev}:{found.st_ino}"


class _Lines(logging.Formatter):
    """`2026-11-20T12:00:00Z warning llmtrack.services.jobs: text`"""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return f"{at} {record.levelname.lower():<7} {record.name}: {self._text(record)}"

    def _text(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        return blanked(text)


class _JournalLines(_Lines):
    """The journal has the time itself, and takes each line's priority from its beginning."""

    def format(self, record: logging.LogRecord) -> str:
        prefix = f"<{_PRIORITIES.get(record.levelno, 2)}>"
        text = f"{record.name}: {self._text(record)}"
        return "\n".join(prefix + line for line in text.splitlines())


class _JsonLines(_Lines):
    def format(self, record: logging.LogRecord) -> str:
        level = record.levelname.lower()
        return _json_line(record.created, level, record.name, self._text(record))


def _json_line(created_s: float, level: str, logger: str, message: str) -> str:
    at = datetime.fromtimestamp(created_s, UTC).isoformat(timespec="milliseconds")
    line = {
        "time": at.replace("+00:00", "Z"),
        "level": level,
        "logger": logger,
        "message": message,
    }
    return json.dumps(line)
