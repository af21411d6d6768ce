"""Static files: read once at start, served from memory under names that carry their hash.

The one-file binary unpacks into a temporary folder that a cleaner may empty under a running
server, so nothing is read from it later.
"""

import gzip
import hashlib
import re
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
        body = _without_comments(name, source)
        digest = hashlib.sha256(body).hexdigest()[:12]
        path = PurePosixPath(name)
        content_type = CONTENT_TYPES[path.suffix]
        packs = len(body) >= GZIP_MIN_BYTES and content_type != "image/png"
        # A fixed time, so that two builds answer the same bytes.
        packed = gzip.compress(body, 9, mtime=0) if packs else None
        asset = Asset(body, packed, content_type, digest)
        hashed = path.with_name(f"{path.stem}.{digest}{path.suffix}").as_posix()
        self._by_name[name] = self._by_name[hashed] = asset
        self._hashed[name] = hashed


def _without_comments(name: str, source: bytes) -> bytes:
    """Lines that hold a comment of JavaScript alone, and comments of CSS, are for us only."""
    if name.endswith(".js") and ".min." not in name:
        return re.sub(rb"(?m)^[ ]*//[^\n]*\n", b"", source)
    return re.sub(rb"(?s)/\*.*?\*/", b"", source) if name.endswith(".css") else source
