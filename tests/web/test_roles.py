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
KEYS, AUDIT = Permission.MANAGE_KEYS, Permission.READ_AUDIT
PRICES = Permission.MANAGE_PRICES
KEY = "/w/{workspace}/keys/{key}"

# What changes something is listed; all other pages are for reading, and say so here, too.
NOT_FOR_EVERY_MEMBER = {
    ("POST", "/w/{workspace}/keys"): KEYS,
    ("POST", f"{KEY}/deactivation"): KEYS,
    ("POST", f"{KEY}/reactivation"): KEYS,
    ("GET", f"{KEY}/deletion"): KEYS,
    ("POST", f"{KEY}/deletion"): KEYS,
    ("GET", "/w/{workspace}/audit"): AUDIT,
    ("GET", "/w/{workspace}/pricing/own/new"): PRICES,
    ("POST", "/w/{workspace}/pricing/own/new"): PRICES,
    ("GET", "/w/{workspace}/pricing/alias/new"): PRICES,
    ("POST", "/w/{workspace}/pricing/alias/new"): PRICES,
    ("POST", "/w/{workspace}/pricing/own/{price}/revocation"): PRICES,
    ("POST", "/w/{workspace}/pricing/currency"): PRICES,
    ("POST", "/w/{workspace}/pricing/at-risk"): PRICES,
    ("POST", "/w/{workspace}/pricing/repricing"): PRICES,
    ("POST", "/w/{workspace}/pricing/runs/{run}/undo"): PRICES,
    ("POST", "/w/{workspace}/pricing/unpriced/alias"): PRICES,
    ("POST", "/w/{workspace}/pricing/unpriced/price"): PRICES,
    ("GET", "/w/{workspace}/explore/export"): EXPORT,
    ("GET", "/w/{workspace}/events/export"): EXPORT,
}
READ_BY_POST = {("POST", "/w/{workspace}/pricing/reconcile")}
"""Forms that store nothing."""

# Without a session: signing in, setting up, assets, and the routes that ask for a key.
PUBLIC = {
    ("GET", "/"),
    ("GET", "/setup"),
    ("POST", "/setup"),
    ("GET", "/sign-in"),
    ("POST", "/sign-in"),
    ("GET", "/sign-in/link"),
    ("POST", "/sign-in/link"),
    ("POST", "/sign-out"),
    ("POST", "/theme"),
    ("GET", "/static/{name}"),
}
BY_KEY = {("POST", "/api/ingest"), ("POST", "/api/ingest/batch")}

Route = tuple[str, str]


def routes_of(client: Client) -> list[Route]:
    assert client.app is not None
    return [
        (route.method, route.resource.canonical)
        for route in client.app.router.routes()
        if route.resource is not None and route.method != "HEAD"
    ]


async def test_every_route_has_its_place_in_the_table(client: Client) -> None:
    outside = {route for route in routes_of(client) if not route[1].startswith("/w/")}
    assert outside == PUBLIC | BY_KEY
    inside = set(routes_of(client)) - outside
    assert NOT_FOR_EVERY_MEMBER.keys() <= inside
    changing = {route for route in inside if route[0] != "GET"} - READ_BY_POST
    assert changing <= NOT_FOR_EVERY_MEMBER.keys(), "a route that changes something is for all"


async def test_every_gate_asks_for_what_the_table_says(client: Client) -> None:
    assert client.app is not None
    asked = {
        (route.method.replace("HEAD", "GET"), route.resource.canonical): GATES[route.handler]
        for route in client.app.router.routes()
        if route.resource is not None and route.resource.canonical.startswith("/w/")
    }
    assert {
        route: gate for route, gate in asked.items() if gate is not READ
    } == NOT_FOR_EVERY_MEMBER


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
        wanted = NOT_FOR_EVERY_MEMBER.get((method, pattern), READ)
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
