"""Sends events to a server's `/api/ingest`, as a client would."""

import hashlib
import ipaddress
import json
import ssl
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from http.client import HTTPResponse
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from llmtrack.cli.exit_codes import CommandFailed, ExitCode
from llmtrack.cli.output import visible
from llmtrack.domain.errors import InvalidValue, Refused

TIMEOUT_S = 10
ATTEMPTS = 3
RETRY_S = 0.5


class Sent(NamedTuple):
    """What the server said of one event."""

    number: int
    status: int
    answer: dict[str, Any]

    @property
    def is_stored(self) -> bool:
        return self.status == 200

    def as_json(self) -> str:
        return json.dumps({"number": self.number, "status": self.status, "answer": self.answer})

    def __str__(self) -> str:
        answer = self.answer
        if not self.is_stored:
            field = f" ({answer['field']})" if "field" in answer else ""
            said = answer.get("message") or answer.get("error") or "no reason given"
            return f"{self.number}  refused    {self.status}  {visible(said)}{visible(field)}"
        if answer.get("duplicate"):
            return f"{self.number}  duplicate  it was stored before"
        cost = f"{Decimal(str(answer.get('cost') or 0)):f} USD"
        if answer.get("pricing_status") != "ok":
            cost = f"no cost: {answer.get('pricing_status')}"
        return f"{self.number}  stored     {visible(answer.get('id'))}  {visible(cost)}"


class Sender:
    """Posts documents one after another with one key."""

    def __init__(self, url: str, key: str, ca_file: str | None) -> None:
        base = urlsplit(url)
        if base.scheme not in {"http", "https"} or not base.hostname:
            raise InvalidValue("url", f"{url!r} is no http or https address")
        if base.scheme == "http" and not _is_loopback(base.hostname):
            raise Refused("a key is never sent over plain http", fix="use https")
        self._url = f"{url.rstrip('/')}/api/ingest"
        self._key = key
        handlers: list[urllib.request.BaseHandler] = [_NoRedirect()]
        if base.scheme == "https":
            context = ssl.create_default_context(cafile=ca_file)
            handlers.append(urllib.request.HTTPSHandler(context=context))
        if _is_loopback(base.hostname):
            handlers.append(urllib.request.ProxyHandler({}))
        self._opener = urllib.request.build_opener(*handlers)
        self._seen: Counter[bytes] = Counter()
        self._number = 0

    def send(self, document: bytes) -> Sent:
        """Raises CommandFailed when the server cannot be reached or refuses the key."""
        self._number += 1
        request = urllib.request.Request(self._url, document, self._headers(document))  # noqa: S310
        for attempt in range(1, ATTEMPTS + 1):
            status, answer = self._post(request)
            if status < 500 or attempt == ATTEMPTS:
                break
            time.sleep(RETRY_S * attempt)
        if status == 401:
            reason = visible(answer.get("error"))
            raise CommandFailed(f"the server refuses this key: {reason}", ExitCode.FAILURE, fix="")
        return Sent(self._number, status, answer)

    def _headers(self, document: bytes) -> dict[str, str]:
        digest = hashlib.sha256(document).digest()
        self._seen[digest] += 1  # the same event twice in a file is two events
        return {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "Idempotency-Key": f"{digest.hex()[:32]}-{self._seen[digest]}",
        }

    def _post(self, request: urllib.request.Request) -> tuple[int, dict[str, Any]]:
        try:
            with self._opener.open(request, timeout=TIMEOUT_S) as response:
                return _read(response, response.status)
        except urllib.error.HTTPError as error:
            return _read(error, error.code)
        except (urllib.error.URLError, OSError) as error:
            reason = getattr(error, "reason", error)
            raise CommandFailed(
                f"{self._url} cannot be reached: {reason}",
                ExitCode.IO,
                fix="name the server's certificate with --ca-file"
                if isinstance(reason, ssl.SSLCertVerificationError)
                else "check that the server runs and that --url is right",
            ) from error


def documents(file: Path) -> Iterator[bytes]:
    """The events of a file: an array, one object, or one a line (read line by line)."""
    with file.open("rb") as lines:
        first = next((line for line in lines if line.strip()), b"").strip()
        if first.startswith(b"[") or not _is_json(first):
            yield from _whole(file)
            return
        yield first
        yield from (line.strip() for line in lines if line.strip())


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A redirect would hand the key to whoever it points to."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _whole(file: Path) -> Iterator[bytes]:
    content = file.read_bytes()
    if not content.strip():
        raise InvalidValue("file", f"{file} is empty")
    try:
        document = json.loads(content)
    except ValueError as error:
        raise InvalidValue("file", f"{file} is no JSON: {error}") from error
    if isinstance(document, list):
        yield from (json.dumps(item).encode() for item in document)
    else:
        yield content.strip()


def _is_json(text: bytes) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _read(
    response: HTTPResponse | urllib.error.HTTPError, status: int
) -> tuple[int, dict[str, Any]]:
    try:
        answer = json.loads(response.read(1_000_000))
    except ValueError:
        answer = None
    return status, answer if isinstance(answer, dict) else {}


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
