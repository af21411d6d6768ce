"""Why a cost changed: the difference between two periods, split exactly into four causes.

The price-volume-mix analysis of cost accounting, one step after the other, so that each can
be said in a sentence. With N requests in all and, for each value of a dimension, n requests,
t tokens and a cost c (0 before, 1 now):

    volume   c0 x (N1 - N0) / N0      as if every value had grown like the whole
    mix      c0 x n1/n0 - c0 - volume its requests beyond or below that; all of a new value's
    tokens   c0 x t1/t0 - c0 x n1/n0  more or fewer tokens in each request
    price    c1 - c0 x t1/t0          what is left: the cost of one token

The four are whole pico-dollars and add up to c1 - c0, for each value and so for all of them.
Where a step has nothing to stand on it is 0 and the next one takes it: a value without known
tokens before has no price to compare with, so what its tokens cost now is due to tokens.
"""

from collections.abc import Hashable, Iterable, Iterator, Mapping
from enum import Enum
from heapq import nlargest
from itertools import starmap
from typing import NamedTuple, TypeVar

V = TypeVar("V", bound=Hashable)


class Figures(NamedTuple):
    """What one value of a dimension used in one period."""

    requests: int
    tokens: int
    cost_pico: int


NO_FIGURES = Figures(0, 0, 0)


class Split(NamedTuple):
    """Parts of a change in cost, in pico-USD."""

    volume_pico: int
    mix_pico: int
    tokens_pico: int
    price_pico: int

    @property
    def total_pico(self) -> int:
        return sum(self)


NO_SPLIT = Split(0, 0, 0, 0)


class Cause(Enum):
    """What a sentence can be about; volume and mix of one value are its requests."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    PRICE = "price"


class Driver(NamedTuple):
    value: object
    cause: Cause
    amount_pico: int


def split_change(before: Mapping[V, Figures], now: Mapping[V, Figures]) -> dict[V, Split]:
    """The change of each value that is in either period."""
    all_before = sum(figures.requests for figures in before.values())
    all_now = sum(figures.requests for figures in now.values())
    grown = all_now - all_before
    return {
        value: _split(before.get(value, NO_FIGURES), now.get(value, NO_FIGURES), grown, all_before)
        for value in dict.fromkeys([*before, *now])
    }


def total_split(splits: Iterable[Split]) -> Split:
    return Split(*map(sum, zip(NO_SPLIT, *splits, strict=True)))


def largest_drivers(splits: Mapping[V, Split], most: int) -> list[Driver]:
    """The causes that moved most, up or down, the largest first."""
    amounts = [amount for amount in _amounts(splits) if amount[2]]
    largest = nlargest(most, amounts, key=lambda amount: abs(amount[2]))
    return list(starmap(Driver, largest))


def _amounts(splits: Mapping[V, Split]) -> Iterator[tuple[V, Cause, int]]:
    """Of every value and cause; plain tuples, since there are thousands and few are shown."""
    for value, split in splits.items():
        yield value, Cause.REQUESTS, split.volume_pico + split.mix_pico
        yield value, Cause.TOKENS, split.tokens_pico
        yield value, Cause.PRICE, split.price_pico


def _split(before: Figures, now: Figures, grown: int, all_before: int) -> Split:
    change = now.cost_pico - before.cost_pico
    if not all_before:  # nothing was there before: all of it is volume
        return Split(change, 0, 0, 0)
    cost = before.cost_pico
    if not before.requests or not now.requests:  # new or gone
        volume = cost * grown
        return _whole(change, [volume, change * all_before - volume, 0, 0], all_before)
    # Numerators over one denominator: fractions would look for common divisors at each step.
    known_tokens = before.tokens or 1
    unit = all_before * before.requests * known_tokens
    volume = cost * grown * before.requests * known_tokens
    by_requests = cost * now.requests * all_before * known_tokens
    mix = by_requests - cost * unit - volume
    if before.tokens:
        tokens = cost * now.tokens * all_before * before.requests - by_requests
    elif not cost and now.tokens:
        tokens = now.cost_pico * unit
    else:
        tokens = 0
    price = change * unit - volume - mix - tokens
    return _whole(change, [volume, mix, tokens, price], unit)


def _whole(total: int, parts: list[int], unit: int) -> Split:
    """Whole numbers that add up to the total, by largest remainder; parts are in 1/unit."""
    floors = [part // unit for part in parts]
    left = total - sum(floors)
    if left:
        by_remainder = sorted(
            range(len(parts)), key=lambda place: parts[place] % unit, reverse=True
        )
        for place in by_remainder[:left]:
            floors[place] += 1
    return Split(*floors)
