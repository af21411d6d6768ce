"""JSON from strangers: what a lenient parser would let pass is refused here.

RFC 8259 leaves duplicate keys and lone surrogates to the receiver; we refuse both, and NUL,
because each would be stored as something other than what was sent.
"""

import re
from typing import Any

import msgspec

from llmtrack.domain.errors import InvalidEvent

_decoder = msgspec.json.Decoder()
# Every string of a valid document, in order; group 1 is ":" where the string is a key.
_STRINGS = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"\s*+(:)?')
_STRINGS_AND_MARKS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[][{},"]', re.DOTALL)


def decode_json(body: bytes) -> Any:
    """The document as Python values. Raises InvalidEvent("body", why)."""
    try:
        text = body.decode()
        document = _decoder.decode(body)
        members = count_members(document)
    except RecursionError:
        raise InvalidEvent("body", "the JSON is nested too deeply") from None
    except UnicodeDecodeError:
        raise InvalidEvent("body", "the body is not UTF-8") from None
    except msgspec.MsgspecError as error:
        raise InvalidEvent("body", f"the body is not valid JSON: {error}") from None
    if members != _STRINGS.findall(text).count(":"):
        raise InvalidEvent("body", "the JSON has a duplicate key")
    if "\\u0000" in text and contains_nul(document):
        raise InvalidEvent("body", "the JSON has a NUL character")
    return document


def split_array(body: bytes) -> list[bytes]:
    """The items of an array that is not valid JSON throughout, by its brackets alone.

    The one item that is at fault (a lone surrogate, NaN) can then fail alone. Raises
    InvalidEvent("body").
    """
    text = body.strip()
    items: list[bytes] = []
    depth, start = 0, 1
    for found in _STRINGS_AND_MARKS.finditer(text if text.startswith(b"[") else b""):
        mark = found[0]
        if mark in b"[{":
            depth += 1
        elif mark in b"]}":
            depth -= 1
        if depth == 0 or (depth == 1 and mark == b","):
            items.append(text[start : found.start()].strip())
            start = found.end()
        if depth == 0 or mark == b'"':  # the end, or a string that has none
            break
    if depth or start != len(text) or not all(items):
        raise InvalidEvent("body", "the body is not a JSON array")
    return items


def count_members(value: Any) -> int:
    """How many object members a document has, at all depths. Raises RecursionError."""
    if type(value) is dict:
        count = len(value)
        for member in value.values():
            if type(member) is dict or type(member) is list:
                count += count_members(member)
        return count
    if type(value) is list:
        return sum(map(count_members, value))
    return 0


def contains_nul(value: Any) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, dict):
        return any(map(contains_nul, value)) or any(map(contains_nul, value.values()))
    if isinstance(value, list):
        return any(map(contains_nul, value))
    return False
