"""The page that compares a provider's bill with what was recorded."""

import io
from typing import Any

import aiohttp
import pytest

from llmtrack.storage.usage import UsageWriter
from llmtrack.web.reconcile import FILE_BYTES_MAX
from tests.conftest import NOW_MS, World
from tests.events import make_event
from tests.web.conftest import Client
from tests.web.people import OWN_SITE, post, sign_in

BILL = (
    "\ufeffdate,model,cost\r\n2026-11-20,gpt-4o-mini-2024-07-18,$0.000132\r\nTotal,,$0.000132\r\n"
)


@pytest.fixture
async def url(client: Client, world: World) -> str:
    """Acme has one call of 66 micro-USD on the bill's day; bob, a viewer, is signed in."""
    event = make_event(
        world.acme.id, key_id=world.acme_key.key.id, timestamp_ms=NOW_MS, received_ms=NOW_MS
    )
    await world.database.write(lambda connection: UsageWriter().add(connection, [event], 1))
    await sign_in(client, "bob")
    return f"/w/{world.acme.public_id}/pricing/reconcile"


async def upload(
    client: Client, url: str, text: str | bytes, **fields: str
) -> tuple[aiohttp.ClientResponse, str]:
    form = aiohttp.FormData()
    for name, value in {"provider": "openai", **fields}.items():
        form.add_field(name, value)
    data = text.encode() if isinstance(text, str) else text
    form.add_field("file", io.BytesIO(data), filename="bill.csv", content_type="text/csv")
    async with client.post(url, data=form, headers=OWN_SITE) as response:
        return response, await response.text()


async def test_a_bill_is_compared_and_explained(client: Client, url: str) -> None:
    response, text = await upload(client, url, BILL)

    assert response.status == 200
    assert "50.00%" in text
    assert "mainly the bill says too little to tell" in text
    assert "2026-11-20" in text


async def test_the_form_is_there_for_a_viewer(client: Client, url: str) -> None:
    async with client.get(url) as response:
        assert response.status == 200
        assert 'enctype="multipart/form-data"' in await response.text()


async def test_the_result_can_be_downloaded(client: Client, url: str) -> None:
    response, text = await upload(client, url, BILL, format="csv")

    assert response.content_type == "text/csv"
    assert response.headers["Content-Disposition"] == (
        'attachment; filename="reconciled-openai-2026-11-20-2026-11-20.csv"'
    )
    assert text.startswith("day,model,billed_usd,")
    assert ",0.000066,50.00," in text


@pytest.mark.parametrize(
    ("text", "fields", "error"),
    [
        ("date,model,cost\n20.11.26,x,1\n", {}, "ine 2, column &#39;date&#39;"),
        ("", {}, "hoose a file"),
        (BILL, {"provider": " "}, "ay whose bill it is"),
        (BILL, {"from": "2027-01-01"}, "are all outside of the chosen ones"),
        (BILL, {"from": "yesterday"}, "is no date"),
        (BILL, {"provider": "mistral"}, "are not known"),
        (BILL, {"columns": "day"}, "names no column"),
        (BILL, {"columns": "day=When\ncost=cost"}, "no column &#39;when&#39; for day"),
    ],
)
async def test_a_mistake_is_named_and_what_was_typed_stays(
    client: Client, url: str, text: str, fields: dict[str, str], error: str
) -> None:
    response, shown = await upload(client, url, text, **fields)

    assert response.status == 422
    assert error in shown
    assert fields.get("columns", "") in shown


async def test_a_hostile_file_stays_text(client: Client, url: str) -> None:
    _, text = await upload(client, url, "date,model,cost\n2026-11-20,<script>alert(1)</script>,1\n")

    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text


async def test_a_file_that_is_too_large_is_refused(client: Client, url: str) -> None:
    response, _ = await upload(client, url, b"x" * (FILE_BYTES_MAX + 200_000))

    assert response.status == 413


async def test_the_larger_bound_is_this_forms_alone(client: Client, world: World) -> None:
    path = f"/w/{world.acme.public_id}/keys"
    async with client.post(path, data=b"x" * 100_000, headers=OWN_SITE) as response:
        assert response.status == 413


async def test_another_site_cannot_post_here(client: Client, url: str) -> None:
    form = aiohttp.FormData({"provider": "openai"})
    form.add_field("file", BILL.encode(), filename="bill.csv")
    headers: dict[str, Any] = {"Sec-Fetch-Site": "cross-site"}
    async with client.post(url, data=form, headers=headers) as response:
        assert response.status == 403


async def test_fields_that_the_page_does_not_offer_are_refused(client: Client, url: str) -> None:
    assert (await upload(client, url, BILL, workspace="other"))[0].status == 400
    assert (await post(client, url, provider="openai")).status == 415
