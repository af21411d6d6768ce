"""The command line: one group, one module a noun."""

import os
import sys
from pathlib import Path

import click

from llmtrack import __version__
from llmtrack.cli.commands import LazyGroup
from llmtrack.cli.data import Data
from llmtrack.cli.exit_codes import MEANINGS

_EXIT_CODES = "\n".join(f"  {code.value:>2}  {meaning}" for code, meaning in MEANINGS.items())


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=f"\b\nExit codes:\n{_EXIT_CODES}",
)
@click.option(
    "--data-dir",
    "-d",
    metavar="D",
    help="Where the database is. Default: LLMTRACK_DATA_DIR, systemd's state directory, "
    "/var/lib/llmtrack if it exists, else ./llmtrack-data.",
)
@click.option(
    "--config",
    "-c",
    "config_file",
    metavar="F",
    type=click.Path(path_type=Path),
    help="The configuration file. Default: LLMTRACK_CONFIG, /etc/llmtrack/llmtrack.toml, "
    "~/.config/llmtrack/llmtrack.toml, else llmtrack.toml in the data directory.",
)
@click.version_option(__version__, prog_name="llmtrack", message="%(prog)s %(version)s")
@click.pass_context
def llmtrack(ctx: click.Context, data_dir: str | None, config_file: Path | None) -> None:
    """LLMtrack: what LLM calls cost, who and what causes it.

    Start with `llmtrack serve`, which prints where to go on. Commands work on the data
    directory, also while the server runs.
    """
    ctx.obj = Data(data_dir, config_file)


OPENSSL_CONFIG = Path(__file__).resolve().parents[1] / "openssl.cnf"


def main() -> None:
    # Before anything makes OpenSSL read its configuration; the machine's own stays with
    # whoever has named one.
    os.environ.setdefault("OPENSSL_CONF", str(OPENSSL_CONFIG))
    for stream in (sys.stdout, sys.stderr):
        # A terminal of another encoding should see a placeholder, not end the program.
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    llmtrack(prog_name="llmtrack")
