"""Takes content and secrets out of metadata: usage belongs here, payloads do not.

Content goes by the name of its member, as the SDKs, gateways and OpenTelemetry conventions have
it, however it is spelt (`inputText`, `input-text`) and whatever stands before its last dot. Names
that are also used for tags (`prompt`: "support-v3") go only with a value that is no tag: text of
several words, and for most a list or an object as well. Text that is JSON is looked into.
Secrets go by their own form; a card number needs the prefix of an issuer, a fitting length and
its check digit.
"""

import json
import re
from collections.abc import Iterator
from enum import Enum
from functools import lru_cache
from typing import Any, NamedTuple

CONTENT_NAMES = frozenset(
    """
    prompts messages completions choices input_messages output_messages system_prompt
    user_prompt assistant_prompt system_instruction system_instructions prompt_text
    completion_text response_text request_body response_body raw_request raw_response
    tool_calls tool_call function_call tool_arguments chat_history conversation transcript
    input_text output_text user_message assistant_message system_message reasoning_content
    contents generations
    gen_ai.prompt gen_ai.completion gen_ai.input.messages gen_ai.output.messages
    gen_ai.system_instructions gen_ai.tool.definitions gen_ai.tool.call.arguments
    gen_ai.tool.call.result input.value output.value llm.prompts llm.completions
    llm.input_messages llm.output_messages traceloop.entity.input traceloop.entity.output
    """.split()  # noqa: SIM905 - a list of words reads better without quotes
)
CONTENT_PREFIXES = (
    "gen_ai.prompt.",
    "gen_ai.completion.",
    "llm.prompts.",
    "llm.completions.",
    "llm.input_messages.",
    "llm.output_messages.",
)
# Also the names of tags: content only if the value reads like it.
PERHAPS_CONTENT = frozenset(
    """
    prompt completion input output content text message question answer response arguments
    user_input user_query llm_input llm_output llm_response model_input model_output
    model_response generated_text
    """.split()  # noqa: SIM905
)
# As above, but lists and objects of that name are settings as often: they are looked into.
PERHAPS_TEXT = frozenset(
    """
    system instructions query preamble generation template result thinking reasoning
    """.split()  # noqa: SIM905
)
_JSON_STARTS = ("{", "[")
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
TAG_CHARS_MAX = 64
TAG_WORDS_MAX = 3

_SECRETS = {
    "a private key": (
        r"-----BEGIN [A-Z ]*PRIVATE KEY-----(?:.*?-----END [A-Z ]*PRIVATE KEY-----|.*)"
    ),
    "an LLMtrack key": r"llmt_[0-9A-Za-z]{36}",
    "a provider's key": (
        r"\b(?:sk-[A-Za-z0-9_-]{20,}|AIza[0-9A-Za-z_-]{35}|(?:AKIA|ASIA)[0-9A-Z]{16}"
        r"|gh[oprsu]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,}|glpat-[A-Za-z0-9_-]{20,}"
        r"|xox[abeoprs]-[A-Za-z0-9-]{10,}|[prs]k_live_[A-Za-z0-9]{16,}|gsk_[A-Za-z0-9]{20,}"
        r"|hf_[A-Za-z0-9]{30,}|xai-[A-Za-z0-9]{20,}|r8_[A-Za-z0-9]{30,}|pplx-[A-Za-z0-9]{30,}"
        r"|nvapi-[A-Za-z0-9_-]{30,}|npm_[A-Za-z0-9]{36,})"
    ),
    "a token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    "a password in a URL": r"(?<=://)[^\s/:@\"]*:[^\s/@\"]+(?=@)",
    "a card number": r"(?<![\w.-])[2-6](?:[ -]?\d){12,18}(?![\w-])",
}
_KINDS = list(_SECRETS)
_SECRET = re.compile("|".join(f"({pattern})" for pattern in _SECRETS.values()), re.DOTALL)
# What every one of them has: a quick look that decides for nearly all metadata.
_BEGINNINGS = (
    *(
        "PRIVATE KEY",
        "llmt_",
        "sk-",
        "AIza",
        "AKIA",
        "ASIA",
        "ghp_",
        "gho_",
        "ghr_",
        "ghs_",
        "ghu_",
    ),
    *("github_pat_", "glpat-", "xox", "k_live_", "gsk_", "hf_", "xai-", "r8_", "pplx-", "nvapi-"),
    *("npm_", "eyJ", "://"),
)
_LONG_NUMBER = re.compile(r"\d[\d -]{11}")
# One of these is in every name of content, whatever its case.
_WORDS = (
    *("prompt", "message", "completion", "choices", "instruction", "text", "body", "raw_re"),
    *("tool", "function_call", "history", "conversation", "transcript", "put", "content"),
    *("question", "answer", "response", "argument", "system", "query", "preamble"),
    *("generat", "template", "result", "thinking", "reasoning"),
)
# Prefixes and lengths of issuers, ISO/IEC 7812: Visa, Mastercard, Amex, Discover, JCB, Diners,
# UnionPay.
_CARD = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|5[1-5]\d{14}|2(?:22[1-9]|2[3-9]\d|[3-6]\d\d|7[01]\d|720)\d{12}"
    r"|3[47]\d{13}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}"
    r"|3(?:0[0-5]|[68]\d)\d{11}|62\d{14,17}"
)


class Scrubbed(NamedTuple):
    """Metadata without them; where each was, and what."""

    metadata: dict[str, Any]
    dropped: list[str]
    masked: list[tuple[str, str]]

    @property
    def warnings(self) -> Iterator[str]:
        for path in self.dropped:
            yield f"metadata.{path[:100]} holds content, which is not stored: dropped"
        for path, kind in self.masked:
            yield f"metadata.{path[:100]} held {kind}: replaced by a marker"


def scrub(metadata: dict[str, Any], compact: str) -> Scrubbed | None:
    """None if there is nothing to take out. `compact`: the same as JSON text."""
    is_suspect, has_word = _looked_at(compact)
    if not is_suspect and not (has_word and _names_content(metadata)):
        return None
    found = Scrubbed({}, [], [])
    found.metadata.update(_members(metadata, "", found))
    return found if found.dropped or found.masked else None


@lru_cache(1000)  # many events of an application have the same few
def _looked_at(compact: str) -> tuple[bool, bool]:
    return _is_suspect(compact), _has_word(compact)


def _is_suspect(compact: str) -> bool:
    for beginning in _BEGINNINGS:
        if beginning in compact:
            return True
    return _LONG_NUMBER.search(compact) is not None


def _has_word(compact: str) -> bool:
    lower = compact.lower()
    return any(word in lower for word in _WORDS)


def _names_content(metadata: dict[str, Any]) -> bool:
    """Whether a member anywhere may be content: nothing else has to be looked at."""
    for name, value in metadata.items():
        if _rule_of(name) is not _Rule.NEVER:
            return True
        kind = type(value)
        if kind is dict and _names_content(value):
            return True
        if kind is str and value.lstrip().startswith(_JSON_STARTS):
            return True
        if kind is list and any(type(item) is not int for item in value):
            return True
    return False


class _Rule(Enum):
    """Which values of a name are content."""

    NEVER = "never"
    ALWAYS = "always"
    NO_TAG = "no tag"
    NO_TAG_TEXT = "no tag, but text"


@lru_cache(4096)
def _rule_of(name: str) -> _Rule:
    normal = _HUMP.sub("_", name).lower().replace("-", "_").replace(" ", "_")
    last = normal.rpartition(".")[2]
    if not CONTENT_NAMES.isdisjoint((normal, last)) or normal.startswith(CONTENT_PREFIXES):
        return _Rule.ALWAYS
    if last in PERHAPS_CONTENT:
        return _Rule.NO_TAG
    return _Rule.NO_TAG_TEXT if last in PERHAPS_TEXT else _Rule.NEVER


def _members(value: dict[str, Any], path: str, found: Scrubbed) -> dict[str, Any]:
    kept = {}
    for name, member in value.items():
        if _is_content(_rule_of(name), member) or _is_json_content(member):
            found.dropped.append(f"{path}{name}")
        else:
            kept[_masked(name, path, found)] = _scrubbed(member, f"{path}{name}", found)
    return kept


def _is_content(rule: _Rule, value: Any) -> bool:
    if rule is _Rule.NEVER or not value or type(value) not in {str, list, dict}:
        return False
    if rule is _Rule.ALWAYS:
        return True
    if type(value) is not str:
        return rule is _Rule.NO_TAG
    return len(value) > TAG_CHARS_MAX or len(value.split()) > TAG_WORDS_MAX


def _is_json_content(value: Any) -> bool:
    """Whether a text is JSON with content in it: a request or an answer, packed once more."""
    if type(value) is not str or not value.lstrip().startswith(_JSON_STARTS):
        return False
    try:
        packed = json.loads(value)
    except (ValueError, RecursionError):
        return False
    inside = Scrubbed({}, [], [])
    _scrubbed(packed, "", inside)
    return bool(inside.dropped)


def _scrubbed(value: Any, path: str, found: Scrubbed) -> Any:
    if type(value) is str:
        return _masked(value, path, found)
    if type(value) is dict:
        return _members(value, f"{path}.", found)
    if type(value) is list:
        return [_item(item, f"{path}[{place}]", found) for place, item in enumerate(value)]
    if type(value) is int and value >= 10**12 and _is_card(str(value)):
        found.masked.append((path, "a card number"))
        return _marker("a card number")
    return value


def _item(value: Any, path: str, found: Scrubbed) -> Any:
    if _is_json_content(value):
        found.dropped.append(path)
        return None
    return _scrubbed(value, path, found)


def _masked(text: str, path: str, found: Scrubbed) -> str:
    def replace(match: re.Match[str]) -> str:
        kind = _KINDS[(match.lastindex or 1) - 1]
        if kind == "a card number" and not _is_card(match[0]):
            return match[0]
        found.masked.append((path or "a name", kind))
        return _marker(kind)

    return _SECRET.sub(replace, text)


def _marker(kind: str) -> str:
    return f"[removed: {kind}]"


def _is_card(text: str) -> bool:
    digits = text.replace(" ", "").replace("-", "")
    return bool(_CARD.fullmatch(digits)) and _luhn(digits)


def _luhn(digits: str) -> bool:
    """The check digit of ISO/IEC 7812-1, annex B."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0
