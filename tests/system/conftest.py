"""A real server process of its own data directory, driven through the command line."""

import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from ssl import SSLContext, create_default_context
from typing import Any

import pytest
import trustme

from tests.log_scan import secrets_in

from .injection import Injection, compiled

PASSWORD = "correct horse battery staple"
READY_S = 60.0
"""How long a machine under load may take."""
LONG = os.environ.get("FAULTS") == "long"
"""As `make faults` runs them; else a short form."""
BINARY = Path(__file__).parents[2] / "dist" / "llmtrack"


def free_port() -> int:
    """Below those that the system gives to connections: nobody takes it before it is used."""
    while True:
        port = 10_000 + secrets.randbelow(22_768)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


class Appliance:
    """One data directory and, while started, the server on it."""

    def __init__(self, directory: Path) -> None:
        self.data_dir = directory / "data"
        self.ca_file = directory / "ca.pem"
        self.port = free_port()
        self.process: subprocess.Popen[bytes] | None = None
        self.program = [sys.executable, "-m", "llmtrack"]
        self.environment: dict[str, str] = {}
        """What the server has in its environment besides."""
        self.log_file = directory / "server.log"
        self.log_file.touch()
        self._password_file = directory / "password"
        self._password_file.write_text(PASSWORD)
        authority = trustme.CA()
        authority.cert_pem.write_to_path(str(self.ca_file))
        leaf = authority.issue_cert("localhost", "127.0.0.1")
        self.cert_file, self.key_file = directory / "cert.pem", directory / "key.pem"
        leaf.private_key_pem.write_to_path(str(self.key_file))
        for blob in leaf.cert_chain_pems:
            blob.write_to_path(str(self.cert_file), append=True)

    @property
    def url(self) -> str:
        return f"https://localhost:{self.port}"

    @property
    def tls(self) -> SSLContext:
        return create_default_context(cafile=str(self.ca_file))

    def command(self, *args: str) -> list[str]:
        return [*self.program, "--data-dir", str(self.data_dir), *args]

    def attempt(self, *args: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*args), input=stdin, capture_output=True, text=True, check=False
        )

    def run(self, *args: str, stdin: str | None = None) -> str:
        done = self.attempt(*args, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def json(self, *args: str) -> Any:
        return json.loads(self.run(*args, "--json"))

    def set_up(self, workspace: str = "Acme") -> None:
        self.json(
            "setup",
            "--non-interactive",
            *("--admin-email", "alice@example.com"),
            *("--password-file", str(self._password_file)),
            *("--workspace", workspace),
        )

    def create_key(self, name: str = "app", workspace: str = "Acme") -> dict[str, Any]:
        created: dict[str, Any] = self.json(
            "keys", "create", "--workspace", workspace, "--name", name
        )
        return created

    def start(self) -> None:
        """Until it says that it is ready."""
        before = self.log.count("Ready on")
        process, deadline = self.launch(), time.monotonic() + READY_S
        while self.log.count("Ready on") == before:
            assert process.poll() is None, self.log
            assert time.monotonic() < deadline, "the server was not ready in time"
            time.sleep(0.02)

    def launch(self) -> subprocess.Popen[bytes]:
        """Start without waiting: for a server that is not going to listen."""
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(
                    *("serve", "--listen", f"127.0.0.1:{self.port}"),
                    *("--tls-cert", str(self.cert_file), "--tls-key", str(self.key_file)),
                ),
                stderr=log,
                env={**os.environ, **self.environment},
            )
        return self.process

    @property
    def log(self) -> str:
        """What the servers started so far have said."""
        return self.log_file.read_text(encoding="utf-8")

    def wait_for(self, port: int) -> None:
        """Until something listens there."""
        assert self.process is not None
        deadline = time.monotonic() + READY_S
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1).close()
            except OSError:
                assert self.process.poll() is None, self.log
                assert time.monotonic() < deadline, "the server did not listen in time"
                time.sleep(0.02)
            else:
                return

    def start_plain(self) -> str:
        """Serve plain http on an empty directory; the setup link that it prints."""
        self.process = subprocess.Popen(
            self.command("serve", "--listen", f"127.0.0.1:{self.port}"), stderr=subprocess.PIPE
        )
        assert self.process.stderr is not None
        said = b""
        while b"Ready" not in said:
            line = self.process.stderr.readline()
            assert line, said.decode()
            said += line
        return next(word for word in said.decode().split() if "/setup?token=" in word)

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        """Signal the server; its exit code."""
        assert self.process is not None
        self.process.send_signal(signal_number)
        _, said = self.process.communicate(timeout=60)
        # The setup link is printed for the one who started the server.
        logged = self.log if said is None else said.decode(errors="replace")
        logged = re.sub(r"/setup\?token=\S+", "", logged)
        assert not secrets_in(logged), logged
        code = self.process.returncode
        self.process = None
        return code

    def post(
        self, body: bytes, headers: dict[str, str], path: str = "/api/ingest"
    ) -> tuple[int, Any]:
        request = urllib.request.Request(self.url + path, body, headers)  # noqa: S310 - our own
        try:
            with urllib.request.urlopen(request, context=self.tls, timeout=30) as response:  # noqa: S310
                return response.status, json.load(response)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def events(self, workspace: str = "Acme") -> list[dict[str, Any]]:
        lines = self.run("events", "export", "--workspace", workspace, "--format", "jsonl")
        return [json.loads(line) for line in lines.splitlines()]


@pytest.fixture(scope="session")
def set_up_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory as `llmtrack setup` leaves it, made once."""
    made = Appliance(tmp_path_factory.mktemp("set-up"))
    made.set_up()
    return made.data_dir


@pytest.fixture
def appliance(tmp_path: Path, set_up_data: Path) -> Iterator[Appliance]:
    """Set up, not started; whatever runs at the end of the test is killed."""
    made = Appliance(tmp_path)
    shutil.copytree(set_up_data, made.data_dir)
    yield made
    if made.process is not None:
        made.stop(signal.SIGKILL)


@pytest.fixture
def server(appliance: Appliance) -> Appliance:
    appliance.start()
    return appliance


@pytest.fixture
def injection(appliance: Appliance, tmp_path: Path) -> Injection:
    """Between the server, when it is started, and its database."""
    made = Injection(compiled(tmp_path), tmp_path, appliance.data_dir / "llmtrack.db")
    appliance.environment |= made.environment
    return made


@pytest.fixture
def client_environment(appliance: Appliance) -> dict[str, str]:
    """What a client's machine needs to trust the server's certificate."""
    ca_file = str(appliance.ca_file)
    return {**os.environ, "SSL_CERT_FILE": ca_file, "NODE_EXTRA_CA_CERTS": ca_file}
