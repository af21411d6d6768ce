"""Signatures of ID tokens: compact JWS, public keys, algorithms of a fixed list, and no others.

Not `none`, not HMAC (a public key would be its secret), no key that the token brings along.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from joserfc import jwk, jws
from joserfc.errors import JoseError

from llmtrack.domain.single_sign_on import ProviderRefused

ALGORITHMS = (
    *("RS256", "RS384", "RS512"),
    *("PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512"),
)
KEY_TYPES = {"RS": "RSA", "PS": "RSA", "ES": "EC"}
TOKEN_LENGTH_MAX = 64 * 1024
KEYS_MAX = 100


class UnknownKey(ProviderRefused):
    """Signed with a key that is not among those known; there may be newer ones."""


class PublicKey(NamedTuple):
    id: str | None
    algorithm: str | None
    type: str
    key: jwk.Key


def public_keys(document: Mapping[str, Any]) -> list[PublicKey]:
    """The usable keys of a JWK set; symmetric ones and those for encryption are left out."""
    listed = document.get("keys")
    found = []
    for each in listed[:KEYS_MAX] if isinstance(listed, list) else []:
        if not isinstance(each, dict) or each.get("use", "sig") != "sig":
            continue
        key_type = each.get("kty")
        if not isinstance(key_type, str) or key_type not in KEY_TYPES.values():
            continue
        try:
            key = jwk.import_key(each)
        except (JoseError, ValueError, TypeError, KeyError):
            continue
        found.append(PublicKey(each.get("kid"), each.get("alg"), key_type, key))
    return found


def verified_claims(
    token: object, keys: Collection[PublicKey], algorithms: Collection[str]
) -> dict[str, Any]:
    """What the token says, if one of the keys has signed it. Raises ProviderRefused, UnknownKey."""
    if not isinstance(token, str) or len(token) > TOKEN_LENGTH_MAX or token.count(".") != 2:
        raise ProviderRefused("The provider sent no ID token in the compact form.")
    try:
        header = jws.extract_compact(token.encode()).headers()
        algorithm, key_id = header.get("alg"), header.get("kid")
        if algorithm not in ALGORITHMS or algorithm not in algorithms:
            raise ProviderRefused("The ID token is signed by a method that is not allowed.")
        key = _key_for(keys, algorithm, key_id)
        claims = json.loads(jws.deserialize_compact(token, key, algorithms=[algorithm]).payload)
    except (JoseError, ValueError, TypeError, RecursionError) as error:
        raise ProviderRefused("The ID token's signature does not hold.") from error
    if not isinstance(claims, dict):
        raise ProviderRefused("The ID token says nothing.")
    return claims


def _key_for(keys: Collection[PublicKey], algorithm: str, key_id: object) -> jwk.Key:
    """By its id; a token without one fits if there is one key only that it can be."""
    fitting = [
        key
        for key in keys
        if key.type == KEY_TYPES[algorithm[:2]]
        and key.algorithm in (None, algorithm)
        and key_id in (None, key.id)
    ]
    if len(fitting) != 1:
        raise UnknownKey("The ID token is signed with a key that the provider does not publish.")
    return fitting[0].key
