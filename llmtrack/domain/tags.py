"""Tags: members of an event's metadata that a workspace has chosen to count by."""

from collections.abc import Sequence

import msgspec

from llmtrack.domain.errors import InvalidValue

TAGS_MAX = 5
"""Of one workspace: each adds some ten rows of sums to a batch of events."""
VALUES_MAX = 500
"""Different values of one tag that are counted on their own; later ones count as "other"."""
KEY_CHARS_MAX = 64
VALUE_CHARS_MAX = 200

PREFIX = "tag:"
"""Before a tag's key: its name beside those of other dimensions."""

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode
_NUL = b"\\u0000"


def checked_key(text: str) -> str:
    """The name of a member of metadata. Raises InvalidValue."""
    key = text.strip()
    if not 1 <= len(key) <= KEY_CHARS_MAX:
        raise InvalidValue("tag", f"a tag is 1 to {KEY_CHARS_MAX} characters long")
    # Quotes would end the path by which SQLite finds the member; the rest cannot be typed.
    if not key.isprintable() or '"' in key or "\\" in key:
        raise InvalidValue("tag", "a tag has no quotes, backslashes or control characters")
    return key


def tag_name(key: str) -> str:
    return f"{PREFIX}{key}"


def key_of(name: str) -> str | None:
    """The key of a tag's name; None: the name of another dimension."""
    return name.removeprefix(PREFIX) if name.startswith(PREFIX) else None


def tag_values(metadata: str, keys: Sequence[str]) -> list[str | None]:
    """What metadata (compact JSON text of an object) says of each key, as text.

    Text as it is, numbers as they are written, `true` or `false`. None where there is nothing
    to count by: no such member, null, empty text, a list or an object.
    """
    try:
        members = _decode(metadata)
    except msgspec.MsgspecError:  # no object: never stored by us, but sums must go on
        return [None] * len(keys)
    return [_text_of(members.get(key)) for key in keys]


def _text_of(member: msgspec.Raw | None) -> str | None:
    if member is None:
        return None
    raw = bytes(member)
    if raw[:1] == b'"':
        # SQLite ends a text there: such a value stays as it is written and counts as "other".
        return raw.decode() if _NUL in raw else _decode_text(raw) or None
    return None if raw[:1] in b"{[" or raw == b"null" else raw.decode()


def can_be_named(value: str) -> bool:
    """Whether a value may be counted on its own: what is not counts as "other"."""
    return len(value) <= VALUE_CHARS_MAX and _NUL.decode() not in value
