"""`llmtrack service`: running under systemd."""

import sys
from pathlib import Path

import click

UNIT = Path(__file__).resolve().parents[1] / "llmtrack.service"
ONE_FILE = """\
# The one-file binary unpacks itself and is the child of the process that systemd knows.
NotifyAccess=all
KillMode=mixed
Environment=TMPDIR=/var/cache/llmtrack
"""


@click.group()
def service() -> None:
    """Run as a service of systemd."""


@service.command("print-unit")
@click.option("--user", default="llmtrack", show_default=True, metavar="U", help="Who runs it.")
@click.option(
    "--program",
    metavar="PATH",
    help="The program to start. Default: this one, wherever it is.",
)
def print_unit(user: str, program: str | None) -> None:
    """Print a hardened unit for this program; write it to /etc/systemd/system/llmtrack.service."""
    unit = UNIT.read_text(encoding="utf-8")
    path = program or _own_path()
    unit = unit.replace("/usr/bin/llmtrack", path)
    unit = unit.replace("User=llmtrack", f"User={user}").replace("Group=llmtrack", f"Group={user}")
    if _is_one_file() and not program:
        unit = unit.replace("Type=notify\n", f"Type=notify\n{ONE_FILE}")
    click.echo(unit, nl=False)


def _own_path() -> str:
    return str(Path(sys.executable if _is_frozen() else sys.argv[0]).absolute())


def _is_frozen() -> bool:
    return bool(getattr(sys, "frozen", False))


def _is_one_file() -> bool:
    """A one-directory build has its parts beside the program."""
    return _is_frozen() and not (Path(sys.executable).parent / "_internal").is_dir()
