"""Tools that nobody here wrote find nothing: `make attack`, ATTACK=long for their long forms.

schemathesis comes with `make e2e`'s environment, csp_evaluator with `npm ci` in
tests/attack/node, the others with Debian. What is not installed is skipped.
"""

import http.client
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import Target

Run = Callable[..., str]

LONG = os.environ.get("ATTACK") == "long"
NODE = Path(__file__).parent / "node"
TOOL_S = 1200.0 if LONG else 300.0
"""What a tool may take; each ends by itself before."""
SLOW_CONNECTIONS = 160
"""Of each kind of slow client: together nearly as many as one address may open."""
SLOW_S = 120 if LONG else 35
ANSWER_S = 5.0
"""What an official client waits for an answer."""
MODULES = (
    "backup,blindsql,cookieflags,crlf,csp,exec,file,htaccess,http_headers,methods,permanentxss,"
    "redirect,shellshock,sql,xss"
)
"""All of wapiti's that ask nobody but the server, and guess no lists of names."""
WAPITI = """
import fnmatch, re, sys
from wapitiCore.main.wapiti import wapiti_main
from wapitiCore.net import crawler

# That of Debian 12 makes a pattern for --exclude that Python 3.11 refuses.
crawler.wildcard_translate = lambda text: re.compile(fnmatch.translate(text))
sys.exit(wapiti_main())
"""
NOWHERE = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
UNWANTED_HEADER = "X-XSS-Protection is not set"
"""Browsers have dropped what it switched on, and it had holes of its own."""
SELF = ["MEDIUM_MAYBE", "SCRIPT_ALLOWLIST_BYPASS", "script-src", "'self'"]
"""A problem where the host serves JSONP, AngularJS or what users upload: this one does not."""


def found(name: str) -> str:
    """Where a tool is; the test is skipped without it."""
    beside = Path(sys.executable).parent / name
    path = str(beside) if beside.exists() else shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """`run(command)`: what a tool says that can reach nobody but the server on this machine."""

    def call(*command: str, stdin: str | None = None) -> str:
        done = subprocess.run(
            command,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=TOOL_S,
            cwd=tmp_path,  # some leave what they remember where they run
            env={**os.environ, **NOWHERE, "no_proxy": "localhost,127.0.0.1"},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return call


@pytest.mark.parametrize("access", ["ingest", "read"])
def test_schemathesis_finds_no_fault_in_the_document(target: Target, run: Run, access: str) -> None:
    """No server error, no bad request accepted, no answer that the document does not know."""
    key, paths = {
        "ingest": (target.sending_key, ("/api/ingest", "/api/ingest/batch")),
        "read": (target.reading_key, ("/api/usage", "/api/openapi.json")),
    }[access]
    said = run(
        *(found("schemathesis"), "run", f"{target.appliance.url}/api/openapi.json"),
        *("--url", target.appliance.url, "--tls-verify", str(target.appliance.ca_file)),
        *("--header", f"Authorization: Bearer {key}"),
        *(word for path in paths for word in ("--include-path", path)),
        *("--phases", "coverage,fuzzing", "--seed", "1", "--checks", "all"),
        # Some that fit the document are refused: a time before the default start, for one.
        *("--exclude-checks", "positive_data_acceptance"),
        *("--max-examples", "1000" if LONG else "100"),
    )
    assert "Tested: 2" in said, said


@pytest.mark.parametrize(
    ("address", "fields"),
    [
        ("api/usage", "by=model&from=2026-11-01&to=2026-11-30"),
        ("events", "period=30d&model=gpt-4o&feature=chat&metadata=team%3Dred&min_cost=0.01"),
        ("explore", "period=30d&by=model&metric=cost&customer=cora"),
        ("changes", "period=30d&by=feature&provider=openai"),
    ],
)
def test_sqlmap_injects_nothing(
    target: Target, run: Run, tmp_path: Path, address: str, fields: str
) -> None:
    is_api = address.startswith("api/")
    where = f"{target.appliance.url}/" if is_api else target.workspace
    who = f"Authorization: Bearer {target.reading_key}" if is_api else f"Cookie: {target.cookie}"
    said = run(
        *(found("sqlmap"), "--batch", "--disable-coloring", "--output-dir", str(tmp_path)),
        *("--url", f"{where}{address}?{fields}", "--headers", who, "--dbms", "sqlite"),
        *("--level", "3" if LONG else "1", "--risk", "2" if LONG else "1", "--threads", "4"),
    )
    assert "all tested parameters do not appear to be injectable" in said, said


def test_wapiti_finds_nothing(target: Target, run: Run, tmp_path: Path) -> None:
    """Signed in as an owner, it fills in every form that it finds."""
    found("wapiti")
    url, report = target.appliance.url, tmp_path / "report.json"
    said = run(
        *("/usr/bin/python3", "-c", WAPITI, "--url", target.workspace, "--scope", "domain"),
        *("--start", f"{url}/sign-in", "--start", f"{url}/account", "--exclude", f"{url}/sign-out"),
        *("--header", f"Cookie: {target.cookie}", "--header", f"Origin: {url}"),
        *("--max-files-per-dir", "10", "--module", MODULES, "--no-bugreport"),
        *("--max-scan-time", "600" if LONG else "15", "--max-attack-time", "60" if LONG else "4"),
        *("--store-session", str(tmp_path / "session"), "--store-config", str(tmp_path / "config")),
        *("--format", "json", "--output", str(report)),
    )
    pages = int(said.partition("Wapiti found ")[2].partition(" ")[0])
    assert pages > 20, said
    told = json.loads(report.read_text())
    faults = [
        (kind, fault["method"], fault["path"], fault["info"])
        for group in ("vulnerabilities", "anomalies")
        for kind, faults in told[group].items()
        for fault in faults
        if UNWANTED_HEADER not in fault["info"]
    ]
    assert faults == []


def test_under_slow_clients_of_three_kinds_others_get_their_answers(
    target: Target, tmp_path: Path
) -> None:
    """Who drips headers or a body is cut off; who reads slowly stays, and is in nobody's way."""
    tool, url = found("slowhttptest"), target.appliance.url
    common = ["-c", str(SLOW_CONNECTIONS), "-r", "50", "-p", "5", "-l", str(SLOW_S), "-g"]
    kinds = {
        "headers": ["-H", "-i", "5", "-x", "24", "-t", "GET", "-u", f"{url}/sign-in"],
        "body": ["-B", "-i", "5", "-x", "10", "-s", "8192", "-t", "POST", "-u", f"{url}/sign-in"],
        "read": ["-X", "-n", "5", "-z", "32", "-w", "10", "-y", "20", "-k", "3", "-u", url + "/"],
    }
    running = {
        kind: subprocess.Popen(
            [tool, *common, *words, "-o", str(tmp_path / kind)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for kind, words in kinds.items()
    }
    body = b'{"provider":"openai","model":"gpt-4o-mini","prompt_tokens":1}'
    headers = {"Authorization": f"Bearer {target.sending_key}"}
    slowest_s = 0.0
    while any(process.poll() is None for process in running.values()):
        begun_s = time.monotonic()
        status, _ = target.appliance.post(body, headers)
        slowest_s = max(slowest_s, time.monotonic() - begun_s)
        assert status == 200
        time.sleep(0.5)
    assert slowest_s < ANSWER_S
    said = {kind: process.communicate()[0] for kind, process in running.items()}
    for kind in kinds:
        assert "YES" in said[kind], said[kind]
        assert "NO\x1b" not in said[kind], said[kind]
    for kind in ("headers", "body"):
        assert "No open connections left" in said[kind], said[kind]


@pytest.mark.parametrize("path", ["/sign-in", "/nothing-here", "/api/openapi.json"])
def test_csp_evaluator_has_nothing_against_the_policy(target: Target, run: Run, path: str) -> None:
    node = found("node")
    if not (NODE / "node_modules" / "csp_evaluator").exists():
        pytest.skip("csp_evaluator is not installed: npm ci in tests/attack/node")
    port, tls = target.appliance.port, target.appliance.tls
    connection = http.client.HTTPSConnection("localhost", port, context=tls)
    connection.request("GET", path)
    policy = connection.getresponse().headers["Content-Security-Policy"]
    connection.close()
    assert json.loads(run(node, str(NODE / "judge_policy.cjs"), stdin=policy)) == [SELF]
