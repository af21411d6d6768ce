"""Which passwords are refused: short ones, and those that guessers try first (NIST SP 800-63B-4).

Length is what counts; there are no rules about kinds of characters.
"""

import re
import unicodedata
from collections.abc import Collection

from llmtrack.domain.errors import InvalidValue

LENGTH_MIN = 15
LENGTH_MIN_WITH_FACTOR = 8
LENGTH_MAX = 256
PRODUCT_WORDS = ("llmtrack", "llm track", "llm-track")
_ADVICE = "four or five random words make a good one"
_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm", "abcdefghijklmnopqrstuvwxyz", "01234567890")
_RUN_MIN = 4


def check_password(
    password: str,
    *,
    email: str = "",
    context: Collection[str] = (),
    common: Collection[str] = (),
    second_factor: bool = False,
) -> None:
    """Raises InvalidValue("password").

    `context`: names that belong to the place, such as the workspace's. `common`: passwords in
    lower case that are known to be tried. `second_factor`: the account has one, so a shorter
    password is enough.
    """
    length = _length(password)
    needed = LENGTH_MIN_WITH_FACTOR if second_factor else LENGTH_MIN
    if length < needed:
        raise InvalidValue(
            "password",
            f"the password has {length} characters; it needs at least {needed}",
            fix=_ADVICE,
        )
    if length > LENGTH_MAX:
        raise InvalidValue("password", f"the password is longer than {LENGTH_MAX} characters")
    if any(unicodedata.category(character) in {"Cc", "Cs"} for character in password):
        raise InvalidValue("password", "the password has a character that cannot be typed again")
    if is_guessable(password, [email, email.partition("@")[0], *context], common):
        raise InvalidValue("password", "the password is too easy to guess", fix=_ADVICE)


def is_long_enough(password: str) -> bool:
    """Whether it may stand alone, without a second factor."""
    return _length(password) >= LENGTH_MIN


def _length(password: str) -> int:
    return len(unicodedata.normalize("NFKC", password))


def is_guessable(password: str, context: Collection[str], common: Collection[str]) -> bool:
    """Whether nothing surprising is left once the words that guessers know are taken out."""
    plain = unicodedata.normalize("NFKC", password).strip().lower()
    if len(set(plain)) < 4 or plain in common:
        return True
    words = [word.strip().lower() for word in (*context, *PRODUCT_WORDS)]
    rest = plain
    for word in sorted((word for word in words if len(word) > 2), key=len, reverse=True):
        rest = rest.replace(word, "")
    letters = re.sub(r"[\W\d_]+", "", rest)
    unit = _repeated(_without_runs(letters))
    return len(unit) < 4 or any(word in common for word in (letters, unit, _spelled(unit)))


def _repeated(text: str) -> str:
    """`abcabc` is `abc` again."""
    length = (text + text).find(text, 1) if text else 0
    return text[:length]


def _spelled(text: str) -> str:
    return text.translate(str.maketrans("@$!013457", "asiolesat"))


def _without_runs(text: str) -> str:
    """Without stretches of the keyboard or the alphabet."""
    for row in _KEYBOARD:
        for line in (row, row[::-1]):
            for length in range(len(line), _RUN_MIN - 1, -1):
                for start in range(len(line) - length + 1):
                    text = text.replace(line[start : start + length], "")
    return text
