"""Who speaks to a TLS port: seen from the first bytes, before there is TLS.

Who speaks plain http hears a clear body instead of silence. Nothing is redirected: the client
has sent its key in the clear already, and following would send it once more.
"""

import json
import ssl
from typing import Any

_BODY = json.dumps(
    {
        "error": "This port takes https alone, and took nothing: use https:// in the address. "
        "What was just sent was readable on the way; if it had a key, replace the key."
    }
).encode()
_ANSWER = (
    b"HTTP/1.1 403 Forbidden\r\n"
    b"Content-Type: application/json\r\n"
    b"Content-Length: %d\r\n"
    b"Cache-Control: no-store\r\n"
    b"X-Content-Type-Options: nosniff\r\n"
    b"Connection: close\r\n\r\n%b" % (len(_BODY), _BODY)
)

_CA_PROTOCOL = b"\x0aacme-tls/1"
"""As a client offers it: its length, then its name."""


class Handshakes:
    """How far all of them together have come: who takes one will send something in a moment."""

    def __init__(self) -> None:
        self.steps = 0


HANDSHAKES = Handshakes()
"""Of this process: OpenSSL's objects know nothing of what they are used for."""


class _Handshake(ssl.SSLObject):
    """Looks at what comes first; an HTTP request is answered once, in plain text."""

    incoming: ssl.MemoryBIO
    outgoing: ssl.MemoryBIO
    is_of_a_ca = False
    """A CA that looks whether a name leads here (RFC 8737); the callback for names is not told
    which protocols are offered."""
    _has_answered = False
    _tail = b""

    def do_handshake(self) -> None:
        HANDSHAKES.steps += 1
        self._look()
        try:
            super().do_handshake()
        except ssl.SSLError as error:
            if error.reason != "HTTP_REQUEST" or self._has_answered:
                raise
            self._has_answered = True
            self.outgoing.write(_ANSWER)
            # What is in `outgoing` is sent only for a handshake that goes on. It ends when the
            # client closes, sends more, or the time for handshakes is over.
            raise ssl.SSLWantReadError from error

    def _look(self) -> None:
        if self.is_of_a_ca or not self.incoming.pending:
            return
        received = self.incoming.read()
        self.incoming.write(received)
        seen = self._tail + received
        self.is_of_a_ca = _CA_PROTOCOL in seen
        self._tail = seen[1 - len(_CA_PROTOCOL) :]


class RefusingContext(ssl.SSLContext):
    """For asyncio's servers, which hand every connection to `wrap_bio`."""

    sslobject_class = _Handshake

    def wrap_bio(
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *args: Any, **kwargs: Any
    ) -> ssl.SSLObject:
        made = super().wrap_bio(incoming, outgoing, *args, **kwargs)
        if isinstance(made, _Handshake):
            made.incoming, made.outgoing = incoming, outgoing
        return made
