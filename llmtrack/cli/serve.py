# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack serve`: the server."""

from contextlib import ExitStack
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

import click

from llmtrack.cli.data import Data, pass_data

if TYPE_CHECKING:
    from llmtrack.cli.listening import Plan
    from llmtrack.services.mail import Mailer
    from llmtrack.services.oidc import Provider
    from llmtrack.services.vitals import Vitals
    from llmtrack.storage.database import Database
    from llmtrack.web.server import Server


@click.command()
@click.option(
    "--listen",
    multiple=True,
    metavar="HOST:PORT",
    help="0.0.0.0:8443 takes connections from everywhere (IPv4), [::]:8443 over IPv6; may be "
    "said several times. Default: 127.0.0.1:8080.",
)
@click.option("--public-url", metavar="URL", help="How people and clients reach this server.")
@click.option("--tls-mode", metavar="M", help="auto, files, acme, self-signed or proxy.")
@click.option("--tls-cert", metavar="F", help="PEM: full chain.")
@click.option("--tls-key", metavar="F", help="PEM: private key.")
@click.option(
    "--max-db-size",
    metavar="SIZE",
    help="Near it the oldest single events are removed, e.g. 20GiB; totals stay.",
)
@pass_data
def serve(
    data: Data,
    *,
    listen: tuple[str, ...],
    public_url: str | None,
    tls_mode: str | None,
    tls_cert: str | None,
    tls_key: str | None,
    max_db_size: str | None,
) -> None:
    """Run the server until SIGTERM or Ctrl-C; SIGHUP reloads settings and certificates.

    Plain http is for loopback only. On any other address it speaks TLS: with --tls-cert and
    --tls-key, else with one that it gets from a CA if acme.domains is set, else with one that it
    signs itself and keeps in the data directory.

    Makes the data directory and the database when there are none, and prints a one-time
    setup link while there is no user. Each option is also a setting, see: llmtrack config
    example.
    """
    from llmtrack.config import table

    if (tls_cert is None) != (tls_key is None):
        raise click.UsageError("--tls-cert and --tls-key go together")
    data.override(
        {
            table.LISTEN: ",".join(listen) or None,
            table.PUBLIC_URL: public_url,
            table.TLS_MODE: tls_mode,
            table.TLS_CERT_FILE: tls_cert,
            table.TLS_KEY_FILE: tls_key,
            table.DISK_MAX_DB_SIZE: max_db_size,
        }
    )
    from llmtrack.cli.starting import may_be_ended

    with may_be_ended() as end_if_told:
        _import_parts()
        end_if_told()
        _serve(data)


class Outside(NamedTuple):
    """Other servers that this one talks to."""

    mailer: "Mailer | None"
    provider: "Provider | None"


def _import_parts() -> None:
    """Most of the server; what imports a part of it afterwards finds it."""
    from llmtrack.cli.quick_imports import quick_imports

    with quick_imports():
        from llmtrack.cli import serving  # noqa: F401
        from llmtrack.web import app, server  # noqa: F401


def _serve(data: Data) -> None:
    import asyncio

    from llmtrack.cli.certifying import renewal_of
    from llmtrack.cli.listening import plan_listening
    from llmtrack.cli.logs import set_up_logging
    from llmtrack.cli.reloading import Reloading
    from llmtrack.cli.scheduling import server_jobs
    from llmtrack.cli.serving import Life, run_server
    from llmtrack.cli.starting import upgrade_if_pending
    from llmtrack.cli.watching import vitals_of
    from llmtrack.config.log_settings import LOG_FORMAT, LOG_LEVEL
    from llmtrack.services.files import make_directory
    from llmtrack.services.listening import raise_descriptor_limit
    from llmtrack.services.lock import DirectoryLock
    from llmtrack.services.page_check import check_or_defer
    from llmtrack.services.supervisor import notify

    set_up_logging(data.config[LOG_LEVEL], data.config[LOG_FORMAT])
    make_directory(data.directory)
    raise_descriptor_limit()
    with ExitStack() as open_things:
        lock = open_things.enter_context(DirectoryLock.take(data.directory, "llmtrack serve"))
        plan = plan_listening(data.config, open_things)
        notify("STATUS=reading the database's pages")
        check_pages = check_or_defer(data.database, data.backup_directory)
        upgrade_if_pending(data)
        lock.tell(plan.url)
        vitals = vitals_of(data, plan)
        outside = _outside(data, plan)
        life = Life(
            start=lambda database: _start(database, plan, vitals, outside),
            jobs=partial(server_jobs, data),
            reloading=Reloading(data, plan, vitals),
            vitals=vitals,
            check_pages=check_pages,
            renewal=renewal_of(data, plan),
        )
        asyncio.run(run_server(data.database, plan, life))


def _outside(data: Data, plan: "Plan") -> Outside:
    from llmtrack.cli.mailing import mailer_of
    from llmtrack.cli.sso import provider_of

    return Outside(mailer_of(data.config), provider_of(data.config, plan.url))


async def _start(
    database: "Database", plan: "Plan", vitals: "Vitals", outside: Outside
) -> "Server":
    from llmtrack.web.app import build_app
    from llmtrack.web.server import Caps, Server

    app = build_app(
        database,
        base_url=plan.url,
        secure=plan.tls is not None or plan.proxies is not None,
        certificate_file=plan.certificate_file,
        proxies=plan.proxies,
        hosts=plan.hosts,
        mailer=outside.mailer,
        vitals=vitals,
        provider=outside.provider,
    )
    return await Server.start(
        app,
        plan.sockets,
        plan.tls.context if plan.tls else None,
        plain_sockets=plan.plain_sockets,
        base_url=plan.url,
        answers=plan.acme.key_authorization if plan.acme else None,
        # All connections come from the proxy then.
        caps=Caps() if plan.proxies is None else Caps(connections_per_ip=None),
    )
