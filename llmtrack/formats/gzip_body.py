"""Compressed request bodies: unpacked within a bound, and only if they are whole."""

import zlib

from llmtrack.domain.errors import InvalidEvent

_GZIP = 16 + zlib.MAX_WBITS


def unpack_gzip(body: bytes, bytes_max: int) -> bytes:
    """What one gzip member (RFC 1952) holds. Raises InvalidEvent("body", why)."""
    member = zlib.decompressobj(_GZIP)
    try:
        unpacked = member.decompress(body, bytes_max + 1)
    except zlib.error:
        raise InvalidEvent("body", "the body is not gzip, as its headers say") from None
    if len(unpacked) > bytes_max:
        raise InvalidEvent("body", f"the unpacked body is larger than {bytes_max} bytes")
    if not member.eof:  # also without the check sum at its end: who knows what is missing
        raise InvalidEvent("body", "the gzip body is cut off")
    if member.unused_data:
        raise InvalidEvent("body", "the gzip body has something after its end")
    return unpacked
