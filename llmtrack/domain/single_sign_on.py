"""Single sign-on (OpenID Connect): which ID token is believed, and what an identity may do.

An identity is the pair of issuer and subject, as the provider never gives one to two people; an
e-mail address can move from one person to another, so it never finds an account.
"""

from collections.abc import Mapping
from typing import NamedTuple, TypeGuard

from llmtrack.domain.errors import LLMtrackError

SKEW_S = 60
"""How far the provider's clock may be from ours."""
TOKEN_AGE_MAX_S = 600
"""An ID token comes right after it was made."""
FRESH_S = 300
"""How long ago somebody may have signed in at the provider for it to prove who is here now."""
SUBJECT_LENGTH_MAX = 255
NEVER, CLAIMS, ALWAYS = "never", "claims", "always"


class ProviderRefused(LLMtrackError):
    """What came from the provider is not believed, or the provider said no; a sentence."""


class ProviderUnreachable(LLMtrackError):
    """The provider did not answer as it should; a sentence."""


class Identity(NamedTuple):
    """Somebody at the provider, as a checked ID token tells."""

    issuer: str
    subject: str
    email: str | None = None
    email_verified: bool = False
    name: str = ""
    signed_in_s: int | None = None
    """When they last proved to the provider who they are."""
    acr: str | None = None
    amr: tuple[str, ...] = ()


class Going(NamedTuple):
    """What a browser takes along to the provider."""

    state: str
    nonce: str
    verifier: str
    fresh: bool = False
    """Sign in anew, whatever session there is."""


class Rules(NamedTuple):
    """What the operator has decided."""

    label: str
    required: bool = False
    """Only administrators of the instance sign in another way."""
    allowed_domains: tuple[str, ...] = ()
    """An account is made for who has a verified address there; for nobody if empty."""
    second_factor: str = NEVER
    acr_values: tuple[str, ...] = ()

    def counts_as_two(self, identity: Identity) -> bool:
        """Whether this sign-in is one with a second factor."""
        if self.second_factor == CLAIMS:
            return "mfa" in identity.amr or identity.acr in self.acr_values
        return self.second_factor == ALWAYS

    def lets_in(self, identity: Identity) -> bool:
        """Whether an account may be made for somebody who has none."""
        if identity.email is None or not identity.email_verified:
            return False
        domain = identity.email.rpartition("@")[2].lower()
        return domain in {allowed.lower() for allowed in self.allowed_domains}


def identity_of(
    claims: Mapping[str, object], *, issuer: str, client_id: str, nonce: str, now_s: int
) -> Identity:
    """Check an ID token's claims, OpenID Connect Core 3.1.3.7. Raises ProviderRefused."""
    if claims.get("iss") != issuer:
        raise ProviderRefused("The ID token is from another issuer.")
    _check_audience(claims, client_id)
    _check_times(claims, now_s)
    if claims.get("nonce") != nonce:
        raise ProviderRefused("The ID token is not for this sign-in (nonce).")
    subject = claims.get("sub")
    if not isinstance(subject, str) or not 0 < len(subject) <= SUBJECT_LENGTH_MAX:
        raise ProviderRefused("The ID token names nobody (sub).")
    signed_in, acr, amr = claims.get("auth_time"), claims.get("acr"), claims.get("amr")
    identity = Identity(
        issuer,
        subject,
        signed_in_s=int(signed_in) if _is_time(signed_in) else None,
        acr=acr if isinstance(acr, str) else None,
        amr=tuple(str(each) for each in amr) if isinstance(amr, list) else (),
    )
    return with_profile(identity, claims)


def with_profile(identity: Identity, claims: Mapping[str, object]) -> Identity:
    """Address and name, which some providers tell at their userinfo endpoint only."""
    email, name = claims.get("email"), claims.get("name")
    return identity._replace(
        email=email.strip().lower() if isinstance(email, str) and email else None,
        # Some providers say it in quotes; whatever else they say is no.
        email_verified=claims.get("email_verified") in (True, "true"),
        name=name.strip()[:200] if isinstance(name, str) else "",
    )


def is_fresh(identity: Identity, now_s: int) -> bool:
    signed_in_s = identity.signed_in_s
    return signed_in_s is not None and now_s - FRESH_S <= signed_in_s <= now_s + SKEW_S


def _check_audience(claims: Mapping[str, object], client_id: str) -> None:
    audience, party = claims.get("aud"), claims.get("azp")
    named = [audience] if isinstance(audience, str) else audience
    if not isinstance(named, list) or client_id not in named:
        raise ProviderRefused("The ID token is for another application (aud).")
    if party != client_id and (party is not None or len(named) > 1):
        raise ProviderRefused("The ID token is for another application (azp).")


def _check_times(claims: Mapping[str, object], now_s: int) -> None:
    expires, issued, begins = claims.get("exp"), claims.get("iat"), claims.get("nbf", 0)
    if not (_is_time(expires) and _is_time(issued) and _is_time(begins)):
        raise ProviderRefused("The ID token does not say from when to when it is good.")
    if now_s - SKEW_S >= expires or now_s - TOKEN_AGE_MAX_S - SKEW_S > issued:
        raise ProviderRefused("The ID token is too old; or one of the two clocks is wrong.")
    if max(issued, begins) > now_s + SKEW_S:
        raise ProviderRefused("The ID token is from the future; one of the two clocks is wrong.")


def _is_time(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value < 2**53
