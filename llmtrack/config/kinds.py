"""The kinds of values a setting can have: how each is read from text and from TOML.

A reader raises ValueError with a text that completes "must be ...".
"""

import re
from collections.abc import Callable
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar
from urllib.parse import urlsplit

from llmtrack.domain import bech32
from llmtrack.domain.addresses import PORT_MAX, parse_address
from llmtrack.domain.errors import InvalidValue

T = TypeVar("T")

Network = IPv4Network | IPv6Network

_DURATION = re.compile(r"(\d+)\s*(ms|s|m|h|d|w)")
_DURATIONS = {
    "ms": timedelta(milliseconds=1),
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
    "w": timedelta(weeks=1),
}
_SIZE = re.compile(r"(\d+)\s*(B|KiB|MiB|GiB|TiB)?", re.IGNORECASE)
_SIZES = {"": 1, "b": 1, "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40}
_TIME_OF_DAY = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_WORDS = {"true": True, "yes": True, "on": True, "1": True}
_WORDS |= {"false": False, "no": False, "off": False, "0": False}


class Kind(NamedTuple, Generic[T]):
    """`from_text` reads an environment variable or a flag, `from_toml` what TOML has made."""

    name: str
    from_text: Callable[[str], T]
    from_toml: Callable[[object], T]


def _textual(name: str, read: Callable[[str], T]) -> Kind[T]:
    """A kind that is a string in TOML."""

    def from_toml(value: object) -> T:
        if not isinstance(value, str):
            raise ValueError(f"{name}, in quotes")  # noqa: TRY004 - one error for a bad value
        return read(value)

    return Kind(name, read, from_toml)


def _listed(name: str, read: Callable[[str], T]) -> Kind[tuple[T, ...]]:
    """Separated by commas in text, an array in TOML (one string is as good)."""

    def from_text(text: str) -> tuple[T, ...]:
        return tuple(read(part.strip()) for part in text.split(",") if part.strip())

    def from_toml(value: object) -> tuple[T, ...]:
        if isinstance(value, str):
            return from_text(value)
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise ValueError(name)
        return tuple(read(item) for item in value)

    return Kind(name, from_text, from_toml)


def not_empty(kind: Kind[tuple[T, ...]]) -> Kind[tuple[T, ...]]:
    def checked(values: tuple[T, ...]) -> tuple[T, ...]:
        if not values:
            raise ValueError(f"{kind.name} with at least one")
        return values

    return Kind(
        kind.name,
        lambda text: checked(kind.from_text(text)),
        lambda value: checked(kind.from_toml(value)),
    )


def choice(*words: str) -> Kind[str]:
    name = f"one of {', '.join(words)}"

    def read(text: str) -> str:
        if text not in words:
            raise ValueError(name)
        return text

    return _textual(name, read)


def _path(text: str) -> Path | None:
    return Path(text).expanduser() if text else None


def _network(text: str) -> Network:
    try:
        return ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"networks such as 10.0.0.0/8, and {text!r} is none") from None


def _duration(text: str) -> timedelta:
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError("a duration: a whole number and ms, s, m, h, d or w, such as 30s")
    try:
        return int(found[1]) * _DURATIONS[found[2]]
    except OverflowError:
        raise ValueError("a duration of at most 2,700,000 years") from None


def duration_from(least: str) -> Kind[timedelta]:
    name = f"a duration of at least {least}, such as 35d"

    def read(text: str) -> timedelta:
        duration = _duration(text)
        if duration < _duration(least):
            raise ValueError(name)
        return duration

    return _textual(name, read)


def _size(text: str) -> int:
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise ValueError("a size: a whole number and KiB, MiB or GiB, such as 64MiB")
    return int(found[1]) * _SIZES[(found[2] or "").lower()]


def _size_from_toml(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    return _size(value if isinstance(value, str) else "")


def size_from(least: str) -> Kind[int]:
    """0, or at least so much: a forgotten unit must not pass for a few bytes."""
    name = f"a size of at least {least}, such as 20GiB, or 0"

    def checked(size: int) -> int:
        if 0 < size < _size(least):
            raise ValueError(name)
        return size

    return Kind(
        name, lambda text: checked(_size(text)), lambda value: checked(_size_from_toml(value))
    )


def _time_of_day(text: str) -> int | None:
    if not text:
        return None
    found = _TIME_OF_DAY.fullmatch(text)
    if found is None:
        raise ValueError("a time of day such as 03:15, or empty for never")
    return int(found[1]) * 60 + int(found[2])


def _recipient(text: str) -> str:
    name = "a public key that `llmtrack backup keygen` has printed, such as age1..."
    if text:
        try:
            prefix, _ = bech32.decode(text)
        except ValueError as error:
            raise ValueError(f"{name}, and {error}") from None
        if prefix != "age":
            raise ValueError(name)
    return text


def _count(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise ValueError("a whole number")
    return int(text)


def _count_from_toml(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError("a whole number, without quotes")
    return value


def _port(number: int) -> int:
    if not 1 <= number <= PORT_MAX:
        raise ValueError(f"a port: 1 to {PORT_MAX}")
    return number


def _listening(text: str) -> str:
    try:
        parse_address(text)
    except InvalidValue as error:
        raise ValueError(f"HOST:PORT such as 127.0.0.1:8080: {error}") from None
    return text


def _syslog(text: str) -> str:
    if text and not text.startswith("/"):
        try:
            host = parse_address(text).host
        except InvalidValue:
            host = ""
        if not host:
            raise ValueError("a socket such as /dev/log, or HOST:PORT for UDP")
    return text


def _url(text: str) -> str:
    name = "an address such as https://llmtrack.example.com"
    try:
        parts = urlsplit(text)
        is_good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_good = False
    if text and (not is_good or not text.isprintable() or " " in text):
        raise ValueError(f"{name}, and {text[:100]!r} is none")
    return text


def _flag(text: str) -> bool:
    if text.lower() not in _WORDS:
        raise ValueError("true or false")
    return _WORDS[text.lower()]


def _flag_from_toml(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("true or false, without quotes")  # noqa: TRY004 - as above
    return value


TEXT: Kind[str] = _textual("text", str)
URL: Kind[str] = _textual("an http(s) address", _url)
SYSLOG: Kind[str] = _textual("a socket or HOST:PORT", _syslog)
TEXTS: Kind[tuple[str, ...]] = _listed("a list of texts", str)
ADDRESSES: Kind[tuple[str, ...]] = _listed("a list of HOST:PORT", _listening)
PATH: Kind[Path | None] = _textual("a path", _path)
NETWORKS: Kind[tuple[Network, ...]] = _listed("a list of networks such as 10.0.0.0/8", _network)
SIZE: Kind[int] = Kind("a size such as 64MiB", _size, _size_from_toml)
TIME_OF_DAY: Kind[int | None] = _textual("a time of day such as 03:15", _time_of_day)
"""Minutes after midnight."""
RECIPIENT: Kind[str] = _textual("a public key such as age1...", _recipient)
PORT: Kind[int] = Kind(
    "a port", lambda text: _port(_count(text)), lambda value: _port(_count_from_toml(value))
)
COUNT: Kind[int] = Kind("a whole number", _count, _count_from_toml)
FLAG: Kind[bool] = Kind("true or false", _flag, _flag_from_toml)
