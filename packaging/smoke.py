#!/usr/bin/env python3
"""Runs the binary as a stranger would: an empty directory, an empty environment, a first event.

    python3 packaging/smoke.py dist/llmtrack
    python3 packaging/smoke.py dist/tree/llmtrack/llmtrack    # as it is in the package

Standard library only: the machine that runs it has nothing of ours but the binary.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from decimal import Decimal
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[1]
GLIBC = re.compile(rb"\0GLIBC_2\.(\d+)(?:\.\d+)?\0")
READY_S = 30
SQLITE_FLOOR = (3, 51, 3)  # the first without the WAL-reset fault
WORKSPACE = "Smoke"
EVENT = {
    "provider": "openai",
    "model": "gpt-4o-mini",
    "prompt_tokens": 120,
    "completion_tokens": 80,
    "total_tokens": 200,
    "feature": "smoke",
}
EVENT_COST = Decimal("0.000066")


def fail(message: str) -> NoReturn:
    sys.exit(f"smoke: {message}")


class Binary:
    """The binary in an empty directory of its own, seeing nothing but a TMPDIR."""

    def __init__(self, path: Path, home: Path) -> None:
        self.path = path.resolve()
        self.home = home
        # Where it unpacks itself: what a run leaves behind is easily seen in an empty one.
        self.unpack_dir = home / "tmp"
        self.unpack_dir.mkdir()
        self.environ = {"TMPDIR": str(self.unpack_dir)}

    def command(self, *args: str) -> list[str]:
        return [str(self.path), "--data-dir", "data", *args]

    def run(self, *args: str) -> str:
        done = subprocess.run(
            self.command(*args),
            cwd=self.home,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            fail(f"{' '.join(args)}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done.stdout

    def start(self, port: int) -> "subprocess.Popen[bytes]":
        with (self.home / "serve.log").open("wb") as log:
            return subprocess.Popen(
                self.command("serve", "--listen", f"127.0.0.1:{port}"),
                cwd=self.home,
                env=self.environ,
                stdout=log,
                stderr=log,
                start_new_session=True,  # its process group is then exactly its processes
            )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until_ready(server: "subprocess.Popen[bytes]", url: str, log: Path) -> float:
    """Seconds until the first HTTP answer of whatever status."""
    begun = time.monotonic()
    while time.monotonic() - begun < READY_S:
        if server.poll() is not None:
            fail(f"serve ended with {server.returncode}\n{log.read_text()}")
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own loopback
        except urllib.error.HTTPError:
            return time.monotonic() - begun
        except OSError:
            time.sleep(0.01)
        else:
            return time.monotonic() - begun
    fail(f"no answer within {READY_S} s\n{log.read_text()}")


def send(url: str, key: str) -> dict[str, Any]:
    """With curl as the README shows it; with Python on a machine that has no curl."""
    body = json.dumps(EVENT)
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    if shutil.which("curl"):
        options = [part for item in headers.items() for part in ("-H", ": ".join(item))]
        command = ["curl", "-sS", "--fail-with-body", *options, "-d", body, url]
        answer = subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout
    else:
        request = urllib.request.Request(url, body.encode(), headers)  # noqa: S310 - loopback
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            answer = response.read()
    return dict(json.loads(answer))


def resident_mib(group: int) -> float:
    """Of all processes of the group: the binary is an unpacker and its child."""
    total_kib = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            if os.getpgid(int(status.parent.name)) != group:
                continue
            lines = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except OSError:  # gone meanwhile
            continue
        total_kib += int(lines.get("VmRSS", "0").split()[0])
    return total_kib / 1024


def set_up(binary: Binary) -> str:
    """The first admin, workspace and key; the raw key."""
    password_file = binary.home / "password"
    password_file.write_text("correct horse battery staple\n")
    binary.run(
        *("setup", "--non-interactive", "--admin-email", "smoke@example.com"),
        *("--password-file", "password", "--workspace", WORKSPACE, "--json"),
    )
    created = json.loads(
        binary.run("keys", "create", "--workspace", WORKSPACE, "--name", "smoke", "--json")
    )
    return str(created["key"])


def check_event(binary: Binary, answer: dict[str, Any]) -> None:
    exported = binary.run("events", "export", "--workspace", WORKSPACE, "--format", "jsonl")
    events = [json.loads(line) for line in exported.splitlines()]
    if len(events) != 1:
        fail(f"sent one event, found {len(events)}: {exported}")
    if Decimal(events[0]["cost_usd"]) != EVENT_COST or Decimal(str(answer["cost"])) != EVENT_COST:
        fail(f"cost is not {EVENT_COST}: {answer} {events[0]}")


def check_versions(binary: Binary) -> dict[str, Any]:
    found = dict(json.loads(binary.run("version", "--json")))
    if tuple(map(int, found["sqlite"].split("."))) < SQLITE_FLOOR:
        fail(f"SQLite {found['sqlite']} is older than {'.'.join(map(str, SQLITE_FLOOR))}")
    if "unknown" in found["packages"].values():
        fail(f"packages without metadata: {found['packages']}")
    return found


def check_glibc(binary: Binary) -> str:
    """The oldest glibc that it runs on, by the symbols that all its parts want."""
    places = (binary.unpack_dir, binary.path.parent / "_internal")
    parts = [path for place in places for path in place.rglob("*") if path.is_file()]
    parts.append(binary.path)
    found = {match for path in parts for match in GLIBC.findall(path.read_bytes())}
    floor = f"glibc 2.{max(map(int, found))}"
    for page in ("docs/install.md", "README.md"):
        if f"{floor} or newer" not in (ROOT / page).read_text():
            fail(f"{page} does not say that {floor} is the oldest")
    return floor


def stop(server: "subprocess.Popen[bytes]", binary: Binary) -> None:
    server.send_signal(signal.SIGTERM)
    code = server.wait(timeout=30)
    if code != 0:
        fail(f"SIGTERM: exit {code}\n{(binary.home / 'serve.log').read_text()}")
    try:
        os.killpg(server.pid, 0)
    except ProcessLookupError:
        pass
    else:
        fail("a process is left")
    if left := list(binary.unpack_dir.iterdir()):
        fail(f"left behind: {left}")


def smoke(path: Path, home: Path) -> None:
    binary = Binary(path, home)
    versions = check_versions(binary)
    key = set_up(binary)
    port = free_port()
    server = binary.start(port)
    try:
        ready_s = wait_until_ready(server, f"http://127.0.0.1:{port}/", home / "serve.log")
        answer = send(f"http://127.0.0.1:{port}/api/ingest", key)
        check_event(binary, answer)
        idle_mib = resident_mib(server.pid)
        floor = check_glibc(binary)
        stop(server, binary)
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
    size_mib = binary.path.stat().st_size / 2**20
    print(f"smoke: sqlite {versions['sqlite']}, {versions['openssl']}, {floor}")
    print(f"smoke: size {size_mib:.1f} MiB, ready {ready_s:.2f} s, idle {idle_mib:.0f} MiB")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        fail("usage: packaging/smoke.py dist/llmtrack")
    with tempfile.TemporaryDirectory(prefix="llmtrack-smoke-") as directory:
        smoke(Path(sys.argv[1]), Path(directory))
