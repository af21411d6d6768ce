# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack health`: for a container's health check, which has no curl."""

import click

from llmtrack.cli.data import Data, pass_data
from llmtrack.cli.exit_codes import CommandFailed, ExitCode


@click.command()
@click.option("--live", is_flag=True, help="Ask /healthz instead of /readyz.")
@click.option("--timeout", default=3.0, show_default=True, metavar="S", help="Seconds to wait.")
@pass_data
def health(data: Data, live: bool, timeout: float) -> None:
    """Ask the server on this machine whether it is ready; exit code 1 if not."""
    from llmtrack.config.table import LISTEN
    from llmtrack.domain.addresses import parse_address
    from llmtrack.services.local_probe import ask

    address = parse_address(data.config[LISTEN][0])
    host = address.host if address.host not in {"", "0.0.0.0", "::"} else "127.0.0.1"  # noqa: S104
    path = "/healthz" if live else "/readyz"
    try:
        status, text = ask(host, address.port, path, timeout_s=timeout)
    except OSError as error:
        raise CommandFailed(f"no answer from {address}: {error}", ExitCode.FAILURE) from error
    click.echo(text.strip())
    if status != 200:
        raise CommandFailed(f"{address} is not well: status {status}", ExitCode.FAILURE, fix="")
