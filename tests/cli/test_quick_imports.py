"""What the server leaves out of its imports is there afterwards for whoever needs it."""

import subprocess
import sys

_LOOK = """
import gc, os, ssl
from llmtrack.cli.quick_imports import quick_imports
with quick_imports():
    import aiohttp.connector
print(os.environ.get("SSL_CERT_FILE"), gc.isenabled())
print(aiohttp.connector._SSL_CONTEXT_VERIFIED.cert_store_stats()["x509"])
print(ssl.create_default_context().cert_store_stats()["x509"] > 0)
"""


def look(**environment: str) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", _LOOK], capture_output=True, text=True, check=True, env=environment
    )
    return done.stdout.split("\n")[:3]


def test_authorities_are_trusted_by_clients_that_ask_for_them_and_by_no_others() -> None:
    assert look() == ["None True", "0", "True"]


def test_a_file_of_authorities_that_was_named_is_named_again() -> None:
    bundle = "/etc/ssl/certs/ca-certificates.crt"
    assert look(SSL_CERT_FILE=bundle)[0] == f"{bundle} True"
