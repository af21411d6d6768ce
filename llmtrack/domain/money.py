"""Money is integer pico-USD (1e-12 USD): the smallest rate in use is 1e-12 USD a token.

A 64-bit sum overflows at 9.2 million USD, so sums are kept in two limbs, see `split_pico`.
"""

from decimal import Decimal, localcontext

PICO_PER_USD = 10**12
PICO_PER_MICRO = 10**6
PICO_MAX = 2**63 - 1  # what one event's column can hold: 9,223,372.036854775807 USD


def split_pico(pico: int) -> tuple[int, int]:
    """Pico-USD as (whole micro-USD, rest in 0..999999): each limb sums far without overflow."""
    return divmod(pico, PICO_PER_MICRO)


def join_pico(micro: int, rest: int) -> int:
    return micro * PICO_PER_MICRO + rest


def usd_text(pico: int) -> str:
    """Exact decimal text of an amount, never in exponent form: 66000000 -> "0.000066"."""
    sign = "-" if pico < 0 else ""
    whole, rest = divmod(abs(pico), PICO_PER_USD)
    if not rest:
        return f"{sign}{whole}"
    return f"{sign}{whole}.{rest:012d}".rstrip("0")


def pico_from_usd(usd: Decimal) -> int:
    """Round half-even to pico-USD; independent of the caller's decimal context."""
    with localcontext() as context:
        context.prec = 60
        return int((usd * PICO_PER_USD).to_integral_value(rounding="ROUND_HALF_EVEN"))
