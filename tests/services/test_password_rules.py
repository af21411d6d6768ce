"""Which passwords are taken: long ones that nobody guesses first."""

import pytest

from llmtrack.domain.errors import InvalidValue
from llmtrack.services.password_rules import check_password, common_passwords


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("short", "has 5 characters; it needs at least 15"),
        ("x" * 257, "longer than 256"),
        ("a" * 20, "too easy"),
        ("alice.the.first@example.com", "too easy"),
        ("Alice.The.First2026!", "too easy"),
        ("correct horse\x00battery", "cannot be typed"),
        ("password1234567", "too easy"),
        ("PasswordPassword", "too easy"),
        ("p@ssw0rd p@ssw0rd", "too easy"),
        ("llmtrack-2026-llmtrack", "too easy"),
        ("Acme Rockets 2026!!", "too easy"),
        ("qwertyuiopasdfgh", "too easy"),
        ("123456789012345678", "too easy"),
        ("abcdefghijklmnopq", "too easy"),
        ("2026-11-24 2026-11-24", "too easy"),
    ],
)
def test_a_weak_password_is_refused(password: str, message: str) -> None:
    with pytest.raises(InvalidValue, match=message) as refused:
        check_password(
            password, email="Alice.the.first@example.com", context=["Acme Rockets", "Acme"]
        )
    assert refused.value.field == "password"


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery staple",
        "правильная лошадь батарея",
        "seven wild geese over the lake",
        "Tr0ub4dor&3-but-longer",
        "k7#mQ2vLx9!pRw4zT",
        "   spaces count, too   ",
        "日本語のとても長いパスワードです",
        "p" + "0123456789" * 2 + "horse of another colour",
    ],
)
def test_a_long_phrase_in_any_script_is_taken(password: str) -> None:
    check_password(password, email="alice@example.com", context=["Acme"])


def test_a_second_factor_makes_eight_characters_enough() -> None:
    check_password("gx7!qvRm", second_factor=True)
    with pytest.raises(InvalidValue, match="at least 8"):
        check_password("gx7!qvR", second_factor=True)
    with pytest.raises(InvalidValue, match="too easy"):
        check_password("sunshine", second_factor=True)


def test_every_common_password_is_refused_with_a_second_factor() -> None:
    long_enough = [word for word in common_passwords() if len(word) >= 8]
    assert len(long_enough) > 10_000
    for word in long_enough[::50]:
        with_more = [f"{word}1!"] if word.isalpha() else []
        for variant in (word, word.upper(), *with_more):
            with pytest.raises(InvalidValue):
                check_password(variant, second_factor=True)
