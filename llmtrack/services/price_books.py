"""The price list that ships with the program, as a book to price from."""

from pathlib import Path

from llmtrack.domain.pricing import PriceBook

PRICES_FILE = Path(__file__).resolve().parent.parent / "prices.json"


def bundled_book() -> PriceBook:
    return PriceBook.bundled(PRICES_FILE.read_bytes())
