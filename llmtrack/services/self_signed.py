"""The certificate of a machine that has none: made once, kept, remade before it expires."""

import fcntl
import ipaddress
import socket
import struct
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from llmtrack.services.certificates import CertificateUnusable, certificate_facts, covers
from llmtrack.services.files import make_directory, write_private

LIFETIME = timedelta(days=397)  # what browsers still accept
RENEW_MS = 30 * 86_400_000
_SIOCGIFADDR = 0x8915

_SIGNS_HANDSHAKES = x509.KeyUsage(
    digital_signature=True,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=False,
    crl_sign=False,
    encipher_only=False,
    decipher_only=False,
)

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


class Pair(NamedTuple):
    cert_file: Path
    key_file: Path


def self_signed_pair(directory: Path, *, host: str, now_ms: int) -> Pair:
    """The pair in `directory`, made if it is missing, near its end or not for `host`."""
    pair = Pair(directory / "self-signed.crt", directory / "self-signed.key")
    if not _still_good(pair, host, now_ms):
        make_directory(directory)
        certificate, key = _make(_dns_names(host), _addresses(host), now_ms)
        # The key first: a crash between the two leaves a pair that does not match, which
        # `_still_good` sees, and no certificate without a key.
        write_private(pair.key_file, key)
        write_private(pair.cert_file, certificate)
    return pair


def local_addresses() -> list[_Address]:
    """The machine's own addresses, without loopback and link-local ones."""
    found = [ipaddress.ip_address(text) for text in (*_ipv4_addresses(), *_ipv6_addresses())]
    return [item for item in found if not item.is_loopback and not item.is_link_local]


def _still_good(pair: Pair, host: str, now_ms: int) -> bool:
    if not (pair.cert_file.exists() and pair.key_file.exists()):
        return False
    try:
        facts = certificate_facts(pair.cert_file)
        key = serialization.load_pem_private_key(pair.key_file.read_bytes(), None)
        certificate = x509.load_pem_x509_certificate(pair.cert_file.read_bytes())
    except (CertificateUnusable, ValueError, TypeError):
        return False
    # Addresses may change with every DHCP lease, but clients pin this certificate: it is
    # replaced for a host that was asked for, not for one that happens to be there.
    asked = not host or _is_wildcard(host) or covers(facts, host)
    return (
        asked
        and facts.not_after_ms - now_ms > RENEW_MS
        and certificate.public_key() == key.public_key()
    )


def _make(
    dns_names: Iterable[str], addresses: Iterable[_Address], now_ms: int
) -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    now = datetime.fromtimestamp(now_ms / 1000, UTC)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "LLMtrack self-signed")])
    san = [*map(x509.DNSName, dns_names), *map(x509.IPAddress, addresses)]
    identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        # An hour back, for clients whose clock is behind.
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + LIFETIME - timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(san), critical=False)
        # No CA: clients that trust this certificate trust this server, and nothing it signs.
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_SIGNS_HANDSHAKES, critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(identifier, critical=False)
        .sign(key, SHA256())
    )
    pem = serialization.Encoding.PEM
    pkcs8 = serialization.PrivateFormat.PKCS8
    return certificate.public_bytes(pem), key.private_bytes(
        pem, pkcs8, serialization.NoEncryption()
    )


def _dns_names(host: str) -> list[str]:
    names = {"localhost", socket.gethostname().lower()}
    if host and _as_address(host) is None:
        names.add(host.lower())
    return sorted(name for name in names if name.isascii() and name)


def _addresses(host: str) -> list[_Address]:
    found = {ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"), *local_addresses()}
    address = _as_address(host)
    if address is not None and not address.is_unspecified:
        found.add(address)
    return sorted(found, key=lambda item: (item.version, int(item)))


def _is_wildcard(host: str) -> bool:
    address = _as_address(host)
    return address is not None and address.is_unspecified


def _as_address(host: str) -> _Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _ipv4_addresses() -> list[str]:
    """The first IPv4 address of each interface, asked from the kernel: no resolver can hang."""
    found: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        for _, name in socket.if_nameindex():
            request = struct.pack("256s", name.encode()[:15])
            try:
                answer = fcntl.ioctl(probe.fileno(), _SIOCGIFADDR, request)
            except OSError:  # an interface without an IPv4 address, or not Linux
                continue
            found.append(socket.inet_ntop(socket.AF_INET, answer[20:24]))
    return found


def _ipv6_addresses() -> list[str]:
    try:
        lines = Path("/proc/net/if_inet6").read_text(encoding="ascii").splitlines()
    except OSError:
        return []
    return [str(ipaddress.IPv6Address(bytes.fromhex(line.split()[0]))) for line in lines]
