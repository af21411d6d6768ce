"""Keys, passwords and tokens: their form, and what is refused."""

import pytest

from llmtrack.domain.credentials import (
    KEY_PATTERN,
    Passwords,
    looks_like_key,
    mint_key,
    mint_token,
    token_digest,
)


def test_a_minted_key_has_the_published_form() -> None:
    key = mint_key()
    assert KEY_PATTERN.fullmatch(key.raw)
    assert len(key.raw) == 41
    assert key.raw.startswith(key.prefix)
    assert len(key.prefix) == 12
    assert looks_like_key(key.raw)


def test_every_single_character_typo_is_noticed() -> None:
    raw = mint_key().raw
    for place in range(5, len(raw)):
        wrong = "a" if raw[place] != "a" else "b"
        assert not looks_like_key(raw[:place] + wrong + raw[place + 1 :])


@pytest.mark.parametrize("text", ["", "llmt_", "llmt_" + "a" * 36, "sk-123", "llmt_" + "é" * 36])
def test_what_is_no_key_is_refused_offline(text: str) -> None:
    assert not looks_like_key(text)


def test_a_token_is_known_by_its_digest() -> None:
    token = mint_token()
    assert token_digest(token.raw) == token.digest
    assert len(token.digest) == 32
    assert mint_token() != token


def test_the_real_profile_is_the_second_of_rfc_9106() -> None:
    encoded = Passwords().hash("correct horse battery staple")
    assert encoded.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_a_password_fits_its_hash_and_nobody_fits_none(passwords: Passwords) -> None:
    encoded = passwords.hash("correct horse battery staple")
    assert passwords.verify(encoded, "correct horse battery staple")
    assert not passwords.verify(encoded, "correct horse battery stable")
    assert not passwords.verify(None, "correct horse battery staple")
    assert not passwords.verify("not a hash", "correct horse battery staple")


def test_accents_fit_however_they_are_composed(passwords: Passwords) -> None:
    assert passwords.verify(passwords.hash("caf\u00e9"), "cafe\u0301")


def test_an_older_profile_asks_for_a_rehash(passwords: Passwords) -> None:
    encoded = passwords.hash("correct horse battery staple")
    assert not passwords.needs_rehash(encoded)
    assert Passwords().needs_rehash(encoded)
