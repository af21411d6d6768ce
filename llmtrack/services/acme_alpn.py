"""The certificate with which a challenge by tls-alpn-01 is answered (RFC 8737).

It says one thing to one visitor: the CA, which offers the protocol `acme-tls/1`.
"""

import hashlib
import ssl
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from llmtrack.services.acme_store import AcmeStore, Challenge
from llmtrack.services.certificates import server_context
from llmtrack.services.files import write_private

PROTOCOL = "acme-tls/1"
_IDENTIFIER = x509.ObjectIdentifier("1.3.6.1.5.5.7.1.31")
_LIFETIME = timedelta(days=1)


def alpn_context(store: AcmeStore, server_name: str | None) -> ssl.SSLContext | None:
    """For a handshake that offers PROTOCOL; None if no challenge is open for that name."""
    challenge = store.alpn_challenge(server_name)
    return None if challenge is None else _context(challenge, store.directory)


@lru_cache(maxsize=16)
def _context(challenge: Challenge, directory: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    with TemporaryDirectory(dir=directory) as scratch:
        file = Path(scratch) / "challenge.pem"
        write_private(file, _key_pem(key) + _certificate(challenge, key))
        context = server_context(file, file)
    context.set_alpn_protocols([PROTOCOL])
    return context


def _certificate(challenge: Challenge, key: ec.EllipticCurvePrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "ACME challenge")])
    now = datetime.now(UTC)
    # DER: an octet string of 32 bytes.
    proof = b"\x04\x20" + hashlib.sha256(challenge.key_authorization.encode()).digest()
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LIFETIME)
        .not_valid_after(now + _LIFETIME)
        .add_extension(
            x509.SubjectAlternativeName([_general_name(challenge.identifier)]), critical=False
        )
        .add_extension(x509.UnrecognizedExtension(_IDENTIFIER, proof), critical=True)
        .sign(key, SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def _general_name(identifier: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(identifier))
    except ValueError:
        return x509.DNSName(identifier)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
