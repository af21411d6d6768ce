"""Names and addresses that people type: trimmed, bounded, free of invisible characters."""

import re
import unicodedata

from llmtrack.domain.errors import InvalidValue

NAME_LENGTH_MAX = 100
EMAIL_LENGTH_MAX = 254

# Controls, surrogates, unassigned, line and paragraph separators.
_REFUSED_CATEGORIES = frozenset({"Cc", "Cs", "Cn", "Co", "Zl", "Zp"})
# Overrides of the writing direction make a name read as another one.
_REFUSED_MARKS = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_EMAIL = re.compile(rf"[a-z0-9!#$%&'*+/=?^_`{{|}}~.-]{{1,64}}@{_LABEL}(?:\.{_LABEL})*")


def clean_name(field: str, text: str) -> str:
    """The name, trimmed. Raises InvalidValue for `field`."""
    name = unicodedata.normalize("NFC", text).strip()
    if not name:
        raise InvalidValue(field, "a name is needed")
    if len(name) > NAME_LENGTH_MAX:
        raise InvalidValue(field, f"the name is longer than {NAME_LENGTH_MAX} characters")
    if any(_is_refused(character) for character in name):
        raise InvalidValue(field, "the name has a control character")
    return name


def clean_lines(field: str, text: str, *, length_max: int) -> str:
    """What people wrote for people, in lines that end with LF. Raises InvalidValue for `field`."""
    lines = unicodedata.normalize("NFC", text).strip().splitlines()
    cleaned = "\n".join(line.rstrip() for line in lines)
    if not cleaned:
        raise InvalidValue(field, "a text is needed")
    if len(cleaned) > length_max:
        raise InvalidValue(field, f"the text is longer than {length_max} characters")
    if any(_is_refused(character) for line in lines for character in line.replace("\t", " ")):
        raise InvalidValue(field, "the text has a control character")
    return cleaned


def clean_optional_name(field: str, text: str | None) -> str | None:
    return clean_name(field, text) if text is not None and text.strip() else None


def clean_email(text: str) -> str:
    """The address in lower case: one person, one account. Raises InvalidValue."""
    email = text.strip().lower()
    if len(email) > EMAIL_LENGTH_MAX or _EMAIL.fullmatch(email) is None:
        raise InvalidValue("email", f"{text.strip()[:100]!r} is no e-mail address")
    return email


def _is_refused(character: str) -> bool:
    return character in _REFUSED_MARKS or unicodedata.category(character) in _REFUSED_CATEGORIES
