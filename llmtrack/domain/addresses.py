"""Where a server listens, as people write it."""

from typing import NamedTuple

from llmtrack.domain.errors import InvalidValue

PORT_MAX = 65_535


class Address(NamedTuple):
    """Where to listen; an empty host means every address of the machine."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"


def parse_address(text: str) -> Address:
    """`HOST:PORT`, `[IPV6]:PORT` or `:PORT`. Raises InvalidValue."""
    host, colon, port = text.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    is_bracketed = host.startswith("[") and host.endswith("]")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > PORT_MAX:
        raise InvalidValue("listen", f"{text!r} is no HOST:PORT", fix="e.g. 127.0.0.1:8080")
    if ":" in bare and not is_bracketed:
        raise InvalidValue("listen", f"{text!r} is unclear", fix="write IPv6 as [::1]:8080")
    return Address(bare, int(port))
