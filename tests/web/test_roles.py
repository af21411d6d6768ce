"""Who may do what: every route, method and role against one table."""

import re
from itertools import pairwise

import pytest

from llmtrack.domain.roles import PERMISSIONS, Permission, Role
from llmtrack.storage.memberships import add_member
from llmtrack.web.auth import GATES
from tests.conftest import WHO, World
from tests.web.conftest import Client
from tests.web.people import OWN_SITE, sign_in

READ, EXPORT = Permission.READ, Permission.EXPORT
KEYS, PRICES = Permission.MANAGE_KEYS, Permission.MANAGE_PRICES
MEMBERS, AUDIT = Permission.MANAGE_MEMBERS, Permission.READ_AUDIT

# By method and area below /w/{workspace}/; the longest that fits holds. A route that changes
# something outside of all areas fails: say here who may.
AREAS = {
    ("GET", ""): READ,
    ("GET", "access"): MEMBERS,
    ("GET", "audit"): AUDIT,
    ("GET", "by/{dimension}/export"): EXPORT,
    ("GET", "changes/export"): EXPORT,
    ("GET", "customers/export"): EXPORT,
    ("GET", "events/export"): EXPORT,
    ("GET", "explore/export"): EXPORT,
    ("GET", "export"): EXPORT,
    ("GET", "performance/export"): EXPORT,
    ("GET", "statement/export"): EXPORT,
    ("GET", "what-if/export"): EXPORT,
    ("GET", "keys/{key}/deletion"): KEYS,
    ("POST", "access"): MEMBERS,
    ("POST", "customers/price"): PRICES,
    ("POST", "data-quality"): Permission.MANAGE_WORKSPACE,
    ("POST", "keys"): KEYS,
    ("POST", "members"): MEMBERS,
    ("POST", "members/leaving"): READ,  # everybody may leave
    ("POST", "members/second-factor"): Permission.MANAGE_WORKSPACE,
    ("GET", "pricing/alias/new"): PRICES,
    ("GET", "pricing/own/new"): PRICES,
    ("POST", "pricing"): PRICES,
    ("POST", "pricing/reconcile"): READ,  # compares, and stores nothing
    ("GET", "shared-links"): MEMBERS,
    ("POST", "shared-links"): MEMBERS,
    ("POST", "views"): READ,  # one's own
    ("POST", "what-if"): READ,  # compares, and stores nothing
    ("POST", "settings"): Permission.MANAGE_WORKSPACE,
    ("POST", "notices"): Permission.MANAGE_WORKSPACE,
    ("POST", "settings/currency"): PRICES,
}

# Without a session: signing in, setting up, assets, and the routes that ask for a key.
PUBLIC = {
    "/healthz",
    "/readyz",
    "/metrics",
    "/",
    "/setup",
    "/sign-in",
    "/sign-in/link",
    "/sign-out",
    "/theme",
    "/static/{name}",
    "/invitation",
    "/proof",
    "/sign-in/code",
    "/sign-in/lost",
    "/sign-in/password",
    "/security",
    "/.well-known/security.txt",
    "/s/{workspace}/{token}",
    "/sign-in/code/passkey",
    "/sign-in/code/passkey/options",
    "/invitation/oidc",
    "/sign-in/oidc",
    "/sign-in/oidc/callback",
    "/sign-in/passkey",
    "/sign-in/passkey/options",
}
BY_KEY = "/api/"
OWN_ACCOUNT = "/account"
"""Of whoever is signed in, whatever their workspaces."""
INSTANCE = "/instance"
"""Of administrators of the instance; to anybody else it does not exist."""

Route = tuple[str, str]


def routes_of(client: Client) -> list[Route]:
    assert client.app is not None
    return [
        (route.method, route.resource.canonical)
        for route in client.app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    ]


def wanted_of(method: str, pattern: str) -> Permission | None:
    """What the table says of a route of a workspace."""
    below = pattern.removeprefix("/w/{workspace}/")
    fitting = [area for area in AREAS if area[0] == method and below.startswith(area[1])]
    return AREAS[max(fitting, key=lambda area: len(area[1]))] if fitting else None


async def test_every_route_has_its_place_in_the_table(client: Client) -> None:
    for method, pattern in routes_of(client):
        if pattern.startswith("/w/"):
            assert wanted_of(method, pattern), f"{method} {pattern}: say in AREAS who may"
        else:
            assert pattern in PUBLIC or pattern.startswith((BY_KEY, OWN_ACCOUNT, INSTANCE)), pattern


async def test_every_gate_asks_for_what_the_table_says(client: Client) -> None:
    assert client.app is not None
    for route in client.app.router.routes():
        canonical = route.resource.canonical if route.resource else ""
        if canonical.startswith("/w/"):
            method = route.method.replace("HEAD", "GET")
            assert GATES[route.handler] is wanted_of(method, canonical), f"{method} {canonical}"


@pytest.mark.parametrize("role", list(Role))
async def test_each_role_passes_the_gates_of_its_permissions_only(
    client: Client, world: World, role: Role
) -> None:
    await world.database.write(add_member, world.globex.id, world.charlie.id, role=role, **WHO)
    await world.database.write(add_member, world.globex.id, world.alice.id, role=Role.OWNER, **WHO)
    await sign_in(client, "charlie")
    known = {"workspace": world.globex.public_id, "key": "key_none"}
    for method, pattern in routes_of(client):
        if not pattern.startswith("/w/"):
            continue
        wanted = wanted_of(method, pattern)
        path = re.sub(r"\{(\w+)\}", lambda name: known.get(name[1], "unknown"), pattern)
        headers = {**OWN_SITE, "Connection": "close"}
        async with client.request(method, path, headers=headers, allow_redirects=False) as response:
            refused = response.status == 403
        assert refused != (wanted in PERMISSIONS[role]), f"{role} {method} {pattern}"


def test_more_rights_include_the_fewer() -> None:
    order = [Role.VIEWER, Role.ANALYST, Role.ADMIN, Role.OWNER]
    for less, more in pairwise(order):
        assert PERMISSIONS[less] < PERMISSIONS[more]
    assert PERMISSIONS[Role.OWNER] == set(Permission)
    assert {Permission.READ, Permission.EXPORT} == PERMISSIONS[Role.ANALYST]
