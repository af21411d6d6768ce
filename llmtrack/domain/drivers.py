"""Why a cost changed: the difference between two periods, split exactly into four causes.

The price-volume-mix analysis of cost accounting, one step after the other, so that each can
be said in a sentence. With N requests in all and, for each value of a dimension, n requests,
t tokens and a cost c (0 before, 1 now):

    volume   c0 x (N1 - N0) / N0      as if every value had grown like the whole
    mix      c0 x n1/n0 - c0 - volume its requests beyond or below that; all of a new value's
    tokens   c0 x t1/t0 - c0 x n1/n0  more or fewer tokens in each request
    price    c1 - c0 x t1/t0          what is left: the cost of one token

The cost after each step is rounded down to a whole pico-dollar; so the four are whole as well and
add up to c1 - c0, for each value and so for all of them.
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
    """Each step's cost is a whole number, so what lies between them adds up without a rest."""
    if not all_before:  # nothing was there before: all of it is volume
        return Split(now.cost_pico - before.cost_pico, 0, 0, 0)
    cost = before.cost_pico
    by_volume = cost + cost * grown // all_before
    if not before.requests or not now.requests:  # new or gone
        return Split(by_volume - cost, now.cost_pico - by_volume, 0, 0)
    by_requests = cost * now.requests // before.requests
    if before.tokens:
        by_tokens = cost * now.tokens // before.tokens
    elif not cost and now.tokens:
        by_tokens = now.cost_pico
    else:
        by_tokens = by_requests
    return Split(
        by_volume - cost,
        by_requests - by_volume,
        by_tokens - by_requests,
        now.cost_pico - by_tokens,
    )
