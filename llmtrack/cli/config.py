# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack config`: the operator's settings."""

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from llmtrack.cli.data import Data, now_ms, pass_data
from llmtrack.cli.exit_codes import CommandFailed, ExitCode
from llmtrack.cli.options import json_option
from llmtrack.cli.output import print_json, print_rows

if TYPE_CHECKING:
    from llmtrack.config.loading import Config
    from llmtrack.config.setting import Setting

HIDDEN = "(secret)"
_CREDENTIALS = re.compile(r"(?<=//)[^/@\s]+(?=@)")
"""In an address, before the host."""


def shown(setting: "Setting[Any]", config: "Config") -> str:
    """The value of a setting, without what nobody else should see."""
    text = config.told(setting).text
    return HIDDEN if setting.secret and text else _CREDENTIALS.sub(HIDDEN, text)


@click.group()
def config() -> None:
    """Settings: show, check, write an example file."""


@config.command()
@click.option("--origin", is_flag=True, help="Also where each value comes from.")
@click.option("--changed", is_flag=True, help="Only what is not at its default.")
@click.option("--show-secrets", is_flag=True, help="Secrets as they are.")
@json_option
@pass_data
def show(data: Data, *, origin: bool, changed: bool, show_secrets: bool, as_json: bool) -> None:
    """Print the settings in force for this user, directory and environment."""
    from llmtrack.config.table import SETTINGS

    loaded = data.config
    rows = []
    for setting in SETTINGS:
        told = loaded.told(setting)
        if changed and told.origin == "default":
            continue
        rows.append(
            {
                "key": setting.key,
                "value": told.text if show_secrets else shown(setting, loaded),
                "origin": told.origin,
                "variable": setting.variable,
                "reload": setting.reloads,
            }
        )
    columns = ("key", "value", "origin") if origin else ("key", "value")
    print_rows(rows, columns=columns, as_json=as_json, none="everything is at its default")


@config.command()
@click.argument("file", required=False, type=click.Path(path_type=Path))
@json_option
@pass_data
def check(data: Data, file: Path | None, as_json: bool) -> None:
    """Read all settings, with FILE instead of the usual file; exit code 78 if any is wrong."""
    from llmtrack.config.loading import load
    from llmtrack.services.certificates import certificate_facts, check_dates, server_context

    loaded = load({}, os.environ, file=file) if file else data.config
    from llmtrack.config.table import TLS_CERT_FILE, TLS_KEY_FILE

    cert_file = loaded[TLS_CERT_FILE]
    if cert_file is not None:
        server_context(cert_file, loaded[TLS_KEY_FILE] or cert_file)
        check_dates(certificate_facts(cert_file), cert_file, now_ms())
    told = {"file": str(loaded.file) if loaded.file else None, "data_dir": str(loaded.data_dir)}
    if as_json:
        print_json(told | {"ok": True})
    else:
        click.echo(f"ok: {told['file'] or 'no file, defaults and environment only'}")


@config.command()
def example() -> None:
    """Print a file with every setting, commented out, at its default."""
    from llmtrack.config.reference import example

    click.echo(example(), nl=False)


@config.command()
@click.argument("key")
@pass_data
def get(data: Data, key: str) -> None:
    """Print the value of the setting KEY, e.g. for scripts; secrets as they are."""
    from llmtrack.config.table import BY_KEY

    if key not in BY_KEY:
        raise CommandFailed(
            f"there is no setting {key!r}",
            ExitCode.NOT_FOUND,
            fix="see all of them with: llmtrack config show",
        )
    click.echo(data.config.told(BY_KEY[key]).text)
