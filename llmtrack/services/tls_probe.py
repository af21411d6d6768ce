"""What a client sees of a TLS server, whoever has signed its certificate."""

import hashlib
import socket
import ssl
from typing import NamedTuple

TIMEOUT_S = 5


class Seen(NamedTuple):
    """`fingerprint`: SHA-256 of the certificate, as `certificate_facts` writes it."""

    protocol: str
    cipher: str
    fingerprint: str


def probe(host: str, port: int) -> Seen:
    """Raises OSError."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # to look at it is the point
    with (
        socket.create_connection((host, port), timeout=TIMEOUT_S) as plain,
        context.wrap_socket(plain, server_hostname=host) as connection,
    ):
        certificate = connection.getpeercert(binary_form=True) or b""
        name, protocol, _ = connection.cipher() or ("", "", 0)
    digest = hashlib.sha256(certificate).hexdigest().upper()
    pairs = ":".join(digest[place : place + 2] for place in range(0, len(digest), 2))
    return Seen(protocol, name, pairs)
