"""A condition on an event's metadata as a person types it: name=value."""

import re
from typing import NamedTuple

import msgspec

_QUOTED_NAME = re.compile(r'\s*("(?:[^"\\]|\\.)*")\s*=')
_decode_text = msgspec.json.Decoder(str).decode


class MetadataCondition(NamedTuple):
    """The member of that name reads so: text as it is, all else as JSON writes it."""

    name: str
    value: str


def metadata_condition(text: str) -> MetadataCondition:
    """Split at the first `=`; spaces around the name and the value are left out.

    Double quotes, as in JSON, keep what would be lost: `"a=b"=" x "`. Raises ValueError.
    """
    quoted = _QUOTED_NAME.match(text)
    name, equals, value = text.partition("=")
    if quoted is not None:
        name, value = quoted[1], text[quoted.end() :]
    name, value = _unquoted(name.strip()), _unquoted(value.strip())
    # No path by which SQLite finds a member can have a quote in it.
    if not name or not equals or '"' in name or "\0" in name + value:
        raise ValueError("not written as name=value")
    return MetadataCondition(name, value)


def _unquoted(text: str) -> str:
    """The text within quotes; what is not in quotes on both sides stays as it is."""
    if not (text.startswith('"') and text.endswith('"')):
        return text
    try:
        return _decode_text(text)
    except (msgspec.MsgspecError, UnicodeError):
        return text
