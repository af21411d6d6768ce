# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack version`: what exactly is running, for bug reports and security questions."""

import json
import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of

import click

from llmtrack import __version__

# The default install, as in pyproject.toml; a test keeps the two alike.
PACKAGES = (
    "acme",
    "aiohttp",
    "aiosmtplib",
    "aiosqlite",
    "argon2-cffi",
    "click",
    "cryptography",
    "jinja2",
    "josepy",
    "joserfc",
    "msgspec",
    "pyotp",
    "segno",
    "tzdata",
    "webauthn",
)


def versions() -> dict[str, str | dict[str, str]]:
    import ssl

    from llmtrack.storage.engine import sqlite_version

    return {
        "llmtrack": __version__,
        "python": platform.python_version(),
        "sqlite": sqlite_version(),
        "openssl": ssl.OPENSSL_VERSION,
        "packages": {name: _package_version(name) for name in PACKAGES},
    }


def _package_version(name: str) -> str:
    try:
        return version_of(name)
    except PackageNotFoundError:  # copied files without their metadata still run
        return "unknown"


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def version(as_json: bool) -> None:
    """Show the versions of LLMtrack and of everything inside it."""
    found = versions()
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    for name, value in found.items():
        lines = value if isinstance(value, dict) else {name: value}
        for label, text in lines.items():
            click.echo(f"{label:<12} {text}")
