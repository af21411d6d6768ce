"""A lost password: a link by mail, the same answer for everybody, a new password by it."""

import asyncio
import re

import pytest

from llmtrack.services import mail
from llmtrack.services.mail import Mailer, MailFailed
from tests.web.conftest import Client, Clock
from tests.web.mail_sink import Sink
from tests.web.people import post, text_of

NEW_PASSWORD = "seven wild geese over the lake"


async def test_a_link_by_mail_leads_to_a_new_password(mailing: Client, sink: Sink) -> None:
    assert "We send you a link" in await text_of(mailing, "/sign-in")
    asked = await post(mailing, "/sign-in/lost", email="Alice@example.com")
    assert "a link is on its way" in await asked.text()

    message = await sink.arrived()
    assert message["To"] == "alice@example.com"
    text = message.get_content()
    [link] = re.findall(r"https://costs\.example\.com(/sign-in/link\?token=\S+)", text)
    await text_of(mailing, link)
    token = link.partition("=")[2]
    assert (await post(mailing, "/sign-in/link", token=token)).status == 303
    assert "Present password" not in await text_of(mailing, "/account")
    changed = await post(mailing, "/account/password", password=NEW_PASSWORD)
    assert changed.status == 303
    mailing.session.cookie_jar.clear()
    form = {"email": "alice@example.com", "password": NEW_PASSWORD, "next": "/"}
    assert (await post(mailing, "/sign-in", **form)).status == 303
    assert (await post(mailing, "/sign-in/link", token=token)).status == 410


async def test_nobody_s_address_gets_the_same_answer_and_no_mail(
    mailing: Client, sink: Sink
) -> None:
    texts = []
    for email in ("alice@example.com", "nobody@example.com"):
        answer = await post(mailing, "/sign-in/lost", email=email)
        assert answer.status == 200
        texts.append((await answer.text()).replace(email, ""))
    assert texts[0] == texts[1]
    await sink.arrived()
    assert sink.messages == []


async def test_asking_again_and_again_is_slowed_down(mailing: Client) -> None:
    statuses = [
        (await post(mailing, "/sign-in/lost", email="alice@example.com")).status for _ in range(8)
    ]
    assert statuses[0] == 200
    assert statuses[-1] == 429


async def test_after_a_while_the_link_does_not_stand_for_the_password(
    mailing: Client, sink: Sink, clock: Clock
) -> None:
    await post(mailing, "/sign-in/lost", email="alice@example.com")
    text = (await sink.arrived()).get_content()
    [token] = re.findall(r"token=(\S+)", text)
    await post(mailing, "/sign-in/link", token=token)
    clock.now_ms += 3_600_000
    assert "Present password" in await text_of(mailing, "/account")
    changed = await post(mailing, "/account/password", password=NEW_PASSWORD)
    assert changed.status == 422


async def test_without_a_mail_server_there_is_no_such_page(client: Client) -> None:
    await text_of(client, "/sign-in/lost", 404)
    assert "/sign-in/lost" not in await text_of(client, "/sign-in")


async def test_a_mail_server_that_nobody_vouches_for_is_refused(sink: Sink) -> None:
    with pytest.raises(MailFailed, match="certificate"):
        await Mailer(sink.server._replace(ca_file=None)).check()
    with pytest.raises(MailFailed):
        await Mailer(sink.server._replace(password="wrong")).check()
    await Mailer(sink.server).check()


async def test_a_mail_server_that_says_nothing_is_given_up(
    monkeypatch: pytest.MonkeyPatch, sink: Sink
) -> None:
    monkeypatch.setattr(mail, "TIMEOUT_S", 0.3)

    async def mute(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(mute, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    with pytest.raises(MailFailed, match="did not take the mail"):
        await Mailer(sink.server._replace(host="127.0.0.1", port=port)).check()
    server.close()


async def test_a_header_is_never_two(sink: Sink) -> None:
    with pytest.raises(ValueError, match="linefeed or carriage return"):
        await Mailer(sink.server).send("a@example.com\r\nBcc: b@example.com", "s", "t")
    assert sink.messages == []
