"""What the forms of a key ask for: its name, its label and what it is good for."""

from collections.abc import Mapping
from typing import NamedTuple

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.key_terms import KeyAccess, KeyTerms
from llmtrack.domain.periods import date_of_day, day_of, day_start_ms, parse_instant, rfc3339
from llmtrack.storage.keys import Key

EDIT_FIELDS = ("name", "source", "networks", "not_before", "expires")
CREATE_FIELDS = (*EDIT_FIELDS, "access")
EMPTY = dict.fromkeys(CREATE_FIELDS, "") | {"access": KeyAccess.INGEST.value}


class KeyForm(NamedTuple):
    name: str
    source: str
    terms: KeyTerms


def read_key_form(form: Mapping[str, str], time_zone: str) -> KeyForm:
    """Raises InvalidValue. The rest is checked where it is stored."""
    try:
        access = KeyAccess(form.get("access") or KeyAccess.INGEST)
    except ValueError:
        raise InvalidValue("access", "a key sends events or reads usage") from None
    terms = KeyTerms(
        access,
        (form["networks"],),
        _instant("not_before", form["not_before"], time_zone),
        _instant("expires", form["expires"], time_zone),
    )
    return KeyForm(form["name"], form["source"], terms)


def form_of(key: Key, time_zone: str) -> dict[str, str]:
    """A key's present values, as they would be typed."""
    return {
        "name": key.name,
        "source": key.source or "",
        "networks": ", ".join(key.terms.networks),
        "not_before": _typed(key.terms.not_before_ms, time_zone),
        "expires": _typed(key.terms.expires_ms, time_zone),
    }


def _instant(field: str, text: str, time_zone: str) -> int | None:
    if not text.strip():
        return None
    try:
        return parse_instant(text.strip(), time_zone)
    except ValueError:
        raise InvalidValue(
            field, f"{text.strip()[:40]!r} is no date", fix="write it as 2026-12-31"
        ) from None


def _typed(timestamp_ms: int | None, time_zone: str) -> str:
    if timestamp_ms is None:
        return ""
    day = day_of(timestamp_ms, time_zone)
    if day_start_ms(day, time_zone) == timestamp_ms:
        return date_of_day(day).isoformat()
    return rfc3339(timestamp_ms)
