"""The many spellings of one provider and one model.

Only what is certainly the same thing is taken off a name: surrounding space, letter case, one
leading name of the very provider, a resource path. A date, a region, `ft:`, `:free` or
`:batch` is part of the name, because it has its own price.
"""

import re
from functools import lru_cache

_SYNONYMS = {
    "aws": "amazon amazon-bedrock anthropic-bedrock aws-bedrock bedrock bedrock-converse"
    " bedrock-runtime",
    "anthropic": "anthropic-messages",
    "azure": "az-ai-inference az-ai-openai azure-ai azure-ai-foundry azure-ai-inference"
    " azure-ai-openai azure-foundry azure-openai microsoft-azure microsoft-foundry",
    "cohere": "cohere-ai cohere-chat",
    "fireworks": "fireworks-ai",
    "github-copilot": "copilot",
    "google": "gcp-gemini gcp-gen-ai gcp-vertex-ai gemini google-ai google-ai-studio google-cloud"
    " google-gemini google-genai google-generative-ai google-vertex google-vertex-ai"
    " google-vertexai googleai vertex vertex-ai vertex-ai-beta vertexai",
    "mistral": "mistral-ai mistralai",
    "moonshotai": "moonshot moonshot-ai",
    "openai": "openai-chat openai-responses text-completion-openai",
    "openrouter": "open-router openrouter-ai",
    "ovhcloud": "ovh",
    "perplexity": "perplexity-ai pplx",
    "together": "together-ai togetherai",
    "voyageai": "voyage voyage-ai",
    "x-ai": "xai",
    "zai": "z-ai",
    "zhipuai": "zhipu zhipu-ai",
}
_PROVIDER_IDS = {name: to for to, names in _SYNONYMS.items() for name in names.split()}
_PASS_THROUGH = frozenset({"litellm", "litellm-proxy"})
"""Gateways that bill nothing themselves and put the biller in front of the model's name."""

_SEPARATORS = re.compile(r"[\s_./-]+")
_RESOURCE = re.compile(
    r"models/"
    r"|(?:projects/[^/]+/locations/[^/]+/)?publishers/[^/]+/models/"
    r"|arn:aws[a-z-]*:bedrock:[^:/]*:[^:/]*:(?:foundation-model|inference-profile)/"
)
_COMPACT_DATE = re.compile(r"-(20\d\d)(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])(?=[-:]|$)")


@lru_cache(1000)
def provider_id(provider: str) -> str:
    """The price list's id of a provider; a name that it does not know stays itself."""
    name = _SEPARATORS.sub("-", provider.strip().lower())
    return _PROVIDER_IDS.get(name, name)


def biller(provider: str, model: str) -> tuple[str, str]:
    """Who sends the bill, and the model's name there."""
    found = provider_id(provider)
    if found in _PASS_THROUGH:
        first, slash, rest = model.partition("/")
        if slash:
            return provider_id(first), rest
    return found, model


def model_names(found_provider_id: str, model: str) -> tuple[str, ...]:
    """The spellings to look for, best first. Every one means the very same model."""
    name = model.strip().lower()
    names = [name]
    first, slash, rest = name.partition("/")
    resource = _RESOURCE.match(name)
    if resource:
        names.append(name[resource.end() :])
    elif slash and provider_id(first) == found_provider_id:
        names.append(rest)
    dashed = (_COMPACT_DATE.sub(r"-\1-\2-\3", name) for name in tuple(names))
    return tuple(dict.fromkeys(name for name in (*names, *dashed) if name))
