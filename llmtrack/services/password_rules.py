"""`domain.password_rules` with the shipped list of common passwords."""

from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

from llmtrack.domain import password_rules

COMMON_FILE = Path(__file__).resolve().parent.parent / "common_passwords.txt"


def check_password(
    password: str, *, email: str = "", context: Collection[str] = (), second_factor: bool = False
) -> None:
    """Raises InvalidValue("password")."""
    password_rules.check_password(
        password,
        email=email,
        context=context,
        common=common_passwords(),
        second_factor=second_factor,
    )


@lru_cache(maxsize=1)
def common_passwords() -> frozenset[str]:
    """Read when the first password is set: two megabytes that most processes never need."""
    return frozenset(COMMON_FILE.read_text("ascii").split("\n"))
