"""Where single sign-on is required, a link by mail is no way round it."""

import asyncio
import re

from llmtrack.domain.credentials import mint_token
from llmtrack.storage.login_links import create_sign_in_link
from tests.conftest import WHO, World
from tests.web.conftest import Client
from tests.web.mail_sink import Sink
from tests.web.people import post
from tests.web.sso.browsing import account_of, set_rules


async def mailed_link(client: Client, sink: Sink) -> str:
    """Bob asks for a way in without his password; the token of the link that he gets."""
    await post(client, "/sign-in/lost", email="bob@example.com")
    [token] = re.findall(r"token=(\S+)", (await sink.arrived()).get_content())
    return str(token)


async def test_where_it_is_required_a_mailed_link_is_no_way_round(
    client: Client, sink: Sink, world: World
) -> None:
    early, late = await mailed_link(client, sink), await mailed_link(client, sink)
    assert (await post(client, "/sign-in/link", token=early)).status == 303
    assert await account_of(client)
    set_rules(client, required=True)
    assert not await account_of(client), "a session by a mailed link counts no more"
    response = await post(client, "/sign-in/link", token=late)
    assert response.status == 403
    assert "Sign in with Keyring" in await response.text()
    assert not await account_of(client)
    await post(client, "/sign-in/lost", email="bob@example.com")
    await asyncio.sleep(0.2)
    assert sink.messages == []

    given = mint_token()
    await world.database.write(create_sign_in_link, given.digest, world.bob, **WHO)
    assert (await post(client, "/sign-in/link", token=given.raw)).status == 303
    assert await account_of(client), "an administrator handed this one out"
