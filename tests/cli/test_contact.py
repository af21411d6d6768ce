"""`llmtrack contact`: a code goes out by mail, and the address is published when it is back."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Program
from tests.web.mail_sink import Sink, mail_sink

ADDRESS = "security@example.com"


async def command(program: Program, sink: Sink, *args: str) -> tuple[int, str]:
    """Run a command as a process of its own, beside the mail server in this loop."""
    arguments = ["-m", "llmtrack", "--data-dir", str(program.directory), *args]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, *arguments),
        env=os.environ | sink.settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


def test_without_a_mail_server_no_code_can_be_sent(program: Program) -> None:
    assert "mail.host is not set" in program.fails(5, "contact", "set", ADDRESS)
    assert program.json("contact", "show") == []
    assert "no code is out" in program.fails(3, "contact", "verify", "abcd")
    [finding] = program.json("check", "mail")
    assert finding["text"] == "no mail is sent: mail.host is not set"


async def test_an_address_is_published_when_its_code_is_back(
    program: Program, tmp_path: Path
) -> None:
    async with mail_sink(tmp_path) as sink:
        assert (await command(program, sink, "contact", "set", ADDRESS))[0] == 0
        [code] = re.findall(r"verify (\S+)", (await sink.arrived()).get_content())
        code_, said = await command(program, sink, "check", "mail")
        assert (code_, "takes mail from here" in said) == (0, True)
    shown = await asyncio.to_thread(program.json, "contact", "show")
    assert [(row["address"], row["state"]) for row in shown] == [(ADDRESS, "code sent")]
    wrong = await asyncio.to_thread(program.fails, 5, "contact", "verify", "aaaa-bbbb-cccc-dddd")
    assert "not the code" in wrong

    made = await asyncio.to_thread(program.json, "contact", "verify", code)

    assert (made["address"], made["state"]) == (ADDRESS, "published")
    actions = [e["action"] for e in await asyncio.to_thread(program.json, "audit", "list")]
    assert actions[:2] == ["contact.verify", "contact.propose"]
    await asyncio.to_thread(program.ok, "contact", "remove", "--yes")
    assert await asyncio.to_thread(program.json, "contact", "show") == []


async def test_a_mail_server_that_is_not_there_publishes_nothing(
    program: Program, tmp_path: Path
) -> None:
    async with mail_sink(tmp_path) as sink:
        pass
    code, said = await command(program, sink, "contact", "set", ADDRESS)
    assert code == 1
    assert "did not take the mail" in said
    assert "Traceback" not in said
    code, _ = await command(program, sink, "check", "mail")
    assert code == 6


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"LLMTRACK_MAIL_HOST": "mail.example.com"}, "needs mail.from"),
        (
            {
                "LLMTRACK_MAIL_HOST": "mail.example.com",
                "LLMTRACK_MAIL_FROM": "a@example.com",
                "LLMTRACK_MAIL_TLS": "none",
            },
            "on this machine",
        ),
    ],
)
def test_half_a_mail_server_is_refused(
    program: Program, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], text: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    done = program.run("contact", "set", ADDRESS)
    assert done.exit_code != 0
    assert text in done.stderr
