# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack serve`: the server."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import click

from llmtrack.cli.data import Data, now_ms, pass_data
from llmtrack.cli.output import moment

if TYPE_CHECKING:
    from socket import socket

    from llmtrack.cli.serving import Plan
    from llmtrack.services.listening import Address
    from llmtrack.storage.database import Database


@click.command()
@click.option(
    "--listen",
    default="127.0.0.1:8080",
    show_default=True,
    metavar="HOST:PORT",
    help="0.0.0.0:8443 takes connections from everywhere (IPv4), [::]:8443 over IPv6.",
)
@click.option("--tls-cert", metavar="F", type=click.Path(path_type=Path), help="PEM: full chain.")
@click.option("--tls-key", metavar="F", type=click.Path(path_type=Path), help="PEM: private key.")
@pass_data
def serve(data: Data, listen: str, tls_cert: Path | None, tls_key: Path | None) -> None:
    """Run the server until SIGTERM or Ctrl-C.

    Plain http is for loopback only. On any other address it speaks TLS: with --tls-cert and
    --tls-key, else with a certificate that it signs itself and keeps in the data directory.

    Makes the data directory and the database when there are none, and prints a one-time
    setup link while there is no user.
    """
    import asyncio

    from llmtrack.cli.serving import run_server
    from llmtrack.services.files import make_directory
    from llmtrack.services.listening import bind, parse_address, raise_descriptor_limit
    from llmtrack.services.lock import DirectoryLock
    from llmtrack.web.app import build_app
    from llmtrack.web.server import Server

    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    address = parse_address(listen)
    make_directory(data.directory)
    raise_descriptor_limit()
    with ExitStack() as open_things:
        lock = open_things.enter_context(DirectoryLock.take(data.directory, "llmtrack serve"))
        sockets = bind(address)
        for listening in sockets:
            open_things.callback(listening.close)
        plan = _plan(data, address, sockets, (tls_cert, tls_key))
        lock.tell(plan.url)

        async def start(database: "Database") -> Server:
            app = build_app(
                database,
                base_url=plan.url,
                secure=plan.context is not None,
                certificate_file=plan.certificate_file,
            )
            return await Server.start(app, plan.sockets, plan.context)

        asyncio.run(run_server(data.database, plan, start))


def _plan(
    data: Data,
    address: "Address",
    sockets: "list[socket]",
    files: tuple[Path | None, Path | None],
) -> "Plan":
    """Decide on TLS and on the address to print. Raises CertificateUnusable."""
    from llmtrack.cli.serving import Plan
    from llmtrack.services.certificates import certificate_facts, server_context
    from llmtrack.services.listening import is_loopback, reachable_address
    from llmtrack.services.self_signed import self_signed_pair

    reachable = reachable_address(address, sockets)
    cert_file, key_file = files
    if cert_file is not None and key_file is not None:
        context = server_context(cert_file, key_file)
        return Plan(sockets, context, f"https://{reachable}", None)
    if is_loopback(sockets):
        return Plan(sockets, None, f"http://{reachable}", None)
    pair = self_signed_pair(data.directory / "tls", host=address.host, now_ms=now_ms())
    facts = certificate_facts(pair.cert_file)
    said = (
        f"self-signed, good until {moment(facts.not_after_ms)}\n"
        f"               SHA-256 {facts.fingerprint}\n"
        f"               clients trust it with SSL_CERT_FILE={pair.cert_file.absolute()}"
    )
    context = server_context(*pair)
    return Plan(sockets, context, f"https://{reachable}", said, str(pair.cert_file.absolute()))
