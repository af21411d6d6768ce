"""Pages in another currency: converted amounts, the rate said, and nothing else changed."""

from decimal import Decimal

import pytest

from llmtrack.domain.currencies import DisplayCurrency
from llmtrack.web.change_words import signed_usd
from llmtrack.web.changes import ratio_change
from llmtrack.web.charts import Axis
from llmtrack.web.numbers import shown_in, usd, usd_each_short, usd_exact, usd_short
from llmtrack.web.usage_chart import tick_usd
from tests.conftest import World
from tests.web.conftest import Client
from tests.web.people import post, sign_in
from tests.web.test_ingest import EVENT, send

EURO = DisplayCurrency("EUR", "0.92", "2026-11-20")
PICO = 10**12


def test_amounts_are_converted_exactly_and_then_rounded() -> None:
    with shown_in(EURO):
        assert usd_short(PICO * 3 // 2) == "EUR\N{NO-BREAK SPACE}1.38"
        assert usd_short(-PICO * 1000) == "-EUR\N{NO-BREAK SPACE}920.00"
        assert usd_short(66_000_000) == "EUR\N{NO-BREAK SPACE}0.00006072"
        assert usd_short(1) == "<EUR\N{NO-BREAK SPACE}0.000001"
        assert 'title="$1.5"' in usd(PICO * 3 // 2)
    assert usd_short(PICO * 3 // 2) == "$1.50"


@pytest.mark.parametrize(
    ("code", "rate", "texts"),
    [
        ("JPY", "150", ("0", "1,500", "15", "2", "0.0225", "<0.000001")),
        ("KRW", "1400", ("0", "14,000", "140", "14", "0.21", "<0.000001")),
        ("KWD", "0.31", ("0.000", "3.100", "0.031", "0.003", "0.0000465", "<0.000001")),
        ("EUR", "0.9", ("0.00", "9.00", "0.09", "0.009", "0.000135", "<0.000001")),
        ("CLF", "0.03", ("0.0000", "0.3000", "0.0030", "0.0003", "0.0000045", "<0.000001")),
    ],
)
def test_a_currency_has_its_own_decimals(code: str, rate: str, texts: tuple[str, ...]) -> None:
    picos = (0, 10 * PICO, PICO // 10, PICO // 100, 150_000_000, 1)
    with shown_in(DisplayCurrency(code, rate, "2026-11-20")):
        shown = [usd_short(pico).replace(f"{code}\N{NO-BREAK SPACE}", "") for pico in picos]
        assert signed_usd(-1).startswith(f"\N{MINUS SIGN}{code}\N{NO-BREAK SPACE}0.0000000")
    assert tuple(shown) == texts


def test_ticks_have_no_decimals_of_nothing() -> None:
    with shown_in(DisplayCurrency("KWD", "0.5", "2026-11-20")):
        assert tick_usd(2000 * PICO) == "KWD\N{NO-BREAK SPACE}1,000"
        assert tick_usd(PICO) == "KWD\N{NO-BREAK SPACE}0.500"


def test_yen_of_a_single_request_keep_what_tells_them_apart() -> None:
    with shown_in(DisplayCurrency("JPY", "150", "2026-11-20")):
        assert usd_each_short(PICO // 7) == "JPY\N{NO-BREAK SPACE}21.43"
        assert usd_each_short(2 * PICO) == "JPY\N{NO-BREAK SPACE}300"


def test_a_difference_is_exact_however_small_and_has_separators() -> None:
    assert signed_usd(400_000) == "+$0.0000004"
    assert signed_usd(-1) == "\N{MINUS SIGN}$0.000000000001"
    assert signed_usd(12_345_679_322_400_001_000) == "+$12,345,679.32"
    assert usd_exact(-12_345_679_322_400_001_000) == "-12,345,679.322400001"
    assert 'title="-$1,234.567"' in usd(-1_234_567 * PICO // 1000)
    change = ratio_change(37_343_252 * 100, 100, less_is_better=True, before_text="")
    assert change is not None
    assert change.text == "37,343,252 times"


@pytest.mark.parametrize(
    ("largest", "texts"),
    [
        (PICO * 265 // 100, ["0", "1", "2", "3"]),
        (PICO * 1000, ["0", "250", "500", "750", "1,000"]),
        (PICO // 2, ["0", "0.20", "0.40", "0.60"]),
        (0, ["0", ""]),
    ],
)
def test_an_axis_is_round_in_the_currency_that_is_shown(largest: int, texts: list[str]) -> None:
    with shown_in(EURO):
        ticks = Axis(largest, rate=Decimal(EURO.usd_rate)).ticks
        shown = [tick_usd(tick).removeprefix("EUR\N{NO-BREAK SPACE}") for tick in ticks]
    assert shown == texts


async def set_euro(client: Client, world: World, **form: str) -> tuple[int, str]:
    values = {"currency": "eur", "usd_rate": "0,92", "rate_date": "2026-11-20"} | form
    response = await post(client, f"/w/{world.acme.public_id}/pricing/currency", **values)
    return response.status, await response.text()


async def overview(client: Client, world: World) -> str:
    response = await client.get(f"/w/{world.acme.public_id}/")
    assert response.status == 200
    return await response.text()


async def test_a_workspace_s_pages_say_currency_rate_and_day(client: Client, world: World) -> None:
    await send(client, world.acme_key.raw, EVENT)
    await sign_in(client, "alice")
    assert "$0.000066" in await overview(client, world)

    assert (await set_euro(client, world))[0] == 303

    text = await overview(client, world)
    assert "EUR\N{NO-BREAK SPACE}0.00006072" in text
    assert "EUR at 0.92 per US dollar, the rate of 2026-11-20" in text
    _, answer = await send(client, world.acme_key.raw, EVENT)
    assert answer["cost"] == 0.000066

    assert (await set_euro(client, world, currency="USD"))[0] == 303
    assert "EUR" not in await overview(client, world)


async def test_another_workspace_keeps_its_own(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    await set_euro(client, world)
    await sign_in(client, "charlie")

    response = await client.get(f"/w/{world.globex.public_id}/pricing")

    assert "per US dollar, the rate" not in await response.text()


@pytest.mark.parametrize(
    ("told", "form"),
    [
        ("&#39;euro&#39; is no currency", {"currency": "euro", "rate_date": "soon"}),
        ("The rate is a number", {"usd_rate": "much"}),
        ("The rate is a number", {"usd_rate": "0"}),
        ("The rate is a number", {"usd_rate": "NaN"}),
        ("is a date", {"rate_date": "soon"}),
    ],
)
async def test_mistakes_are_told(
    client: Client, world: World, told: str, form: dict[str, str]
) -> None:
    await sign_in(client, "alice")

    status, text = await set_euro(client, world, **form)

    assert (status, told in text) == (422, True)


async def test_settings_change_the_currency_too(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    url = f"/w/{world.acme.public_id}/settings"
    values = {"currency": "chf", "usd_rate": "0.88", "rate_date": "2026-11-20"}

    wrong = await post(client, f"{url}/currency", **values | {"usd_rate": "much"})
    assert wrong.status == 422
    text = await wrong.text()
    assert 'value="chf"' in text
    assert "the rate is a number from" in text.replace("The rate", "the rate")

    assert (await post(client, f"{url}/currency", **values)).status == 303
    assert "CHF at 0.88 per US dollar, the rate of 2026-11-20" in await overview(client, world)
    assert 'value="0.88"' in await (await client.get(url)).text()

    await sign_in(client, "bob")
    assert (await post(client, f"{url}/currency", **values)).status == 403
    assert 'name="usd_rate"' not in await (await client.get(url)).text()
