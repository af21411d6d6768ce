"""Imports of the server, of some 400 modules, without what they need not do.

A third of the time until the server is ready was spent on neither reading nor running them.
"""

import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

_AUTHORITIES = "SSL_CERT_FILE"


@contextmanager
def quick_imports() -> Iterator[None]:
    """No collection of garbage, of which imports make none, and no reading of authorities.

    aiohttp reads all of the machine's at import, in 0.1 s, for clients that name none. Ours
    name them (`services.bounded_http`, `services.price_updates`); one that did not would trust
    nobody.
    """
    kept = os.environ.get(_AUTHORITIES)
    os.environ[_AUTHORITIES] = os.devnull
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
        if kept is None:
            del os.environ[_AUTHORITIES]
        else:
            os.environ[_AUTHORITIES] = kept
