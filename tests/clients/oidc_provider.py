"""The real OpenID provider of tests/clients/oidc as a process."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

from tests.system.conftest import free_port

HERE = Path(__file__).parent / "oidc"
INSTALLED = (HERE / "node_modules" / "oidc-provider").is_dir()
MISSING = "npm ci --prefix tests/clients/oidc has not run"
CLIENT_ID, CLIENT_SECRET = "llmtrack", "a secret of forty characters or even more"


@dataclass(frozen=True)
class RunningProvider:
    issuer: str
    ca_file: Path


@contextmanager
def running_provider(directory: Path, redirect_uri: str) -> Iterator[RunningProvider]:
    authority, port = trustme.CA(), free_port()
    leaf = authority.issue_cert("localhost")
    cert_file, key_file, ca_file = (
        directory / f"provider-{name}.pem" for name in ("cert", "key", "ca")
    )
    authority.cert_pem.write_to_path(str(ca_file))
    leaf.private_key_pem.write_to_path(str(key_file))
    for blob in leaf.cert_chain_pems:
        blob.write_to_path(str(cert_file), append=True)
    command = ["node", "provider.mjs", str(port), str(cert_file), str(key_file), redirect_uri]
    process = subprocess.Popen(command, cwd=HERE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert process.stdout is not None
        while (line := process.stdout.readline()) != b"ready\n":
            assert line, "the provider ended"
        yield RunningProvider(f"https://localhost:{port}", ca_file)
    finally:
        process.terminate()
        process.communicate(timeout=10)
