"""Which row of the price list a provider and model name mean, or none.

An exact name comes before a pattern, the provider's own rows before those of a provider that
the list says bills the same. The list's patterns are wide (`starts_with: gpt-5-nano-`); they
are taken at their word only where what they leave open is a date or a version, so that a
`gpt-5-nano-super` stays without a price instead of getting a wrong one.
"""

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from llmtrack.domain.model_names import provider_id
from llmtrack.domain.price_list import Clause, ListedModel, ListedProvider, PriceList

NAME_CHARS_MAX = 200
"""No listed name is longer."""

_MONTH, _DAY = r"(?:0[1-9]|1[0-2])", r"(?:0[1-9]|[12]\d|3[01])"
_DATE = rf"20\d\d(?:{_MONTH}{_DAY}|-{_MONTH}-{_DAY})"
_SHORT_DATE = rf"(?:{_MONTH}{_DAY}|2[3-9]{_MONTH})"  # OpenAI's MMDD, Mistral's YYMM
_PREVIEW = rf"-preview(?:-{_DATE}|-{_SHORT_DATE}|-{_MONTH}-(?:{_DAY}|20\d\d))?"
_WHEN = rf"(?:[-@]{_DATE}|-{_SHORT_DATE}|-0\d\d|[-@]latest|@default|-stable|{_PREVIEW})?"
_VERSION = re.compile(rf"{_WHEN}(?:-v\d+:\d+)?")
_AWS_VERSION = re.compile(rf"{_WHEN}(?:-v\d+)?(?::\d+)?")
_FINE_TUNE = re.compile(rf"(?:-{_DATE}|-{_SHORT_DATE})?(?::[\w.-]*){{0,5}}")
_AZURE_FINE_TUNE = re.compile(r"[0-9a-z]+")
_UNFINISHED = re.compile(r"(?:-preview-?|[-@]|-20\d\d-?|(?:(?<=[a-z])|(?<=^ft:gpt-4))-0)$")
"""Where a pattern ends inside the date or version that it means to leave open."""

_HEADS = {
    # Regions at the one price; `global.` is cheaper and always has rows of its own.
    "aws": re.compile(
        r"(?:(?:us|us-gov|eu|apac|jp|au|ca|sa|me|af|mx|in)\.)?(?:(?:anthropic|amazon)\.)?"
    ),
    "openai": re.compile(r"(?:omni-|text-)?"),  # the moderation models
}
_NO_HEAD = re.compile("")


class Found(NamedTuple):
    """A row, the spelling that led to it, and the open clause that let it in, None for a name."""

    model: ListedModel
    name: str
    clause: Clause | None = None


class Match(NamedTuple):
    provider: str
    model: ListedModel
    is_own: bool
    """False: the row of another provider, of which the list says that it bills the same."""
    name: str
    """The spelling of the asked name that the row is listed under, or that its pattern takes."""
    pattern: str | None = None
    """In words, None where the row is listed under that very name."""


class _Pattern(NamedTuple):
    text: str
    """What every name that is accepted has in it: most are sorted out by that alone."""
    accepts: Callable[[str], bool]
    model: ListedModel
    clause: Clause


class _Rows:
    """One provider's rows, by name and by pattern."""

    def __init__(self, provider: ListedProvider) -> None:
        self.by_name: dict[str, ListedModel] = {}
        self.patterns: list[_Pattern] = []
        for model in provider.models:
            for clause in _alternatives(model.match):
                if "equals" in clause:
                    self.by_name.setdefault(clause["equals"].lower(), model)
                else:
                    accepts = _acceptor(provider.id, clause)
                    self.patterns.append(_Pattern(_required(clause), accepts, model, clause))
        for model in provider.models:
            self.by_name.setdefault(model.id.lower(), model)

    def find(self, names: tuple[str, ...]) -> Found | None:
        for name in names:
            if name in self.by_name:
                return Found(self.by_name[name], name)
        for name in names:
            for text, accepts, model, clause in self.patterns:
                if text in name and accepts(name):
                    return Found(model, name, clause)
        return None


class PriceMatcher:
    """The rows by name. All patterns are compiled ahead: no name that comes has to wait."""

    def __init__(self, prices: PriceList) -> None:
        self._listed = {
            provider_id(provider.id): (provider, _Rows(provider)) for provider in prices.providers
        }

    def find(self, found_provider_id: str, names: tuple[str, ...]) -> Match | None:
        """The row of a biller's model in any of its spellings, as `model_names` gives them."""
        if found_provider_id not in self._listed or not all(map(str.isascii, names)):
            return None
        provider, rows = self._listed[found_provider_id]
        own = rows.find(names)
        if own is not None:
            return _match(provider.id, own, is_own=True)
        for other in provider.fallback_model_providers or ():
            lender = self._listed.get(provider_id(other))
            found = lender[1].find(names) if lender else None
            if found is not None:
                return _match(other, found, is_own=False)
        return None


def _match(provider: str, found: Found, *, is_own: bool) -> Match:
    pattern = None if found.clause is None else clause_text(found.clause)
    return Match(provider, found.model, is_own, found.name, pattern)


def clause_text(clause: Clause) -> str:
    """`starts with gpt-5-nano-`, for people."""
    ((kind, value),) = clause.items()
    if isinstance(value, list):
        return f" {kind} ".join(clause_text(part) for part in value)
    return f"{kind.replace('_', ' ')} {value}"


def _alternatives(clause: Clause) -> Iterator[Clause]:
    for part in clause.get("or", ()):
        yield from _alternatives(part)
    if "or" not in clause:
        yield clause


_LITERAL = re.compile(r"\^((?:[\w/-]|\\\.)+)(?![?*{])")
"""How most regular expressions begin: text, with its dots escaped."""


def _required(clause: Clause) -> str:
    ((kind, value),) = clause.items()
    if kind == "and":
        return max(map(_required, value), key=len)
    if kind == "regex":
        literal = _LITERAL.match(value)
        return "" if literal is None or "|" in value else literal[1].replace("\\.", ".")
    return "" if kind == "or" else value.lower()


def _acceptor(provider: str, clause: Clause) -> Callable[[str], bool]:
    ((kind, value),) = clause.items()
    if kind == "and":
        # The regular expressions of an `and` take names out; the other parts let names in.
        filters = [re.compile(part["regex"]) for part in value if "regex" in part]
        letting = [_acceptor(provider, part) for part in value if "regex" not in part]
        return lambda name: (
            all(accepts(name) for accepts in letting)
            and all(regex.search(name) for regex in filters)
        )
    if kind == "or":
        parts = [_acceptor(provider, part) for part in value]
        return lambda name: any(accepts(name) for accepts in parts)
    if kind == "equals":
        return str(value).lower().__eq__
    if kind == "regex":
        return _regex_acceptor(provider, value)
    return _text_acceptor(provider, kind, value.lower())


def _regex_acceptor(provider: str, regex: str) -> Callable[[str], bool]:
    if regex.startswith("^") and regex.endswith("$"):
        whole = re.compile(regex)
        return lambda name: whole.search(name) is not None
    if not regex.startswith("^") or not regex.endswith(r"-\d"):
        return lambda _: False
    head = re.compile(regex.removesuffix(r"-\d"))
    version = _version_of(provider, "")

    def accepts(name: str) -> bool:
        stem = head.match(name)
        return stem is not None and version.fullmatch(name, stem.end()) is not None

    return accepts


def _text_acceptor(provider: str, kind: str, text: str) -> Callable[[str], bool]:
    heads = _HEADS.get(provider, _NO_HEAD)
    version = _version_of(provider, text)
    unfinished = _UNFINISHED.search(text)
    ends = [len(text)] if unfinished is None else [len(text), unfinished.start()]

    def accepts(name: str) -> bool:
        start = name.find(text) if kind != "ends_with" else name.rfind(text)
        if start < 0 or not heads.fullmatch(name, 0, start):
            return False
        if start > 0 and kind == "starts_with":
            return False
        if kind == "ends_with" and start + len(text) != len(name):
            return False
        return any(version.fullmatch(name, start + end) for end in ends)

    return accepts


def _version_of(provider: str, text: str) -> re.Pattern[str]:
    """What may follow a pattern's text."""
    if text.startswith("ft:"):
        return _FINE_TUNE
    if text.endswith(".ft-"):
        return _AZURE_FINE_TUNE
    return _AWS_VERSION if provider == "aws" else _VERSION
