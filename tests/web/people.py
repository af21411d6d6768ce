"""Signing in as one of the cast."""

from aiohttp import ClientResponse

from tests.conftest import PASSWORD
from tests.web.conftest import Client

OWN_SITE = {"Sec-Fetch-Site": "same-origin"}


async def sign_in(client: Client, name: str) -> None:
    """The client's cookie jar holds the session afterwards."""
    response = await post(
        client, "/sign-in", email=f"{name}@example.com", password=PASSWORD, next="/"
    )
    assert response.status == 303


async def post(client: Client, path: str, **form: str) -> ClientResponse:
    """A form as the browser sends it from our own page."""
    return await client.post(path, data=form, headers=OWN_SITE, allow_redirects=False)


async def text_of(client: Client, path: str, status: int = 200) -> str:
    async with client.get(path, allow_redirects=False) as response:
        assert response.status == status, path
        return await response.text()
