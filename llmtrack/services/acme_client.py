"""Orders a certificate from a CA by ACME (RFC 8555), blocking.

The library `acme` knows the protocol; what it lacks is here: tls-alpn-01 (RFC 8737), which it
dropped, and patience with nonces that are refused, of which it tries a second one alone.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from typing import Any, NamedTuple

import requests
from acme import challenges, client, crypto_util, errors, messages
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from josepy.jwa import ES256
from josepy.jwk import JWK, JWKEC
from josepy.util import ComparableECKey

from llmtrack import __version__
from llmtrack.domain.errors import LLMtrackError
from llmtrack.services.acme_store import AcmeStore, Challenge

NONCES_MAX = 12
TIMEOUT_S = 30
VALIDATION = timedelta(seconds=90)


class CertificateNotIssued(LLMtrackError):
    """The CA could not be reached, or would not; the text is its own where it has one."""


class Order(NamedTuple):
    """`challenge`: http-01 or tls-alpn-01. `ca_file`: whom to trust as the CA's server."""

    directory_url: str
    domains: tuple[str, ...]
    challenge: str
    accepts_terms: bool
    email: str = ""
    ca_file: Path | None = None
    eab_key_id: str = ""
    eab_hmac_key: str = ""
    """base64url, as the CA has given it out."""


def issue(order: Order, store: AcmeStore) -> None:
    """Order, have the challenges answered, keep the certificate. Raises CertificateNotIssued."""
    try:
        _issue(order, store)
    except LLMtrackError:
        raise
    except Exception as error:  # its answers are anybody's: what it sends may be of any shape
        raise CertificateNotIssued(
            f"{order.directory_url} issued no certificate for {', '.join(order.domains)}: "
            f"{_reason(error)}",
            fix="see docs/tls.md: the names must lead here, and the CA must reach "
            + ("port 80" if order.challenge == "http-01" else "port 443"),
        ) from error


class _Network(client.ClientNetwork):
    def post(self, *args: Any, **kwargs: Any) -> requests.Response:
        for attempt in range(NONCES_MAX):
            try:
                return self._post_once(*args, **kwargs)
            except messages.Error as error:
                if error.code != "badNonce" or attempt == NONCES_MAX - 1:
                    raise
        raise AssertionError


class _AlpnResponse(challenges.KeyAuthorizationChallengeResponse):
    typ = "tls-alpn-01"


@challenges.Challenge.register
class _AlpnChallenge(challenges.KeyAuthorizationChallenge):
    response_cls = _AlpnResponse
    typ = "tls-alpn-01"

    def validation(self, account_key: JWK, **_: Any) -> str:
        return self.key_authorization(account_key)


def _issue(order: Order, store: AcmeStore) -> None:
    account_key = JWKEC(key=ComparableECKey(_account_key(store)))
    network = _Network(
        account_key,
        alg=ES256,
        user_agent=f"llmtrack/{__version__}",
        verify_ssl=str(order.ca_file) if order.ca_file else True,  # type: ignore[arg-type]
        timeout=TIMEOUT_S,
    )
    directory = client.ClientV2.get_directory(order.directory_url, network)
    ca = client.ClientV2(directory, network)
    _sign_up(ca, network, order)
    key = _pem(ec.generate_private_key(ec.SECP256R1()))
    placed = ca.new_order(_request(key, order.domains))
    asked = _challenges(placed, order.challenge, account_key)
    with store.answering([challenge for challenge, _, _ in asked]):
        for _, body, response in asked:
            ca.answer_challenge(body, response)
        done = ca.poll_and_finalize(placed, datetime.now() + VALIDATION)  # noqa: DTZ005 - its way
    store.keep_certificate(key, done.fullchain_pem)


def _account_key(store: AcmeStore) -> ec.EllipticCurvePrivateKey:
    """The account's, made once: the CA knows us by it."""
    if not store.account_file.exists():
        store.keep_account(_pem(ec.generate_private_key(ec.SECP256R1())))
    key = serialization.load_pem_private_key(store.account_file.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise CertificateNotIssued(f"{store.account_file} is no account's key of ours")
    return key


def _sign_up(ca: client.ClientV2, network: client.ClientNetwork, order: Order) -> None:
    """Find the account of our key, or make one."""
    terms = getattr(getattr(ca.directory, "meta", None), "terms_of_service", None)
    if terms and not order.accepts_terms:
        raise CertificateNotIssued(
            f"the CA's terms of service have to be accepted first: {terms}",
            fix="set acme.accept_terms = true (LLMTRACK_ACME_ACCEPT_TERMS)",
        )
    registration = messages.NewRegistration.from_data(
        email=order.email or None,
        external_account_binding=_binding(ca, network.key, order),
        terms_of_service_agreed=order.accepts_terms,
    )
    try:
        ca.new_account(registration)
    except errors.ConflictError as known:
        found = messages.RegistrationResource(uri=known.location, body=messages.Registration())
        network.account = ca.query_registration(found)


def _binding(ca: client.ClientV2, account_key: JWK | None, order: Order) -> dict[str, Any] | None:
    """What ties our key to an account that the operator has with the CA (RFC 8555, 7.3.4)."""
    if order.eab_key_id and account_key is not None:
        return messages.ExternalAccountBinding.from_data(
            account_key.public_key(), order.eab_key_id, order.eab_hmac_key, ca.directory
        )
    if getattr(getattr(ca.directory, "meta", None), "external_account_required", False):
        raise CertificateNotIssued(
            "the CA wants to know an account that you have with it",
            fix="set acme.eab_key_id and acme.eab_hmac_key to what it has given you",
        )
    return None


def _request(key: bytes, domains: Sequence[str]) -> bytes:
    names: list[str] = []
    addresses: list[IPv4Address | IPv6Address] = []
    for domain in domains:
        identifier = _address(domain)
        if identifier is None:
            names.append(domain)
        else:
            addresses.append(identifier)
    return crypto_util.make_csr(key, names or None, ipaddrs=addresses or None)


def _address(domain: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(domain)
    except ValueError:
        return None


def _challenges(
    placed: messages.OrderResource, kind: str, account_key: JWK
) -> list[tuple[Challenge, messages.ChallengeBody, challenges.ChallengeResponse]]:
    """Of every name that is not proven yet."""
    found = []
    for authorization in placed.authorizations:
        name = authorization.body.identifier.value
        if authorization.body.status == messages.STATUS_VALID:
            continue
        offered = {body.chall.typ: body for body in authorization.body.challenges}
        if kind not in offered:
            raise CertificateNotIssued(
                f"the CA offers no {kind} for {name}, only {', '.join(sorted(offered))}",
                fix="set acme.challenge to one of them",
            )
        response, validation = offered[kind].response_and_validation(account_key)
        token = offered[kind].chall.encode("token")
        found.append((Challenge(kind, name, token, validation), offered[kind], response))
    return found


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _reason(error: Exception) -> str:
    if isinstance(error, errors.ValidationError):
        return "; ".join(
            f"{failed.body.identifier.value}: {body.error.detail}"
            for failed in error.failed_authzrs
            for body in failed.body.challenges
            if body.error is not None
        )
    if isinstance(error, messages.Error):
        return str(error.detail or error)
    if isinstance(error, errors.TimeoutError):
        return "it took too long"
    return str(error) or type(error).__name__
