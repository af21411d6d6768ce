"""Bech32 against the vectors of BIP 173 and age's own keys."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from llmtrack.domain.bech32 import decode, encode

# The example of https://age-encryption.org/v1 and of `man age`.
RECIPIENT = "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p"


def test_a_key_of_age_is_read_and_written() -> None:
    prefix, raw = decode(RECIPIENT)

    assert (prefix, len(raw)) == ("age", 32)
    assert encode(prefix, raw) == RECIPIENT


@given(st.binary(max_size=64))
def test_every_content_comes_back(raw: bytes) -> None:
    assert decode(encode("age", raw)) == ("age", raw)
    assert decode(encode("age", raw).upper()) == ("age", raw)


@given(st.integers(5, len(RECIPIENT) - 1), st.sampled_from("qpzry9x8gf2tvdw0s3jn54khce6mua7l"))
def test_one_mistyped_character_is_always_found(place: int, char: str) -> None:
    typed = RECIPIENT[:place] + char + RECIPIENT[place + 1 :]
    if typed != RECIPIENT:
        with pytest.raises(ValueError, match="checksum"):
            decode(typed)


@pytest.mark.parametrize(
    "text",
    # BIP 173: invalid character, no separator, empty prefix, checksum too short, mixed case.
    ["x1b4n0q5v", "pzry9x0s0muk", "1pzry9x0s0muk", "li1dgmt3", "A1G7SGD8", "A12uEL5L"],
)
def test_what_is_no_bech32_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"it|checksum|case"):
        decode(text)
