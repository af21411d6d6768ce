"""Sends one event with the official Python client: arguments and answer as JSON on stdio."""

import asyncio
import json
import sys

from llmtrack_sdk import (  # type: ignore[import-untyped]
    LLMtrack,
    LLMtrackError,
)

request = json.load(sys.stdin)
tracker = LLMtrack(api_key=request["key"], base_url=request["url"])
try:
    answer = {"ok": asyncio.run(tracker.track_sync(**request["event"]))}
except LLMtrackError as error:
    answer = {"code": error.code, "status": error.status, "body": error.response_body}
json.dump(answer, sys.stdout)
