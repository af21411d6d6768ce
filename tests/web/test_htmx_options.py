"""htmx as the pages set it: own pages only, nothing evaluated, no style that the policy forbids.

Version 4 has other names than 2 for it: `mode` is what `selfRequestsOnly` was,
`includeIndicatorCSS` was `includeIndicatorStyles`, and `allowEval` has gone with its `eval`.
"""

import json
import re
from html import unescape
from pathlib import Path

from tests.conftest import World
from tests.web.conftest import Client
from tests.web.people import sign_in, text_of

ROOT = Path(__file__).resolve().parents[2]


async def test_every_page_sets_them(client: Client, world: World) -> None:
    await sign_in(client, "alice")
    for path in ("/account", f"/w/{world.acme.public_id}/", f"/w/{world.acme.public_id}/keys"):
        text = await text_of(client, path)
        [options] = re.findall(r"<meta name=\"htmx-config\" content='([^']*)'>", text)
        assert json.loads(unescape(options)) == {
            "defaultSwap": "outerHTML",
            "extensions": "none",
            "mode": "same-origin",
            "includeIndicatorCSS": False,
            "morphIgnore": ["data-htmx-powered", "open", "aria-pressed"],
        }


def test_the_options_are_those_of_the_version_we_ship() -> None:
    [script] = (ROOT / "static").glob("htmx-*.min.js")
    source = script.read_text()
    for option in ("defaultSwap", "extensions", "mode", "includeIndicatorCSS", "morphIgnore"):
        assert f"{option}:" in source, option


def test_no_template_has_what_would_need_an_eval() -> None:
    templates = list((ROOT / "templates").glob("*.html"))
    assert len(templates) > 40
    for template in templates:
        text = template.read_text()
        assert not re.search(r"hx-(on|vals|headers)\b[^=]*=.(js|javascript):|hx-on", text), template
        assert not re.search(r"\son[a-z]+=|<style|<script>|javascript:|\sstyle=", text), template
