"""`llmtrack prices import|diff|update|status`: a newer list is taken over with open eyes."""

import asyncio
import hashlib
import ssl
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from llmtrack.cli.prices_lists import SHOWN_CHANGES
from llmtrack.services.price_books import PRICES_FILE
from llmtrack.services.price_updates import PriceFileUnusable, fetch_price_file
from llmtrack.services.self_signed import self_signed_pair
from tests.cli.conftest import Program

Change = Callable[[dict[str, Any]], None]


def list_file(directory: Path, change: Change, *, name: str = "prices.json") -> Path:
    """The shipped list with a change to openai's rows, by id."""
    document = msgspec.json.decode(PRICES_FILE.read_bytes())
    document["version"] = "9.9"
    [openai] = [provider for provider in document["providers"] if provider["id"] == "openai"]
    rows = {row["id"]: row for row in openai["models"]}
    change(rows)
    openai["models"] = list(rows.values())
    file = directory / name
    file.write_bytes(msgspec.json.encode(document))
    return file


def dearer(rows: dict[str, Any]) -> None:
    rows["gpt-4o"]["prices"]["input_mtok"] = "3"


def free(rows: dict[str, Any]) -> None:
    dearer(rows)
    rows["gpt-4o-mini"]["prices"]["input_mtok"] = "0"


def rate(program: Program, model: str) -> str:
    shown = program.json("prices", "show", model, "-p", "openai")
    assert shown["status"] == "priced"
    return str(shown["input_mtok"])


def test_an_import_shows_the_change_asks_and_holds_from_then_on(
    program: Program, tmp_path: Path
) -> None:
    file = str(list_file(tmp_path, dearer))
    assert "input_mtok 2.5 -> 3" in program.ok("prices", "diff", file).stdout
    assert "Try: say --yes" in program.fails(5, "prices", "import", file)
    assert rate(program, "gpt-4o") == "2.5"

    done = program.json("prices", "import", file, "--yes")

    assert done["imported"].startswith("9.9+")
    assert rate(program, "gpt-4o") == "3"
    shown = program.json("prices", "status")
    assert (shown["origin"], shown["version"]) == ("imported", done["imported"])
    assert [one["version"] for one in shown["lists"]] == [done["imported"]]
    assert program.json("prices", "import", file, "--yes")["imported"] is None


def test_a_doubtful_change_waits_for_its_model_to_be_named(
    program: Program, tmp_path: Path
) -> None:
    file = str(list_file(tmp_path, free))

    told = program.ok("prices", "import", file, "--yes").stdout

    assert "HELD BACK openai/gpt-4o-mini: input_mtok goes from 0.15 to 0" in told
    assert (rate(program, "gpt-4o"), rate(program, "gpt-4o-mini")) == ("3", "0.15")
    assert "changes nothing of 'openai/gpt-9'" in program.fails(
        3, "prices", "import", file, "--yes", "--force-model", "openai/gpt-9"
    )
    program.ok("prices", "import", file, "--yes", "--force-model", "openai/gpt-4o-mini")
    assert rate(program, "gpt-4o-mini") == "0"


def test_of_the_models_that_a_small_file_lacks_a_part_is_named_after_the_doubtful_ones(
    program: Program, tmp_path: Path
) -> None:
    def only_mini(rows: dict[str, Any]) -> None:
        free(rows)
        for model in rows.keys() - {"gpt-4o-mini"}:
            del rows[model]

    told = program.ok("prices", "diff", str(list_file(tmp_path, only_mini))).stdout.splitlines()

    assert told[1].startswith("  HELD BACK openai/gpt-4o-mini: input_mtok goes from 0.15 to 0")
    assert len(told) == 1 + 1 + SHOWN_CHANGES + 1
    assert "more that the file lacks; all of them: --json" in told[-1]


def test_what_is_not_understood_is_named_and_the_old_price_stays(
    program: Program, tmp_path: Path
) -> None:
    def strange(rows: dict[str, Any]) -> None:
        dearer(rows)
        rows["gpt-4o-mini"]["prices"]["smells_kcount"] = "1"

    file = list_file(tmp_path, strange)

    told = program.ok("prices", "import", str(file), "--yes").stdout

    assert "NOT UNDERSTOOD openai/gpt-4o-mini: unknown price key smells_kcount" in told
    assert rate(program, "gpt-4o-mini") == "0.15"


def test_the_checksum_beside_the_file_or_on_the_command_line_must_fit(
    program: Program, tmp_path: Path
) -> None:
    file = list_file(tmp_path, dearer)
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    beside = tmp_path / "prices.json.sha256"
    beside.write_text(f"{'0' * 64}  prices.json\n")

    assert "sha256" in program.fails(6, "prices", "import", str(file), "--yes")
    assert "sha256" in program.fails(6, "prices", "diff", str(file), "--sha256", "1" * 64)
    program.ok("prices", "diff", str(file), "--sha256", digest.upper())
    beside.write_text(f"{digest}  prices.json\n")
    program.ok("prices", "import", str(file), "--yes")


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"format": 1}'])
def test_a_file_that_is_no_list_is_refused(
    program: Program, tmp_path: Path, content: bytes
) -> None:
    file = tmp_path / "list.json"
    file.write_bytes(content)

    assert "no price list" in program.fails(6, "prices", "import", str(file), "--yes")


def test_the_shipped_list_tells_its_age(program: Program) -> None:
    shown = program.json("prices", "status")

    assert (shown["origin"], shown["lists"]) == ("shipped", [])
    assert shown["models"] > 2_000
    assert isinstance(shown["age_days"], int)


def test_an_update_goes_over_https_alone(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    told = program.fails(6, "prices", "update", "--url", "http://127.0.0.1:9/prices.json", "--yes")

    assert "is not https" in told
    assert "--url" in program.fails(2, "prices", "update")
    monkeypatch.setenv("LLMTRACK_PRICES_URL", "http://127.0.0.1:9/ours.json")
    assert "ours.json is not https" in program.fails(6, "prices", "update", "--yes")


def test_a_list_is_fetched_over_tls_and_a_redirect_may_not_leave_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pair = self_signed_pair(tmp_path, host="127.0.0.1", now_ms=time.time_ns() // 10**6)
    monkeypatch.setenv("SSL_CERT_FILE", str(pair.cert_file))

    async def run() -> None:
        app = web.Application()
        app.router.add_get("/list", _answer(web.Response(body=b"[]")))
        app.router.add_get("/gone", _answer(web.Response(status=404)))
        for name, to in (("/moved", "/list"), ("/down", "http://127.0.0.1:9/"), ("/loop", "/loop")):
            response = web.Response(status=302, headers={"Location": to})
            app.router.add_get(name, _answer(response))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(pair.cert_file, pair.key_file)
        server = TestServer(app, scheme="https", host="127.0.0.1")
        await server.start_server(ssl=context)
        at = f"https://127.0.0.1:{server.port}"
        try:
            assert (await fetch_price_file(f"{at}/list")).data == b"[]"
            assert (await fetch_price_file(f"{at}/moved")).data == b"[]"
            for path, told in (
                ("gone", "answered 404"), ("down", "is not https"), ("loop", "redirects")
            ):  # fmt: skip
                with pytest.raises(PriceFileUnusable, match=told):
                    await fetch_price_file(f"{at}/{path}")
            with pytest.raises(PriceFileUnusable, match="sha256"):
                await fetch_price_file(f"{at}/list", "0" * 64)
        finally:
            await server.close()
        with pytest.raises(PriceFileUnusable, match="cannot fetch"):
            await fetch_price_file(f"{at}/list")

    asyncio.run(run())


def _answer(response: web.Response) -> Any:
    async def handle(_: web.Request) -> web.Response:
        return web.Response(
            body=response.body, status=response.status, headers=dict(response.headers)
        )

    return handle
