"""Scripts and styles as they are served: the same as ours, without what only we read."""

import gzip
import re
from pathlib import Path

import pytest

from llmtrack.web.assets import _as_served, _packed

STATIC = Path(__file__).resolve().parents[2] / "static"
LITERALS = re.compile(r'"(?:[^"\\\n]|\\.)*"|`[^`]*`')
SCRIPTS = ("app.js", "passkeys.js")


def served(name: str) -> tuple[str, str]:
    source = (STATIC / name).read_bytes()
    return source.decode(), _as_served(name, source).decode()


def code_of(script: str) -> str:
    """Without lines that are comments."""
    return "\n".join(line for line in script.splitlines() if not line.lstrip().startswith("//"))


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_loses_nothing_but_room_and_comments(name: str) -> None:
    source, small = served(name)
    code = code_of(source)
    assert "".join(small.split()) == "".join(code.split())
    assert LITERALS.findall(small) == LITERALS.findall(code)
    assert len(small) < 0.8 * len(source)


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_written_as_that_step_understands_it(name: str) -> None:
    source, _ = served(name)
    code = code_of(source)
    for literal in LITERALS.findall(code):
        assert "\n" not in literal, literal
    bare = LITERALS.sub('""', code)
    assert "'" not in bare
    assert "//" not in re.sub(r"/(?:[^/\\\n ]|\\.)+/[a-z]*", "/", bare), "a comment behind code"
    assert "/*" not in bare


@pytest.mark.parametrize(
    ("source", "small"),
    [
        ("x = y - -z;\nw = u + +v;", "x=y - -z;w=u + +v;"),
        ("if (a) return;\n\n// no\n  b();", "if(a)return;b();"),
        ("const f = (a) => {\n  g(a)\n}\nh()", "const f=(a)=>{g(a)}\nh()"),
        ("const [, one] = /a = (b)/.exec(c) ?? [];", "const [,one]=/a = (b)/.exec(c)??[];"),
        ('d.replace(/\\//g, " , ") + `e = ${f}`', 'd.replace(/\\//g," , ")+ `e = ${f}`'),
    ],
)
def test_room_in_scripts(source: str, small: str) -> None:
    assert _as_served("a.js", source.encode()).decode() == small


@pytest.mark.parametrize(
    ("source", "small"),
    [
        ("/* no */ a > b, c :hover { x: calc(1px + 2px); }", "a>b,c :hover{x:calc(1px + 2px)}"),
        ('a::before { content: " ; } /* b */ "; }', 'a::before{content:" ; } /* b */ "}'),
        ("@media (min-width: 3rem) {\n  :is(a, b) c { d: e /* f */ g; }\n}\n",
         "@media (min-width:3rem){:is(a,b) c{d:e g}}"),
        (".a .b\n.c { d: 1px 2px !important }", ".a .b .c{d:1px 2px !important}"),
    ],
)  # fmt: skip
def test_room_in_styles(source: str, small: str) -> None:
    assert _as_served("a.css", source.encode()).decode() == small


def test_what_others_wrote_is_served_as_it_came() -> None:
    for name in ("htmx-4.0.1.min.js", "icons.svg"):
        source = (STATIC / name).read_bytes()
        assert _as_served(name, source) == source


def test_packed_is_the_same_and_smaller_than_usual() -> None:
    for file in (*STATIC.glob("*.js"), STATIC / "app.css"):
        body = file.read_bytes()
        assert gzip.decompress(_packed(body)) == body
        assert _packed(body) == _packed(body)
        assert len(_packed(body)) <= len(gzip.compress(body, 9))
