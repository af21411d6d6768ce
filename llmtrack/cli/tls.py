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
    from llmtrack.config.table import TLS_MODE

    pair = _pair(data)
    mode = data.config[TLS_MODE]
    if pair is None:
        print_fields({"mode": mode, "certificate": "none: plain http"}, as_json=as_json)
        return
    print_fields({"mode": mode} | _facts(pair), as_json=as_json)


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


@tls.command()
@click.argument("address", required=False, metavar="[HOST:PORT]")
@json_option
@pass_data
def test(data: Data, address: str | None, as_json: bool) -> None:
    """Connect to the server and show what a client sees; exit code 6 if it is not that file.

    Without HOST:PORT: the first address in server.listen.
    """
    from llmtrack.config.table import LISTEN
    from llmtrack.services.certificates import certificate_facts
    from llmtrack.services.listening import parse_address
    from llmtrack.services.tls_probe import probe

    place = parse_address(address or data.config[LISTEN][0])
    seen = probe(place.host or "127.0.0.1", place.port)
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


def _facts(pair: "Pair") -> dict[str, Any]:
    from llmtrack.services.certificates import certificate_facts

    facts = certificate_facts(pair.cert_file)
    file = pair.cert_file.absolute()
    return {
        "certificate": str(file),
        "names": ", ".join(facts.names),
        "expires": moment(facts.not_after_ms),
        "days_left": (facts.not_after_ms - now_ms()) // DAY_MS,
        "sha256": facts.fingerprint,
        "python_clients": f"SSL_CERT_FILE={file}",
        "node_clients": f"NODE_EXTRA_CA_CERTS={file}",
    }
