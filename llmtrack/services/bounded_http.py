"""JSON from other servers, over TLS alone, without redirects, within a time and a size."""

import json
from collections.abc import Mapping
from pathlib import Path
from ssl import SSLContext, create_default_context
from typing import Any

from aiohttp import (
    ClientError,
    ClientSession,
    ClientTimeout,
    StreamReader,
    TCPConnector,
)

TIMEOUT_S = 10.0
CONNECT_S = 5.0
BYTES_MAX = 256 * 1024
JSON_TYPES = {"application/json", "application/jwk-set+json"}


class NoAnswer(OSError):
    """The text says what went wrong; it holds nothing that was sent."""


def trust(ca_file: Path | None) -> SSLContext:
    """The machine's authorities, or those in a file instead. Raises OSError."""
    return create_default_context(cafile=None if ca_file is None else str(ca_file))


async def fetch_json(
    tls: SSLContext,
    url: str,
    *,
    form: Mapping[str, str] | None = None,
    authorization: str | None = None,
) -> dict[str, Any]:
    """GET, or POST of a form. An object, whatever the status is not 200 for. Raises NoAnswer."""
    if not url.startswith("https://"):
        raise NoAnswer(f"{url} is not https")
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    if authorization is not None:
        headers["Authorization"] = authorization
    timeout = ClientTimeout(total=TIMEOUT_S, sock_connect=CONNECT_S)
    try:
        async with (
            ClientSession(timeout=timeout, connector=TCPConnector(ssl=tls)) as session,
            session.request(
                "GET" if form is None else "POST",
                url,
                data=form,
                headers=headers,
                allow_redirects=False,
            ) as response,
        ):
            body = await _bounded(response.content)
            status, kind = response.status, response.content_type
    except (ClientError, TimeoutError, OSError, ValueError) as error:
        raise NoAnswer(f"{url} cannot be reached: {_reason(error)}") from error
    return _read(url, status, kind, body)


async def _bounded(content: StreamReader) -> bytes:
    parts, size = [], 0
    async for part in content.iter_any():
        size += len(part)
        if size > BYTES_MAX:
            raise NoAnswer(f"the answer is larger than {BYTES_MAX // 1024} KiB")
        parts.append(part)
    return b"".join(parts)


def _read(url: str, status: int, kind: str, body: bytes) -> dict[str, Any]:
    try:
        said = json.loads(body) if kind in JSON_TYPES else None
    except (ValueError, RecursionError):
        said = None
    if status != 200:
        code = said.get("error") if isinstance(said, dict) else None
        raise NoAnswer(f"{url} answered {status}" + (f": {str(code)[:100]}" if code else ""))
    if not isinstance(said, dict):
        raise NoAnswer(f"{url} did not answer with a JSON object")
    return said


def _reason(error: Exception) -> str:
    return "no answer in time" if isinstance(error, TimeoutError) else str(error)[:200]
