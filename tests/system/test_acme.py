"""Certificates from a CA: Debian's `pebble`, strict, and refusing one nonce in five."""

import base64
import json
import os
import shutil
import signal
import socket
import ssl
import stat
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
from cryptography import x509

from .conftest import Appliance, free_port

EVENT = json.dumps({"provider": "openai", "model": "gpt-4o-mini", "prompt_tokens": 1}).encode()
PATIENCE_S = 60
LIFE_S = 24


class Pebble:
    """A CA on loopback that sends its challenges to the appliance's ports."""

    def __init__(self, directory: Path, *, http_port: int, tls_port: int) -> None:
        self.directory, self.process = directory, None
        self.port, self._management = free_port(), free_port()
        authority = trustme.CA()
        leaf = authority.issue_cert("localhost", "127.0.0.1")
        self.ca_file = directory / "pebble-ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        leaf.cert_chain_pems[0].write_to_path(str(directory / "pebble.pem"))
        leaf.private_key_pem.write_to_path(str(directory / "pebble.key"))
        self._config = {
            "listenAddress": f"127.0.0.1:{self.port}",
            "managementListenAddress": f"127.0.0.1:{self._management}",
            "certificate": str(directory / "pebble.pem"),
            "privateKey": str(directory / "pebble.key"),
            "httpPort": http_port,
            "tlsPort": tls_port,
            "ocspResponderURL": "",
            "externalAccountBindingRequired": False,
            "certificateValidityPeriod": LIFE_S,
        }

    def want_account(self, **keys: str) -> None:
        """From the next start on: only who has one of these keys, in base64url."""
        self._config |= {"externalAccountBindingRequired": True, "externalAccountMACKeys": keys}

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.port}/dir"

    def start(self) -> None:
        config = self.directory / "pebble.json"
        config.write_text(json.dumps({"pebble": self._config}))
        environment = os.environ | {"PEBBLE_WFE_NONCEREJECT": "20", "PEBBLE_VA_NOSLEEP": "1"}
        with (self.directory / "pebble.log").open("ab") as log:
            self.process = subprocess.Popen(
                ["pebble", "-config", str(config), "-strict"],
                stdout=log,
                stderr=log,
                env=environment,
            )
        wait_for_port(self.port)

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    process: subprocess.Popen[bytes] | None

    def root(self) -> bytes:
        context = ssl.create_default_context(cafile=str(self.ca_file))
        url = f"https://127.0.0.1:{self._management}/roots/0"
        with urllib.request.urlopen(url, context=context, timeout=30) as answer:
            return bytes(answer.read())


def wait_for_port(port: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        else:
            return


class Certified(Appliance):
    """An appliance that gets its certificate from pebble."""

    def __init__(self, directory: Path, pebble: Pebble, plain_port: int) -> None:
        super().__init__(directory)
        self.port, self.plain_port = pebble._config["tlsPort"], plain_port  # type: ignore[assignment]
        self.settings = {
            "LLMTRACK_TLS_MODE": "acme",
            "LLMTRACK_SERVER_LISTEN": f"127.0.0.1:{self.port}",
            "LLMTRACK_ACME_DOMAINS": "localhost",
            "LLMTRACK_ACME_ACCEPT_TERMS": "true",
            "LLMTRACK_ACME_DIRECTORY_URL": pebble.url,
            "LLMTRACK_ACME_CA_FILE": str(pebble.ca_file),
            "LLMTRACK_LOG_LEVEL": "info",
        }

    def launch(self) -> subprocess.Popen[bytes]:
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                self.command("serve"), stderr=log, env={**os.environ, **self.settings}
            )
        return self.process

    def attempt(self, *args: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*args),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, **self.settings},
        )


def served(appliance: Appliance) -> x509.Certificate:
    pem = ssl.get_server_certificate(("127.0.0.1", appliance.port), timeout=10)
    return x509.load_pem_x509_certificate(pem.encode())


def issuer(appliance: Appliance) -> str:
    return served(appliance).issuer.rfc4514_string()


def until(appliance: Appliance, what: str, condition: Any, patience_s: float = PATIENCE_S) -> None:
    deadline = time.monotonic() + patience_s
    while not condition():
        assert time.monotonic() < deadline, f"not {what}: {appliance.log}"
        time.sleep(0.1)


@pytest.fixture
def pebble(tmp_path: Path) -> Iterator[Pebble]:
    if shutil.which("pebble") is None:
        pytest.skip("needs pebble: apt install pebble")
    made = Pebble(tmp_path, http_port=free_port(), tls_port=free_port())
    made.start()
    yield made
    made.stop()


@pytest.fixture(params=["http-01", "tls-alpn-01"])
def certified(
    request: pytest.FixtureRequest, tmp_path: Path, set_up_data: Path, pebble: Pebble
) -> Iterator[Certified]:
    plain_port = pebble._config["httpPort"]
    assert isinstance(plain_port, int)
    made = Certified(tmp_path, pebble, plain_port)
    if request.param == "http-01":
        made.settings["LLMTRACK_SERVER_PLAIN_LISTEN"] = f"127.0.0.1:{plain_port}"
    shutil.copytree(set_up_data, made.data_dir)
    yield made
    if made.process is not None:
        made.stop(signal.SIGKILL)


class Traffic(threading.Thread):
    """Events over new connections, one after another."""

    def __init__(self, appliance: Certified, key: str) -> None:
        super().__init__()
        self._appliance, self._key = appliance, key
        self.context = ssl.create_default_context()
        self.context.check_hostname, self.context.verify_mode = False, ssl.CERT_NONE
        self.faults: list[object] = []
        self.sent = 0
        self.running = True

    def run(self) -> None:
        url = f"https://localhost:{self._appliance.port}/api/ingest"
        while self.running:
            request = urllib.request.Request(url, EVENT, {"x-api-key": self._key})
            try:
                with urllib.request.urlopen(request, context=self.context, timeout=30) as answer:  # noqa: S310
                    self.sent += answer.status == 200
            except (OSError, urllib.error.URLError) as error:
                self.faults.append(error)
            time.sleep(0.01)


def test_it_is_issued_renewed_under_load_and_kept_while_the_ca_is_away(
    certified: Certified, pebble: Pebble
) -> None:
    key = certified.create_key()["key"]
    certified.start()
    traffic = Traffic(certified, key)
    traffic.start()
    until(certified, "issued", lambda: "Pebble" in issuer(certified))
    first = served(certified)
    names = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost"]
    until(
        certified,
        "renewed at two thirds of its life",
        lambda: served(certified).serial_number != first.serial_number,
        LIFE_S,
    )
    second = served(certified)
    age_s = (second.not_valid_before_utc - first.not_valid_before_utc).total_seconds()
    assert age_s >= LIFE_S * 2 // 3 - 1
    pebble.stop()
    until(certified, "told", lambda: "the old one goes on being served" in certified.log, LIFE_S)
    assert served(certified).serial_number == second.serial_number
    status = certified.json("tls", "status")
    assert pebble.url in status["last_failure"]
    [job] = [job for job in certified.json("status")["jobs"] if job["job"] == "certificate"]
    assert job["failures"] == 1
    traffic.running = False
    traffic.join()
    assert not traffic.faults
    assert traffic.sent > 20
    for file in ("account.key", "certificate.pem"):
        assert stat.S_IMODE((certified.data_dir / "acme" / file).stat().st_mode) == 0o600
    assert stat.S_IMODE((certified.data_dir / "acme").stat().st_mode) == 0o700
    assert not list((certified.data_dir / "acme" / "challenges").iterdir())
    assert certified.stop() == 0
    assert "Traceback" not in certified.log
    print(f"{traffic.sent} events over new connections, none failed")  # noqa: T201


def test_commands_issue_renew_and_test_with_and_without_a_server(
    certified: Certified, pebble: Pebble
) -> None:
    issued = certified.json("tls", "acme", "issue")  # no server: the command answers the CA
    assert issued["names"] == "localhost"
    assert certified.json("tls", "acme", "issue")["sha256"] == issued["sha256"], "good already"
    certified.start()
    renewed = certified.json("tls", "renew")  # the server answers, and takes it up at once
    assert renewed["sha256"] != issued["sha256"]
    until(
        certified,
        "taken up",
        lambda: certified.attempt("tls", "test", "--json").returncode == 0,
        10,
    )
    assert certified.json("tls", "test")["sha256"] == renewed["sha256"]
    assert certified.json("tls", "status")["ca"] == pebble.url


def test_what_the_ca_refuses_is_told_with_its_reason(certified: Certified) -> None:
    certified.settings["LLMTRACK_ACME_ACCEPT_TERMS"] = "false"
    refused = certified.attempt("tls", "acme", "issue")
    assert refused.returncode == 74
    assert "terms of service" in refused.stderr
    assert "acme.accept_terms" in refused.stderr
    assert "Traceback" not in refused.stderr
    certified.settings["LLMTRACK_ACME_ACCEPT_TERMS"] = "true"
    certified.settings["LLMTRACK_ACME_DOMAINS"] = "nowhere.invalid"
    refused = certified.attempt("tls", "acme", "issue")
    assert refused.returncode == 74
    assert "nowhere.invalid" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_a_ca_that_wants_an_account_is_shown_it(certified: Certified, pebble: Pebble) -> None:
    key = base64.urlsafe_b64encode(b"0123456789abcdef" * 2).decode().rstrip("=")
    pebble.stop()
    pebble.want_account(ours=key)
    pebble.start()
    refused = certified.attempt("tls", "acme", "issue")
    assert refused.returncode == 74
    assert "acme.eab_key_id" in refused.stderr
    certified.settings |= {"LLMTRACK_ACME_EAB_KEY_ID": "ours", "LLMTRACK_ACME_EAB_HMAC_KEY": "AAAA"}
    refused = certified.attempt("tls", "acme", "issue")
    assert refused.returncode == 74
    assert "Traceback" not in refused.stderr
    certified.settings["LLMTRACK_ACME_EAB_HMAC_KEY"] = key

    assert certified.json("tls", "acme", "issue")["names"] == "localhost"

    assert key not in certified.run("config", "show")


def test_a_server_that_is_not_there_is_told(certified: Certified) -> None:
    refused = certified.attempt("tls", "test")

    assert refused.returncode == 69
    assert "nothing listens on" in refused.stderr
