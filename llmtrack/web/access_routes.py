"""The routes of keys and accounts in one list."""

from llmtrack.web import account, key_changes, keys, usage_api

ROUTES = [
    *usage_api.ROUTES,
    *account.ROUTES,
    *keys.ROUTES,
    *key_changes.ROUTES,
]
