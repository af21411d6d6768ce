"""Starts and stops the product and the bare server, and looks at their processes."""

import json
import os
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import trustme

PASSWORD = "correct horse battery staple"  # noqa: S105 - of a database that lives for a minute
EMAIL = "bench@example.com"
_TICKS = os.sysconf("SC_CLK_TCK")


class Process(NamedTuple):
    pid: int
    url: str
    ready_s: float

    @property
    def cpu_s(self) -> float:
        fields = Path(f"/proc/{self.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS

    def memory_mib(self, line: str = "VmHWM") -> float:
        """The peak, or with "VmRSS" what it is now."""
        text = Path(f"/proc/{self.pid}/status").read_text()
        return next(int(row.split()[1]) for row in text.splitlines() if row.startswith(line)) / 1024

    def wait_until_at_rest(self) -> None:
        """After a start the pages of a large file are looked at, which takes one processor."""
        quiet_s = 0
        while quiet_s < 2:
            before = self.cpu_s
            time.sleep(1)
            quiet_s = quiet_s + 1 if self.cpu_s - before < 0.1 else 0


class Pair(NamedTuple):
    """A certificate for localhost and its key."""

    cert: Path
    key: Path


def make_pair(directory: Path) -> Pair:
    pair = Pair(directory / "cert.pem", directory / "key.pem")
    leaf = trustme.CA().issue_cert("localhost", "127.0.0.1")
    leaf.private_key_pem.write_to_path(str(pair.key))
    for blob in leaf.cert_chain_pems:
        blob.write_to_path(str(pair.cert), append=True)
    return pair


_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"


def command(data_dir: Path, *args: str) -> list[str]:
    return [sys.executable, "-m", "llmtrack", "--data-dir", str(data_dir), *args]


def run(data_dir: Path, *args: str) -> str:
    done = subprocess.run(
        command(data_dir, *args), capture_output=True, text=True, check=True, input=PASSWORD + "\n"
    )
    return done.stdout


def set_up(data_dir: Path) -> str:
    """A fresh database; gives back an API key."""
    made = json.loads(
        run(
            data_dir,
            *("setup", "--non-interactive", "--admin-email", EMAIL, "--password-file", "-"),
            *("--workspace", "Bench", "--key-name", "bench", "--json"),
        )
    )
    key = made["key"]
    return str(key["key"] if isinstance(key, dict) else key)


@contextmanager
def product(data_dir: Path, pair: Pair | None = None) -> Iterator[Process]:
    port = _free_port()
    args = ["serve", "--listen", f"127.0.0.1:{port}"]
    if pair is not None:
        args += ["--tls-cert", str(pair.cert), "--tls-key", str(pair.key)]
    scheme = "https" if pair else "http"
    with _running(command(data_dir, *args), f"{scheme}://127.0.0.1:{port}") as process:
        yield process


@contextmanager
def bare(pair: Pair | None = None) -> Iterator[Process]:
    port = _free_port()
    args = [sys.executable, "-m", "bench.bare", str(port), *map(str, pair or ())]
    scheme = "https" if pair else "http"
    with _running(args, f"{scheme}://127.0.0.1:{port}") as process:
        yield process


@contextmanager
def _running(args: Sequence[str], url: str) -> Iterator[Process]:
    begun = time.monotonic()
    # As it is installed: compiled once, whatever the shell that measures has set.
    environment = {name: text for name, text in os.environ.items() if name != _NO_BYTECODE}
    started = subprocess.Popen(
        args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    try:
        _wait_until_ready(url, begun, started)
        yield Process(started.pid, url, time.monotonic() - begun)
    finally:
        started.send_signal(signal.SIGTERM)
        started.wait(timeout=60)


def _wait_until_ready(url: str, begun: float, started: "subprocess.Popen[bytes]") -> None:
    context = ssl._create_unverified_context()  # noqa: S323, SLF001 - our own, on loopback
    while time.monotonic() < begun + 60:
        if started.poll() is not None:
            raise RuntimeError(f"the server at {url} ended at once")
        try:
            urllib.request.urlopen(url, timeout=2, context=context).close()  # noqa: S310
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.01)
        else:
            return
    raise RuntimeError(f"no answer from {url}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
