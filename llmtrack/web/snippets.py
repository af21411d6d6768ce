"""What to paste to send an event: a shell line and the two official clients.

Each one is run as it stands by the tests; keep them free of anything to fill in.
"""

from typing import NamedTuple

KEY_PLACE = "YOUR_API_KEY"
"""Stands for a key that was shown before: it cannot be shown again."""

CURL = """\
curl {base_url}/api/ingest \\
  -H "Authorization: Bearer {key}" \\
  -H "Content-Type: application/json" \\
  -d '{{"provider":"openai","model":"gpt-4o-mini","prompt_tokens":120,"completion_tokens":80}}'
"""

PYTHON = """\
# pip install llmtrack-sdk
import asyncio
from llmtrack_sdk import LLMtrack

tracker = LLMtrack(
    api_key="{key}",
    base_url="{base_url}",
)
event = dict(provider="openai", model="gpt-4o-mini", prompt_tokens=120, completion_tokens=80)

# In your application: tracker.track(**event), which returns at once.
print(asyncio.run(tracker.track_sync(**event)))
"""

JAVASCRIPT = """\
// npm install llmtrack; save as send.mjs
import {{ LLMtrack }} from 'llmtrack';

const tracker = new LLMtrack({{
  apiKey: '{key}',
  baseUrl: '{base_url}',
}});
const event = {{
  provider: 'openai', model: 'gpt-4o-mini', promptTokens: 120, completionTokens: 80,
}};

// In your application: tracker.track(event), which returns at once.
console.log(await tracker.trackSync(event));
"""


class Snippets(NamedTuple):
    curl: str
    python: str
    javascript: str


def snippets_for(base_url: str, raw_key: str | None) -> Snippets:
    values = {"base_url": base_url.rstrip("/"), "key": raw_key or KEY_PLACE}
    return Snippets(*(text.format(**values).rstrip() for text in (CURL, PYTHON, JAVASCRIPT)))
