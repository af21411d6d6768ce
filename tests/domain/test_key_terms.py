"""What a key is good for, and the networks people type."""

import pytest

from llmtrack.domain.credentials import keys_in, mint_key
from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.key_terms import (
    KeyState,
    KeyTerms,
    check_grace,
    check_terms,
    clean_networks,
    is_within,
    parsed_networks,
    state_of,
)

DAY_MS = 86_400_000


@pytest.mark.parametrize(
    ("address", "inside"),
    [
        ("192.0.2.7", True),
        ("192.0.3.7", False),
        ("::ffff:192.0.2.7", True),
        ("2001:db8::1", True),
        ("2001:db9::1", False),
        ("fe80::1%eth0", False),
        ("", False),
        ("unix", False),
    ],
)
def test_an_address_is_in_a_network_or_not(address: str, inside: bool) -> None:
    networks = parsed_networks(clean_networks(("192.0.2.0/24, 2001:db8::/32",)))

    assert is_within(address, networks) is inside


def test_networks_are_kept_in_one_form_and_once() -> None:
    assert clean_networks(("192.0.2.1  10.0.0.0/8,", "10.0.0.0/8")) == (
        "192.0.2.1/32",
        "10.0.0.0/8",
    )
    mapped = ("::ffff:192.0.2.0/120", "::ffff:192.0.2.7", "::ffff:0:0/96", "::/0")
    assert clean_networks(mapped) == ("192.0.2.0/24", "192.0.2.7/32", "0.0.0.0/0", "::/0")
    assert is_within("192.0.2.7", parsed_networks(mapped[:1]))


@pytest.mark.parametrize("text", ["example.com", "192.0.2.300", "192.0.2.1/24", "10/8", "::/129"])
def test_what_is_no_network_is_refused_with_its_field(text: str) -> None:
    with pytest.raises(InvalidValue) as refused:
        clean_networks((text,))
    assert refused.value.field == "networks"
    assert refused.value.fix


def test_a_key_cannot_end_before_it_begins() -> None:
    with pytest.raises(InvalidValue):
        check_terms(KeyTerms(not_before_ms=5, expires_ms=5))


@pytest.mark.parametrize(
    ("now_ms", "deactivated_ms", "state"),
    [
        (9, None, KeyState.PENDING),
        (10, None, KeyState.ACTIVE),
        (19, None, KeyState.ACTIVE),
        (20, None, KeyState.EXPIRED),
        (15, 1, KeyState.INACTIVE),
        (25, 1, KeyState.INACTIVE),
    ],
)
def test_the_state_follows_the_clock(
    now_ms: int, deactivated_ms: int | None, state: KeyState
) -> None:
    terms = KeyTerms(not_before_ms=10, expires_ms=20)

    assert state_of(terms, deactivated_ms, now_ms) is state


def test_grace_is_seven_days_at_most() -> None:
    assert check_grace(7) == 7 * DAY_MS
    for days in (-1, 8):
        with pytest.raises(InvalidValue):
            check_grace(days)


@pytest.mark.parametrize(
    "around",
    ["{}", "key={};", "x{}y", "https://h/?k={}&x=1", '{{"authorization": "Bearer {}"}}'],
)
def test_a_key_is_found_in_any_text(around: str) -> None:
    raw = mint_key().raw

    assert keys_in(around.format(raw)) == [raw]


def test_a_key_that_a_line_break_cut_is_found_and_a_typo_is_not() -> None:
    raw = mint_key().raw

    assert keys_in(f"{raw[:20]}\n  {raw[20:]}") == [raw]
    assert keys_in(raw[:-1] + ("0" if raw[-1] != "0" else "1")) == []
    assert keys_in(f"llmt_{raw}") == [raw]
