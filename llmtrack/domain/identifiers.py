"""Public ids: random, never the row numbers inside.

`wsp_`, `key_`, `usr_` + 16 base32 characters (80 random bits). An event's id is a UUID of
version 7 (RFC 9562) whose time is the event's and whose random part is its row's id: it
leads to the row without an index of its own.
"""

import base64
import secrets
import struct
from uuid import UUID

EVENT_ID_BITS = 62


def new_public_id(prefix: str) -> str:
    return f"{prefix}_{base64.b32encode(secrets.token_bytes(10)).decode().lower()}"


def new_event_ids(count: int) -> list[int]:
    """Random ids, all of one read of the system's randomness.

    Each read gives the interpreter lock away, which a thread beside a busy one waits to have back.
    """
    numbers = struct.unpack(f"<{count}Q", secrets.token_bytes(8 * count))
    return [number >> 64 - EVENT_ID_BITS for number in numbers]


def event_uuid(timestamp_ms: int, event_id: int) -> str:
    number = timestamp_ms << 80 | 0x7 << 76 | 0x2 << 62 | event_id
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def event_row(uuid_text: str) -> tuple[int, int]:
    """(timestamp_ms, id) behind a public event id. Raises ValueError."""
    number = UUID(uuid_text).int
    timestamp_ms, event_id = number >> 80, number & (1 << EVENT_ID_BITS) - 1
    if event_uuid(timestamp_ms, event_id) != uuid_text.lower():
        raise ValueError(f"{uuid_text!r} is no event id")
    return timestamp_ms, event_id
