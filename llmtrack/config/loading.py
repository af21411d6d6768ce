"""Reads the settings: flag, environment, environment's file, the one TOML file, default.

A key or a variable that nobody knows is an error: a misspelt setting that is silently
ignored is found out on the day it would have mattered.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from llmtrack.config.setting import Setting
from llmtrack.config.table import BY_KEY, DATA_DIR, OTHER_VARIABLES, SETTINGS
from llmtrack.domain.errors import LLMtrackError

T = TypeVar("T")

SYSTEM_FILE = Path("/etc/llmtrack/llmtrack.toml")
SYSTEM_DATA_DIR = Path("/var/lib/llmtrack")
LOCAL_DATA_DIR = Path("llmtrack-data")
FILE_NAME = "llmtrack.toml"
PREFIX = "LLMTRACK_"
_FILE = "_FILE"
_HEADER = re.compile(r"\s*\[\s*([\w.-]+)\s*\]")
_ASSIGNMENT = re.compile(r"\s*([\w.\"'-]+)\s*=")
_SYNTAX_PLACE = re.compile(r"\s*\(at line (\d+), column \d+\)")

_QUOTES = 'texts are in quotes: key = "value"'
_UTF8 = "save it as UTF-8, or see whether it is the right file"
_TOML_FIXES = {
    "overwrite": "the setting stands there twice: keep one",
    "twice": "the section stands there twice: make one of both",
}
"""By a word of what the parser says."""

Flags = Mapping[Setting[Any], str]


class ConfigUnusable(LLMtrackError):
    """A setting that is unknown or has no usable value; the text says where it stands."""


class Value(NamedTuple):
    """What a setting is and where that was said."""

    value: Any
    text: str
    origin: str


class Config:
    """The settings in force. `config[LISTEN]` has the type of its kind."""

    def __init__(self, values: Mapping[str, Value], file: Path | None) -> None:
        self._values = values
        self.file = file

    def __getitem__(self, setting: Setting[T]) -> T:
        value: T = self._values[setting.key].value
        return value

    def told(self, setting: Setting[Any]) -> Value:
        return self._values[setting.key]

    @property
    def data_dir(self) -> Path:
        """As set, else by `default_data_dir`, which `load` has asked already."""
        path = self[DATA_DIR]
        assert path is not None  # noqa: S101 - `load` resolves it
        return path


def load(flags: Flags, environ: Mapping[str, str], *, file: Path | None = None) -> Config:
    """All settings. `file` must exist if it is given. Raises ConfigUnusable, OSError."""
    _refuse_unknown_variables(environ)
    told = {
        setting: value
        for setting in SETTINGS
        for value in [_from_outside(setting, flags, environ)]
        if value is not None
    }
    path = _find_file(told, environ, file)
    if path is not None:
        for setting, value in read_file(path).items():
            if (
                setting is DATA_DIR
                and path.name == FILE_NAME
                and path.parent == _data_dir(told, environ)
            ):
                raise ConfigUnusable(
                    f"{path}: data_dir cannot be set by a file inside it",
                    fix="use --data-dir, LLMTRACK_DATA_DIR or another configuration file",
                )
            told.setdefault(setting, value)
    values = {
        setting.key: told.get(setting)
        or Value(setting.kind.from_text(setting.default), setting.default, "default")
        for setting in SETTINGS
    }
    if values[DATA_DIR.key].value is None:
        values[DATA_DIR.key] = default_data_dir(environ)
    return Config(values, path)


def default_data_dir(environ: Mapping[str, str]) -> Value:
    # systemd separates several state directories by colons; the unit's first one is ours.
    state = environ.get("STATE_DIRECTORY", "").split(":")[0]
    if state:
        return Value(Path(state), state, "STATE_DIRECTORY")
    path = SYSTEM_DATA_DIR if SYSTEM_DATA_DIR.is_dir() else LOCAL_DATA_DIR
    return Value(path, str(path), "default")


def read_file(path: Path) -> dict[Setting[Any], Value]:
    """What a file sets. Raises ConfigUnusable with file:line, OSError."""
    text = _text_of(path)
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found_place = _SYNTAX_PLACE.search(str(error))
        line = f":{found_place[1]}" if found_place else ""
        said = _SYNTAX_PLACE.sub("", str(error))
        fix = next((fix for word, fix in _TOML_FIXES.items() if word in said), _QUOTES)
        raise ConfigUnusable(f"{path}{line}: no TOML: {said}", fix=fix) from None
    lines = _lines_of_keys(text)
    found = {}
    for key, raw in _flattened(document, ""):
        place = f"{path}:{_line_of(key, lines)}"
        if key not in BY_KEY:
            raise ConfigUnusable(f"{place}: unknown setting {key!r}", fix=_nearest(key, BY_KEY))
        setting = BY_KEY[key]
        try:
            value = setting.kind.from_toml(raw)
        except ValueError as error:
            raise _bad(place, key, error) from None
        found[setting] = Value(value, _as_text(raw), place)
    return found


def _from_outside(setting: Setting[Any], flags: Flags, environ: Mapping[str, str]) -> Value | None:
    """From a flag, a variable, or the file that a variable or systemd's credentials name."""
    if setting in flags:
        return _read(setting, flags[setting], "flag")
    direct = environ.get(setting.variable) or None
    by_file = environ.get(setting.variable + _FILE) or None
    if direct is not None and by_file is not None:
        raise ConfigUnusable(
            f"{setting.variable} and {setting.variable}{_FILE} are both set",
            fix="unset one of them",
        )
    if direct is not None:
        return _read(setting, direct, setting.variable)
    if by_file is not None:
        return _read(setting, _first_line(Path(by_file)), f"{setting.variable}{_FILE} ({by_file})")
    credentials = environ.get("CREDENTIALS_DIRECTORY")
    credential = Path(credentials) / setting.key if credentials else None
    if credential is not None and credential.is_file():
        return _read(setting, _first_line(credential), str(credential))
    return None


def _read(setting: Setting[Any], text: str, origin: str) -> Value:
    try:
        return Value(setting.kind.from_text(text), text, origin)
    except ValueError as error:
        raise _bad(origin, setting.key, error) from None


def _bad(place: str, key: str, error: ValueError) -> ConfigUnusable:
    return ConfigUnusable(
        f"{place}: {key} must be {error}", fix="see all settings with: llmtrack config example"
    )


def _first_line(path: Path) -> str:
    return _text_of(path).partition("\n")[0].rstrip("\r")


def _text_of(path: Path) -> str:
    """Raises ConfigUnusable, OSError."""
    if path.is_dir():
        raise ConfigUnusable(f"{path} is a directory", fix="name the file itself")
    try:
        return path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigUnusable(f"{path} is no text in UTF-8: {error.reason}", fix=_UTF8) from None


def _refuse_unknown_variables(environ: Mapping[str, str]) -> None:
    known = {setting.variable for setting in SETTINGS}
    known |= {name + _FILE for name in known} | OTHER_VARIABLES.keys()
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in known:
            raise ConfigUnusable(
                f"unknown environment variable {name}",
                fix=f"{_nearest(name, known)}, or unset it",
            )


def _find_file(
    told: Mapping[Setting[Any], Value], environ: Mapping[str, str], file: Path | None
) -> Path | None:
    """The one file that is read: the named one, else the first that is there."""
    named = file or (Path(environ["LLMTRACK_CONFIG"]) if environ.get("LLMTRACK_CONFIG") else None)
    if named is not None:
        if not named.exists():
            raise ConfigUnusable(f"there is no configuration file {named}", fix="check --config")
        return named
    home = environ.get("XDG_CONFIG_HOME") or (
        f"{environ['HOME']}/.config" if environ.get("HOME") else None
    )
    candidates = [SYSTEM_FILE]
    if home and _may_enter(Path(home)):
        candidates.append(Path(home) / "llmtrack" / FILE_NAME)
    candidates.append(_data_dir(told, environ) / FILE_NAME)
    return next((path for path in candidates if path.is_file()), None)


def _may_enter(home: Path) -> bool:
    """False where HOME is still another user's, as after runuser or some sudo."""
    try:
        return home.is_dir() and os.access(home, os.X_OK)
    except PermissionError:
        return False


def _data_dir(told: Mapping[Setting[Any], Value], environ: Mapping[str, str]) -> Path:
    value = told.get(DATA_DIR)
    found = value.value if value is not None and value.value else default_data_dir(environ).value
    return Path(found)


def _flattened(table: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value


def _lines_of_keys(text: str) -> dict[str, int]:
    """The line of each key; TOML's parser keeps none. Good enough for keys as people write them."""
    lines: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), 1):
        if header := _HEADER.match(line):
            section = header[1] + "."
            lines.setdefault(header[1], number)
        elif assignment := _ASSIGNMENT.match(line):
            lines.setdefault(section + assignment[1].strip("\"'"), number)
    return lines


def _line_of(key: str, lines: Mapping[str, int]) -> int:
    """Of the key, else of the table around it."""
    while key not in lines and "." in key:
        key = key.rpartition(".")[0]
    return lines.get(key, 1)


def _nearest(name: str, known: Mapping[str, Any] | set[str]) -> str:
    found = difflib.get_close_matches(name, list(known), n=1)
    if found:
        return f"did you mean {found[0]}?" if "?" not in found[0] else found[0]
    return "see all settings with: llmtrack config example"


def _as_text(raw: object) -> str:
    """A TOML value as a variable would have it."""
    if isinstance(raw, bool):
        return "true" if raw else "false"
    return ",".join(map(str, raw)) if isinstance(raw, list) else str(raw)
