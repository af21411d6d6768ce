"""Only a sound ID token of the provider itself opens anything."""

import base64
import hmac
import json
from typing import Any

import pytest
from joserfc.jwk import Key, RSAKey

from tests.conftest import NOW_MS, World
from tests.web.conftest import Client
from tests.web.sso.bent_provider import (
    CLIENT_ID,
    BentProvider,
    another_key,
)
from tests.web.sso.browsing import CALLBACK, MONOTONIC, account_of, come_back, get, link

NOW_S = NOW_MS // 1000


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.example"},
        {"iss": ["__ISSUER__"]},
        {"iss": "__ISSUER__/"},
        {"aud": "another application"},
        {"aud": []},
        {"aud": None},
        {"aud": [CLIENT_ID, "another"]},
        {"aud": [CLIENT_ID, "another"], "azp": "another"},
        {"azp": "another"},
        {"exp": NOW_S - 61},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": float("nan")},
        {"iat": NOW_S - 661},
        {"iat": NOW_S + 61},
        {"iat": True},
        {"nbf": NOW_S + 61},
        {"nonce": "another"},
        {"nonce": None},
        {"sub": ""},
        {"sub": 7},
        {"sub": "s" * 256},
        {"sub": None},
    ],
    ids=str,
)
async def test_a_token_with_a_wrong_claim_opens_nothing(
    client: Client, there: BentProvider, world: World, claims: dict[str, Any]
) -> None:
    await link(world, there)
    there.claims = json.loads(json.dumps(claims).replace("__ISSUER__", there.issuer))
    status, _, text = await come_back(client, there)
    assert status == 422
    assert "The ID token" in text
    assert not await account_of(client)


@pytest.mark.parametrize(
    "claims",
    [
        {"exp": NOW_S - 59},
        {"iat": NOW_S + 59, "nbf": NOW_S + 59},
        {"aud": [CLIENT_ID]},
        {"aud": [CLIENT_ID, "another"], "azp": CLIENT_ID},
    ],
    ids=str,
)
async def test_a_token_within_a_minute_and_for_us_among_others_is_good(
    client: Client, there: BentProvider, world: World, claims: dict[str, Any]
) -> None:
    await link(world, there)
    there.claims = claims
    assert (await come_back(client, there))[0] == 303


def base64url(said: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def by_hmac(token: str, key: Key) -> str:
    """The public key as the secret of an HMAC: the classic confusion."""
    assert isinstance(key, RSAKey)
    signed = f"{base64url({'alg': 'HS256', 'kid': key.kid})}.{token.split('.')[1]}"
    tag = hmac.new(key.as_pem(private=False), signed.encode(), "sha256").digest()
    return f"{signed}.{base64.urlsafe_b64encode(tag).decode().rstrip('=')}"


@pytest.mark.parametrize(
    "way",
    ["none", "None", "HS256", "another key", "embedded key", "json", "empty", "cut", "number"],
)
async def test_a_token_that_the_provider_has_not_signed_opens_nothing(
    client: Client, there: BentProvider, world: World, way: str
) -> None:
    await link(world, there)
    there.published = [there.key.as_dict(private=False)]
    location = (await get(client, "/sign-in/oidc"))[1]
    back = there.leave(location)
    [(nonce, _)] = there.answers.values()
    good = str(there.signed(nonce))
    payload = good.split(".")[1]
    if way in {"none", "None"}:
        there.token = f"{base64url({'alg': way})}.{payload}."
    elif way == "HS256":
        there.token = by_hmac(good, there.key)
    elif way == "another key":
        there.key = another_key()
    elif way == "embedded key":
        there.key = another_key(kid="new")
        there.header = {"jwk": there.key.as_dict(private=False)}
    else:
        header, _, signature = good.split(".")
        there.token = {
            "json": {"payload": payload, "signatures": []},
            "empty": f"{header}.{payload}.",
            "cut": f"{header}.{payload}",
            "number": 7,
        }[way]
        assert signature
    status, _, text = await get(client, CALLBACK, **back)
    assert status == 422, text
    assert not await account_of(client)


async def test_new_keys_are_fetched_when_a_token_names_one_but_not_for_every_made_up_name(
    client: Client, there: BentProvider, world: World
) -> None:
    await link(world, there)
    assert (await come_back(client, there))[0] == 303
    assert there.asked_for_keys == 1
    client.session.cookie_jar.clear()
    there.key, there.algorithm = another_key("EC", "second"), "ES256"
    assert (await come_back(client, there))[0] == 422, "asked less than a minute ago"
    MONOTONIC[0] += 61
    assert (await come_back(client, there))[0] == 303
    assert there.asked_for_keys == 2
    client.session.cookie_jar.clear()
    there.published = [there.key.as_dict(private=False)]
    for number in range(5):
        there.key = another_key("EC", f"made up {number}")
        assert (await come_back(client, there))[0] == 422
    assert there.asked_for_keys == 2


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://127.0.0.1/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"code_challenge_methods_supported": ["plain"]},
        {"id_token_signing_alg_values_supported": ["none", "HS256"]},
    ],
    ids=str,
)
async def test_a_provider_that_describes_itself_wrongly_is_not_asked(
    client: Client, there: BentProvider, metadata: dict[str, Any]
) -> None:
    there.metadata = metadata
    status, location, _ = await get(client, "/sign-in/oidc")
    assert (status, location) == (422, "")


async def test_a_provider_that_names_itself_has_to_in_every_answer(
    client: Client, there: BentProvider, world: World
) -> None:
    await link(world, there)
    there.metadata = {"authorization_response_iss_parameter_supported": True}
    assert (await come_back(client, there))[0] == 422
    assert (await come_back(client, there, iss=there.issuer))[0] == 303
