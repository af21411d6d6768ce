"""The OpenAPI document: every route of the API is in it, and nothing that is not there."""

import re

from llmtrack.web.openapi import document
from tests.web.conftest import Client
from tests.web.test_roles import routes_of


async def test_every_route_of_the_api_is_in_the_document(client: Client) -> None:
    async with client.get("/api/openapi.json") as response:
        assert response.status == 200
        served = await response.json()
    assert served == document("http://127.0.0.1")
    told = {(method.upper(), path) for path, ways in served["paths"].items() for method in ways}
    routes = {
        (method, re.sub(r"\{(\w+)[^}]*\}", r"{\1}", path))
        for method, path in routes_of(client)
        if path.startswith("/api/")
    }
    assert told == routes


async def test_each_route_of_a_key_says_so(client: Client) -> None:
    async with client.get("/api/openapi.json") as response:
        paths = (await response.json())["paths"]
    for path, ways in paths.items():
        for method, way in ways.items():
            async with client.request(method, path) as response:
                assert (response.status == 401) == ("security" in way), path
                assert str(response.status) in way["responses"]
