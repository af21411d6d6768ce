"""Static files: read once at start, served from memory under names that carry their hash.

The one-file binary unpacks into a temporary folder that a cleaner may empty under a running
server, so nothing is read from it later.
"""

import hashlib
import re
import zlib
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from aiohttp import web

GZIP_MIN_BYTES = 1_000
CONTENT_TYPES = {
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".py": "text/x-python",
    ".LICENSE": "text/plain",
}


@dataclass(frozen=True)
class Asset:
    body: bytes
    packed: bytes | None
    content_type: str
    digest: str


class Assets:
    """All of `static/`, by its plain name and by the name that carries its hash."""

    def __init__(self, folder: Path) -> None:
        self._by_name: dict[str, Asset] = {}
        self._hashed: dict[str, str] = {}
        for path in sorted(folder.rglob("*")):
            if path.is_file() and path.suffix in CONTENT_TYPES:
                self._add(path.relative_to(folder).as_posix(), path.read_bytes())

    def url(self, name: str) -> str:
        """Where the file is served for good; raises KeyError for a name that is not there."""
        return f"/static/{self._hashed[name]}"

    async def get_static(self, request: web.Request) -> web.Response:
        """`GET /static/{name}`: for ever under a hashed name, revalidated under a plain one."""
        name = request.match_info["name"]
        asset = self._by_name.get(name)
        if asset is None:
            raise web.HTTPNotFound
        plain = name in self._hashed
        headers = {
            "Cache-Control": "no-cache" if plain else "public, max-age=31536000, immutable",
            "ETag": f'"{asset.digest}"',
            "Vary": "Accept-Encoding",
        }
        if any(tag.value == asset.digest for tag in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        body = asset.body
        if asset.packed is not None and "gzip" in request.headers.get("Accept-Encoding", ""):
            body, headers["Content-Encoding"] = asset.packed, "gzip"
        charset = None if asset.content_type == "image/png" else "utf-8"
        return web.Response(
            body=body, headers=headers, content_type=asset.content_type, charset=charset
        )

    def packed_bytes(self, name: str) -> int:
        """What a browser fetches."""
        asset = self._by_name[name]
        return len(asset.body if asset.packed is None else asset.packed)

    def _add(self, name: str, source: bytes) -> None:
        body = _as_served(name, source)
        digest = hashlib.sha256(body).hexdigest()[:12]
        path = PurePosixPath(name)
        content_type = CONTENT_TYPES[path.suffix]
        packs = len(body) >= GZIP_MIN_BYTES and content_type != "image/png"
        packed = _packed(body) if packs else None
        asset = Asset(body, packed, content_type, digest)
        hashed = path.with_name(f"{path.stem}.{digest}{path.suffix}").as_posix()
        self._by_name[name] = self._by_name[hashed] = asset
        self._hashed[name] = hashed


def _packed(body: bytes) -> bytes:
    """As gzip, which zlib writes without a time: two builds answer the same bytes.

    How much memory it may take decides where it begins anew, and which is best is seen only then.
    """
    tries = []
    for memory in (5, 6, 8):
        packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16, memory)
        tries.append(packer.compress(body) + packer.flush())
    return min(tries, key=len)


_JS_COMMENT = re.compile(rb"(?m)^[ ]*(?://[^\n]*)?\n?")
_JS_ROOM = re.compile(
    rb"""(?x)
    ( "(?:[^"\\\n]|\\.)*"                    # a string,
    | `(?:[^`\\\n]|\\.)*`                    # one in backquotes,
    | (?<=[(=,][ ]|.[(]) /[^ *](?:[^/\\\n]|\\.)*/  # an expression, not a division: as they are
    )
    | [ ]*([,;{(])[ ]*\n?
    | [ ]*([!+-]?=+|[<>)}:?&|*])[ ]*
    | (?<=\w)[ ]([+-])[ ](?=\w)                # of two that stand apart one would be made
    | \n(?=\})"""
)
_CSS_COMMENT = re.compile(rb'(?s)("[^"\n]*")|/\*.*?\*/')
_CSS_STRING = re.compile(rb'("[^"\n]*")')
# Room is kept before a colon, where it stands for "within", and around + and -, in sums.
_CSS_ROOM = (
    *((room, part) for part in (b"{", b"}", b";", b">") for room in (b" " + part, part + b" ")),
    *((b": ", b":"), (b", ", b","), (b";}", b"}")),
)


def _as_served(name: str, source: bytes) -> bytes:
    """Without what is for us only: comments, indentation, and room between parts.

    JavaScript keeps the ends of lines that may be the ends of its statements. It is ours, so it
    may be held to what this understands (tests/web/test_assets.py): comments have lines of their
    own, a text in backquotes has one line, and a division has room around it.
    """
    if name.endswith(".js") and ".min." not in name:
        return _JS_ROOM.sub(rb"\1\2\3\4", _JS_COMMENT.sub(b"", source))
    if name.endswith(".css"):
        parts = _CSS_STRING.split(_CSS_COMMENT.sub(rb"\1", source))
        parts[::2] = map(_without_room, parts[::2])  # between strings
        return b"".join(parts).strip()
    return source


def _without_room(css: bytes) -> bytes:
    css = re.sub(rb"\s+", b" ", css)
    for room, part in _CSS_ROOM:
        css = css.replace(room, part)
    return css
