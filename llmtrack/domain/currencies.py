"""The currency that a workspace's pages show: US dollars times a rate that a person entered.

Stored money and everything that leaves by an export stay US dollars.
"""

import re
from decimal import Decimal, InvalidOperation, localcontext
from typing import NamedTuple

from llmtrack.domain.errors import InvalidValue
from llmtrack.domain.money import PICO_PER_USD
from llmtrack.domain.periods import parse_day

USD = "USD"
_CODE = re.compile(r"[A-Z]{3}")  # ISO 4217
_RATE_MIN, _RATE_MAX = Decimal("0.000001"), Decimal(10**6)
_PLACES_MAX = 12
_MINOR_DIGITS = {
    code: digits
    for digits, codes in (
        (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"),
        (3, "BHD IQD JOD KWD LYD OMR TND"),
        (4, "CLF UYW"),
    )
    for code in codes.split()
}
"""ISO 4217, where it is not two."""


class DisplayCurrency(NamedTuple):
    currency: str
    usd_rate: str
    """How much of it one US dollar is, as decimal text."""
    rate_date: str
    """The day of the rate, YYYY-MM-DD."""

    @property
    def note(self) -> str:
        return f"{self.currency} at {self.usd_rate} per US dollar, the rate of {self.rate_date}"

    @property
    def digits(self) -> int:
        """How many decimals an amount of it has."""
        return _MINOR_DIGITS.get(self.currency, 2)

    def amount(self, pico: int) -> Decimal:
        """Exact; pages round it."""
        with localcontext() as context:
            context.prec = 60
            return Decimal(pico) * Decimal(self.usd_rate) / PICO_PER_USD


def display_currency(currency: str, usd_rate: str, rate_date: str) -> DisplayCurrency:
    """From what a person typed. Raises InvalidValue."""
    code = currency.strip().upper()
    if not _CODE.fullmatch(code):
        raise InvalidValue(
            "currency",
            f"{currency.strip()[:20]!r} is no currency: it is an ISO 4217 code of three letters, "
            "such as EUR",
        )
    if code == USD:
        return DisplayCurrency(USD, "1", "")
    try:
        rate = Decimal(usd_rate.strip().replace(",", "."))
    except InvalidOperation:
        rate = Decimal("NaN")
    if not (rate.is_finite() and _RATE_MIN <= rate <= _RATE_MAX):
        raise InvalidValue("usd_rate", f"the rate is a number from {_RATE_MIN:f} to {_RATE_MAX:f}")
    if -int(rate.as_tuple().exponent) > _PLACES_MAX:
        raise InvalidValue("usd_rate", f"the rate has more than {_PLACES_MAX} decimal places")
    try:
        day = parse_day(rate_date.strip())
    except ValueError:
        raise InvalidValue("rate_date", "the rate's day is a date, such as 2026-11-20") from None
    return DisplayCurrency(code, format(rate, "f"), day.isoformat())
