"""An OpenID provider: what it says of itself, where to send people, and who came back.

Authorization code flow with PKCE (S256), state and nonce; the state is the caller's to keep.
"""

import base64
import hashlib
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from aiohttp import encode_basic_auth
from yarl import URL

from llmtrack.domain.single_sign_on import (
    Going,
    Identity,
    ProviderRefused,
    ProviderUnreachable,
    Rules,
    identity_of,
    with_profile,
)
from llmtrack.services.bounded_http import NoAnswer, fetch_json, trust
from llmtrack.services.id_tokens import (
    ALGORITHMS,
    PublicKey,
    UnknownKey,
    public_keys,
    verified_claims,
)

METADATA_LIFE_S = 3600.0
KEYS_LIFE_S = 3600.0
KEYS_PAUSE_S = 60.0
"""An unknown key makes us ask for newer ones; a stream of made-up key ids must not."""
WELL_KNOWN = "/.well-known/openid-configuration"


class Client(NamedTuple):
    """Who we are to the provider."""

    issuer: str
    id: str
    secret: str
    """Empty: a public client, which only PKCE protects."""
    redirect_uri: str
    scopes: tuple[str, ...] = ("openid", "email", "profile")
    ca_file: Path | None = None


class Metadata(NamedTuple):
    """The part of OpenID Connect Discovery 3 that is used."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str | None
    algorithms: tuple[str, ...]
    secret_in_form: bool
    tells_issuer: bool
    """Whether every answer names the issuer (RFC 9207)."""


class Provider:
    """Asks the provider when it is needed and keeps the answers for an hour."""

    def __init__(
        self, client: Client, rules: Rules, *, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self.client = client
        self.rules = rules
        self._tls = trust(client.ca_file)
        self._clock_s = clock_s
        self._metadata: tuple[Metadata, float] | None = None
        self._keys: tuple[list[PublicKey], float] | None = None

    async def metadata(self) -> Metadata:
        """Raises ProviderUnreachable, ProviderRefused."""
        now_s = self._clock_s()
        if self._metadata is None or now_s - self._metadata[1] >= METADATA_LIFE_S:
            document = await self._fetch(self.client.issuer.rstrip("/") + WELL_KNOWN)
            self._metadata = (_read_metadata(document, self.client.issuer), now_s)
        return self._metadata[0]

    async def keys(self, *, newer: bool = False) -> list[PublicKey]:
        """`newer`: than those that did not fit. Raises as `metadata`."""
        now_s = self._clock_s()
        age_s = KEYS_LIFE_S if self._keys is None else now_s - self._keys[1]
        if self._keys is None or age_s >= (KEYS_PAUSE_S if newer else KEYS_LIFE_S):
            document = await self._fetch((await self.metadata()).jwks_uri)
            self._keys = (public_keys(document), now_s)
        return self._keys[0]

    async def address(self, going: Going) -> str:
        """Where to send the browser. Raises as `metadata`."""
        challenge = hashlib.sha256(going.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.client.id,
            "redirect_uri": self.client.redirect_uri,
            "scope": " ".join(self.client.scopes),
            "state": going.state,
            "nonce": going.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        if self.rules.acr_values:
            query["acr_values"] = " ".join(self.rules.acr_values)
        if going.fresh:
            query |= {"prompt": "login", "max_age": "0"}
        return str(URL((await self.metadata()).authorization_endpoint).update_query(query))

    async def check_answer(self, answer: Mapping[str, str]) -> str:
        """The code of a redirect whose state was ours. Raises ProviderRefused."""
        issuer = answer.get("iss")
        told = (await self.metadata()).tells_issuer
        if issuer != self.client.issuer and (told or issuer is not None):
            raise ProviderRefused("The answer came from another issuer than it was asked of.")
        if "error" in answer:
            said = answer.get("error_description") or answer["error"]
            raise ProviderRefused(f"{self.rules.label} said no: {said[:200]}")
        if not answer.get("code"):
            raise ProviderRefused("The answer holds neither a code nor an error.")
        return answer["code"]

    async def identity(self, code: str, *, verifier: str, nonce: str, now_s: int) -> Identity:
        """Who has come back. Raises ProviderUnreachable, ProviderRefused."""
        metadata = await self.metadata()
        tokens = await self._redeem(metadata, code, verifier)
        claims = await self._verified(tokens.get("id_token"), metadata)
        client = self.client
        identity = identity_of(
            claims, issuer=client.issuer, client_id=client.id, nonce=nonce, now_s=now_s
        )
        bearer = tokens.get("access_token")
        if identity.email or metadata.userinfo_endpoint is None or not isinstance(bearer, str):
            return identity
        profile = await self._fetch(metadata.userinfo_endpoint, authorization=f"Bearer {bearer}")
        if profile.get("sub") != identity.subject:
            raise ProviderRefused("The provider's userinfo is about somebody else.")
        return with_profile(identity, profile)

    async def _redeem(self, metadata: Metadata, code: str, verifier: str) -> dict[str, Any]:
        client = self.client
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uri,
            "code_verifier": verifier,
        }
        login = None
        if client.secret and not metadata.secret_in_form:
            # RFC 6749 2.3.1 has both encoded as in a form.
            login = encode_basic_auth(quote(client.id, safe=""), quote(client.secret, safe=""))
        else:
            form["client_id"] = client.id
            form |= {"client_secret": client.secret} if client.secret else {}
        return await self._fetch(metadata.token_endpoint, form=form, authorization=login)

    async def _verified(self, token: object, metadata: Metadata) -> dict[str, Any]:
        try:
            return verified_claims(token, await self.keys(), metadata.algorithms)
        except UnknownKey:
            return verified_claims(token, await self.keys(newer=True), metadata.algorithms)

    async def _fetch(self, url: str, **how: Any) -> dict[str, Any]:
        try:
            return await fetch_json(self._tls, url, **how)
        except NoAnswer as error:
            raise ProviderUnreachable(f"{self.rules.label} did not answer as it should.") from error


def _read_metadata(document: Mapping[str, Any], issuer: str) -> Metadata:
    """Raises ProviderRefused."""
    if document.get("issuer") != issuer:
        raise ProviderRefused(
            f"the provider calls itself {str(document.get('issuer'))[:200]!r}, not {issuer!r}",
            fix="write oidc.issuer exactly as the provider does, up to the last slash",
        )
    methods = document.get("code_challenge_methods_supported", ["S256"])
    if not isinstance(methods, list) or "S256" not in methods:
        raise ProviderRefused("the provider does not do PKCE with S256")
    announced = document.get("id_token_signing_alg_values_supported", ["RS256"])
    algorithms = tuple(name for name in ALGORITHMS if name in announced)
    if not algorithms:
        raise ProviderRefused(f"the provider signs by none of {', '.join(ALGORITHMS)}")
    ways = document.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
    userinfo = document.get("userinfo_endpoint")
    return Metadata(
        _https(document, "authorization_endpoint"),
        _https(document, "token_endpoint"),
        _https(document, "jwks_uri"),
        None if userinfo is None else _https(document, "userinfo_endpoint"),
        algorithms,
        "client_secret_basic" not in ways and "client_secret_post" in ways,
        document.get("authorization_response_iss_parameter_supported") is True,
    )


def _https(document: Mapping[str, Any], name: str) -> str:
    value = document.get(name)
    if not isinstance(value, str) or not value.startswith("https://"):
        raise ProviderRefused(f"the provider's {name} is not an https address")
    return value
