"""What somebody hears who speaks plain http to a TLS port: a clear body instead of silence.

Nothing is redirected: the client has sent its key in the clear already, and following would
send it once more.
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


class _Handshake(ssl.SSLObject):
    """Answers an HTTP request that came in a handshake's place, once, in plain text."""

    outgoing: ssl.MemoryBIO
    _has_answered = False

    def do_handshake(self) -> None:
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


class RefusingContext(ssl.SSLContext):
    """For asyncio's servers, which hand every connection to `wrap_bio`."""

    sslobject_class = _Handshake

    def wrap_bio(
        self, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO, *args: Any, **kwargs: Any
    ) -> ssl.SSLObject:
        made = super().wrap_bio(incoming, outgoing, *args, **kwargs)
        if isinstance(made, _Handshake):
            made.outgoing = outgoing
        return made
