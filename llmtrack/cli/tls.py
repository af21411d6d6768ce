# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack tls`: the certificate in use, and a new one."""

from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, now_ms, pass_data
from llmtrack.cli.exit_codes import CommandFailed, ExitCode
from llmtrack.cli.options import json_option
from llmtrack.cli.output import moment, print_fields

if TYPE_CHECKING:
    from llmtrack.services.self_signed import Pair

DAY_MS = 86_400_000


@click.group()
def tls() -> None:
    """TLS: show, make and test the certificate."""


@tls.command()
@json_option
@pass_data
def status(data: Data, as_json: bool) -> None:
    """Show the certificate that the settings lead to; exit code 78 if it cannot be used."""
    from llmtrack.cli.listening import configured_mode
    from llmtrack.config.table import TLS_MODE

    pair = _pair(data)
    mode = data.config[TLS_MODE]
    if pair is None:
        is_plain = configured_mode(data.config) in {"none", "proxy"}
        why = "plain http" if is_plain else "the server makes or asks for one when it starts"
        print_fields({"mode": mode, "certificate": f"none: {why}"}, as_json=as_json)
        return
    print_fields({"mode": mode} | _facts(pair) | _renewal(data), as_json=as_json)


@tls.command("self-signed")
@click.option("--host", default="", metavar="H", help="A name or address that it must be for.")
@click.option("--force", is_flag=True, help="Make a new one although the old one is good.")
@json_option
@pass_data
def self_signed(data: Data, host: str, force: bool, as_json: bool) -> None:
    """Make the certificate that the server signs itself, unless a good one is there.

    A running server takes it up within half a minute, or at once on SIGHUP. Clients that
    trust the old one must be told of the new one.
    """
    from llmtrack.services.self_signed import self_signed_pair

    directory = data.directory / "tls"
    if force:
        (directory / "self-signed.crt").unlink(missing_ok=True)
    pair = self_signed_pair(directory, host=host, now_ms=now_ms())
    print_fields(_facts(pair), as_json=as_json)


@tls.group()
def acme() -> None:
    """Certificates from a CA, by ACME."""


@acme.command("issue")
@click.option("--force", is_flag=True, help="Order one although the old one is good.")
@json_option
@pass_data
def issue(data: Data, force: bool, as_json: bool) -> None:
    """Order the certificate for acme.domains, unless a good one is there.

    The server does it by itself, and again at two thirds of a certificate's life. While it runs
    it answers the CA and takes up the certificate at once; else this command answers.
    """
    from llmtrack.cli.listening import acme_store
    from llmtrack.config.acme_settings import ACME_DOMAINS
    from llmtrack.services.acme_renewal import renewal_ms

    store = acme_store(data.config)
    domains = data.config[ACME_DOMAINS]
    if not domains:
        raise CommandFailed(
            "acme.domains names nothing to order a certificate for",
            ExitCode.CONFIG,
            fix="see acme.domains in: llmtrack config example",
        )
    if force or renewal_ms(store.facts(), domains) <= now_ms():
        _order(data)
    print_fields(_facts(store.pair), as_json=as_json)


@tls.command()
@json_option
@pass_data
def renew(data: Data, as_json: bool) -> None:
    """Replace the certificate now: a CA's by another of the CA, a self-signed one by another.

    A certificate from files is renewed by whoever made them.
    """
    from llmtrack.config.acme_settings import ACME_DOMAINS
    from llmtrack.config.table import LISTEN, TLS_CERT_FILE
    from llmtrack.domain.addresses import parse_address
    from llmtrack.services.self_signed import self_signed_pair

    if data.config[TLS_CERT_FILE] is not None:
        raise CommandFailed(
            f"the certificate is a file of yours: {data.config[TLS_CERT_FILE]}",
            ExitCode.REFUSED,
            fix="replace it where it comes from; the server notices",
        )
    if data.config[ACME_DOMAINS]:
        _order(data)
    else:
        directory = data.directory / "tls"
        (directory / "self-signed.crt").unlink(missing_ok=True)
        host = parse_address(data.config[LISTEN][0]).host
        self_signed_pair(directory, host=host, now_ms=now_ms())
        _hang_up(data)
    pair = _pair(data)
    if pair is not None:
        print_fields(_facts(pair), as_json=as_json)


def _order(data: Data) -> None:
    import asyncio

    from llmtrack.cli.certifying import issue_alone, issue_by
    from llmtrack.services.files import make_directory
    from llmtrack.services.lock import AlreadyRunning, DirectoryLock

    make_directory(data.directory)
    try:
        with DirectoryLock.take(data.directory, "llmtrack tls"):
            asyncio.run(issue_alone(data))
    except AlreadyRunning:
        issue_by(data.config)
        _hang_up(data)


def _hang_up(data: Data) -> None:
    """Have a running server look at its certificate now."""
    import os
    import signal

    from llmtrack.services.lock import holder_of

    holder = holder_of(data.directory)
    if holder is not None and holder.pid is not None and holder.address:
        os.kill(holder.pid, signal.SIGHUP)


@tls.command()
@click.argument("address", required=False, metavar="[HOST:PORT]")
@json_option
@pass_data
def test(data: Data, address: str | None, as_json: bool) -> None:
    """Connect to the server and show what a client sees; exit code 6 if it is not that file.

    Without HOST:PORT: the first address in server.listen.
    """
    from llmtrack.config.table import LISTEN
    from llmtrack.domain.addresses import parse_address
    from llmtrack.services.certificates import certificate_facts
    from llmtrack.services.tls_probe import probe

    place = parse_address(address or data.config[LISTEN][0])
    try:
        seen = probe(place.host or "127.0.0.1", place.port)
    except ConnectionRefusedError as error:
        raise CommandFailed(
            f"nothing listens on {place}", ExitCode.SERVER_STATE, fix="see: llmtrack status"
        ) from error
    pair = _pair(data)
    expected = certificate_facts(pair.cert_file).fingerprint if pair else None
    fields = {
        "address": str(place),
        "protocol": seen.protocol,
        "cipher": seen.cipher,
        "sha256": seen.fingerprint,
        "is_the_configured_one": None if expected is None else seen.fingerprint == expected,
    }
    print_fields(fields, as_json=as_json)
    if expected is not None and seen.fingerprint != expected:
        raise CommandFailed(
            "the server shows another certificate than the settings name",
            ExitCode.VERIFICATION_FAILED,
            fix="reload it: systemctl reload llmtrack; its log says why it kept the old one",
        )


def _pair(data: Data) -> "Pair | None":
    """What the settings lead to, without making anything. Raises CertificateUnusable."""
    from llmtrack.cli.checks import configured_pair
    from llmtrack.services.certificates import server_context

    pair = configured_pair(data)
    if pair is not None:
        server_context(*pair)
    return pair


def _renewal(data: Data) -> dict[str, Any]:
    """Of a CA's certificate: when it is replaced, and what has failed."""
    from llmtrack.cli.listening import acme_store
    from llmtrack.cli.status import job_rows
    from llmtrack.config.acme_settings import ACME_DIRECTORY_URL, ACME_DOMAINS
    from llmtrack.services.acme_renewal import JOB, renewal_ms

    domains = data.config[ACME_DOMAINS]
    if not domains:
        return {}
    facts = acme_store(data.config).facts()
    due_ms = renewal_ms(facts, domains)
    jobs = data.run(job_rows) if data.database.exists() else []
    failed = next((job for job in jobs if job["job"] == JOB and job["failures"]), None)
    return {
        "ca": data.config[ACME_DIRECTORY_URL],
        "renewal": moment(due_ms) if due_ms else "as soon as the server runs",
        "last_failure": failed["result"] if failed else None,
    }


def _facts(pair: "Pair") -> dict[str, Any]:
    from llmtrack.services.certificates import certificate_facts

    facts = certificate_facts(pair.cert_file)
    file = pair.cert_file.absolute()
    fields = {
        "certificate": str(file),
        "names": ", ".join(facts.names),
        "expires": moment(facts.not_after_ms),
        "days_left": (facts.not_after_ms - now_ms()) // DAY_MS,
        "sha256": facts.fingerprint,
    }
    if pair.cert_file == pair.key_file:
        return fields  # it holds the key as well: not for clients
    return fields | {
        "python_clients": f"SSL_CERT_FILE={file}",
        "node_clients": f"NODE_EXTRA_CA_CERTS={file}",
    }
