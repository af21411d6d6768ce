"""Libraries that few servers need, loaded when they are first asked for.

Passkeys bring 6 MB along, which a server without any should not hold. What is compiled among
them is loaded at the start all the same: the one-file binary's unpacked files may be cleaned
away while it runs, and only Python comes out of the program itself.
"""

import asyncio
import importlib
from typing import TYPE_CHECKING

import cbor2  # noqa: F401 - the compiled part

if TYPE_CHECKING:
    from llmtrack.services.passkeys import Ceremonies

PASSKEYS = "llmtrack.services.passkeys"


async def passkey_ceremonies() -> "Ceremonies":
    """Off the loop: the first time it takes a tenth of a second."""
    module = await asyncio.to_thread(importlib.import_module, PASSKEYS)
    ceremonies: Ceremonies = module.Ceremonies()
    return ceremonies
