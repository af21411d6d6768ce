"""The routes of keys and accounts in one list."""

from llmtrack.web import (
    access,
    account,
    contact,
    instance,
    invitation,
    key_changes,
    keys,
    lost_password,
    members,
    openapi,
    passkeys,
    second_factor,
    single_sign_on,
    usage_api,
)

ROUTES = [
    *usage_api.ROUTES,
    *openapi.ROUTES,
    *account.ROUTES,
    *second_factor.ROUTES,
    *passkeys.ROUTES,
    *single_sign_on.ROUTES,
    *invitation.ROUTES,
    *members.ROUTES,
    *contact.ROUTES,
    *lost_password.ROUTES,
    *access.ROUTES,
    *instance.ROUTES,
    *keys.ROUTES,
    *key_changes.ROUTES,
]
