"""Looks for secrets in what the server logs: the whole test run is its corpus."""

import logging
import re

PASSWORDS = (
    "correct horse battery staple",
    "seven wild geese over the lake",
    "five random words for bob",
)
_SHAPES = {
    "an API key": r"llmt_[0-9A-Za-z]{36}",
    "a token of a session, link or cookie": r"(?<![\w-])[\w-]{43}(?![\w-])",
    "a recovery code": r"\b(?:[a-z2-7]{4}-){5}[a-z2-7]{4}\b",
    "a one-time code": r"\bcode\W{1,3}\d{6}\b",
    "a provider's key": r"\bsk-[A-Za-z0-9_-]{20,}",
    "a private key": r"-----BEGIN [A-Z ]*PRIVATE KEY",
    "a password's hash": r"\$argon2id\$",
    "a password": "|".join(map(re.escape, PASSWORDS)),
}
_PATTERNS = {kind: re.compile(shape) for kind, shape in _SHAPES.items()}


def secrets_in(text: str) -> list[str]:
    """The kinds of secrets that a text holds."""
    return [kind for kind, pattern in _PATTERNS.items() if pattern.search(text)]


class LogScan(logging.Handler):
    """Reads every message as it would be written, with its traceback."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.found: list[str] = []
        self.read = 0

    def emit(self, record: logging.LogRecord) -> None:
        text = self.format(record)
        self.read += 1
        self.found += [f"{kind} in: {text[:200]}" for kind in secrets_in(text)]
