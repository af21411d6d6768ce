"""TLS for the listening socket: from files, or from a certificate that we sign ourselves.

Every fault names the file and what to do: a certificate is replaced once a year, mostly at
night, by somebody who has never done it.
"""

import ipaddress
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from llmtrack.domain.errors import LLMtrackError
from llmtrack.domain.periods import rfc3339
from llmtrack.services.plain_refusal import RefusingContext

# Mozilla's "intermediate" set without DHE: https://wiki.mozilla.org/Security/Server_Side_TLS.
CIPHERS = (
    "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)


class CertificateUnusable(LLMtrackError):
    """The text names the file, `fix` what to do about it."""


class CertificateFacts(NamedTuple):
    """What to show of the certificate in use."""

    fingerprint: str
    not_before_ms: int
    not_after_ms: int
    names: tuple[str, ...]


def server_context(cert_file: Path, key_file: Path) -> ssl.SSLContext:
    """A context that serves this pair. Raises CertificateUnusable."""
    _check_readable(cert_file, "certificate")
    _check_readable(key_file, "private key")
    context = RefusingContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= (
        ssl.OP_NO_COMPRESSION | ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    )
    # Issuing two tickets of TLS 1.3 takes an eighth of a handshake. Who opens a connection for
    # each event, as the official client does, throws them away; who keeps one needs none.
    context.num_tickets = 0
    context.set_alpn_protocols(["http/1.1"])
    try:
        # Without a callback OpenSSL asks for the passphrase on the terminal, and a service hangs.
        context.load_cert_chain(cert_file, key_file, password=_no_passphrase(key_file))
    except ssl.SSLError as error:
        raise _explain(error, cert_file, key_file) from error
    return context


def certificate_facts(cert_file: Path) -> CertificateFacts:
    """Facts of a file's first certificate. Raises CertificateUnusable."""
    try:
        certificate = x509.load_pem_x509_certificate(cert_file.read_bytes())
    except ValueError as error:
        raise _no_certificate(cert_file) from error
    return CertificateFacts(
        certificate.fingerprint(SHA256()).hex(":").upper(),
        int(certificate.not_valid_before_utc.timestamp()) * 1000,
        int(certificate.not_valid_after_utc.timestamp()) * 1000,
        _names(certificate),
    )


def check_dates(facts: CertificateFacts, cert_file: Path, now_ms: int) -> None:
    """Raise CertificateUnusable outside of the time in which any client would trust it."""
    if facts.not_after_ms <= now_ms:
        raise CertificateUnusable(
            f"the certificate {cert_file} expired at {rfc3339(facts.not_after_ms)}",
            fix="renew it, or serve without it: a self-signed one is made on demand",
        )
    if facts.not_before_ms > now_ms:
        raise CertificateUnusable(
            f"the certificate {cert_file} is not good before {rfc3339(facts.not_before_ms)}",
            fix="check the clock of this machine: timedatectl",
        )


def covers(facts: CertificateFacts, host: str) -> bool:
    return host.lower() in facts.names


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    addresses: list[ipaddress.IPv4Address] = names.get_values_for_type(x509.IPAddress)  # type: ignore[assignment]
    return (
        *(name.lower() for name in names.get_values_for_type(x509.DNSName)),
        *map(str, addresses),
    )


def _check_readable(path: Path, what: str) -> None:
    try:
        with path.open("rb") as file:
            file.read(1)
    except FileNotFoundError:
        raise CertificateUnusable(
            f"the {what} {path} does not exist",
            fix="check the path given with --tls-cert/--tls-key",
        ) from None
    except IsADirectoryError:
        raise CertificateUnusable(
            f"the {what} {path} is a directory", fix="name the PEM file inside it"
        ) from None
    except PermissionError as error:
        raise CertificateUnusable(
            f"the {what} {path} cannot be read by this user",
            fix="give the user that runs llmtrack read access to it",
        ) from error


def _no_passphrase(key_file: Path) -> Callable[[], bytes]:
    def refuse() -> bytes:
        raise CertificateUnusable(
            f"the private key {key_file} is protected by a passphrase",
            fix=f"write an unprotected copy: openssl pkey -in {key_file} -out key.pem",
        )

    return refuse


def _no_certificate(cert_file: Path) -> CertificateUnusable:
    return CertificateUnusable(
        f"{cert_file} holds no PEM certificate",
        fix="--tls-cert takes the full chain: the server's certificate first, then the CA's",
    )


def _explain(error: ssl.SSLError, cert_file: Path, key_file: Path) -> CertificateUnusable:
    """OpenSSL names neither the file nor the reason; look for both."""
    if error.reason == "KEY_VALUES_MISMATCH":
        if place := _place_of_own(cert_file, key_file):
            return CertificateUnusable(
                f"the server's certificate is number {place} in {cert_file}, behind its CA's",
                fix="put it first, then the one that has signed it, and so on",
            )
        return CertificateUnusable(
            f"the private key {key_file} does not belong to the certificate {cert_file}",
            fix="name the key that this certificate was requested with",
        )
    try:
        x509.load_pem_x509_certificate(cert_file.read_bytes())
    except ValueError:
        return _no_certificate(cert_file)
    if b"PRIVATE KEY-----" not in key_file.read_bytes():
        return CertificateUnusable(
            f"{key_file} holds no PEM private key", fix="--tls-key takes a PEM private key"
        )
    return CertificateUnusable(
        f"the pair {cert_file} and {key_file} cannot be used: {error.reason or error}",
        fix="check both with: openssl x509 -noout -text -in CERT, openssl pkey -noout -in KEY",
    )


def _place_of_own(cert_file: Path, key_file: Path) -> int:
    """Which certificate of a file the key belongs to, from 1; 0 if to none."""
    try:
        own = load_pem_private_key(key_file.read_bytes(), None).public_key()
        chain = x509.load_pem_x509_certificates(cert_file.read_bytes())
    except (ValueError, UnsupportedAlgorithm):
        return 0
    places = (place for place, each in enumerate(chain, 1) if each.public_key() == own)
    return next(places, 0)
