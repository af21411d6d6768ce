# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""The provider of single sign-on, from the settings."""

from typing import TYPE_CHECKING

from llmtrack.cli.data import Data
from llmtrack.config.loading import Config, ConfigUnusable
from llmtrack.config.single_sign_on import (
    ACR_VALUES,
    ALLOWED_DOMAINS,
    CA_FILE,
    CLIENT_ID,
    CLIENT_SECRET,
    ISSUER,
    LABEL,
    REQUIRED,
    SCOPES,
    SECOND_FACTOR,
)
from llmtrack.config.table import PUBLIC_URL

if TYPE_CHECKING:
    from llmtrack.services.inspection import Finding
    from llmtrack.services.oidc import Provider

CALLBACK = "/sign-in/oidc/callback"
KEYCLOAK_LIKE = "https://login.example.com/realms/staff"


def provider_of(config: Config, url: str) -> "Provider | None":
    """None without one; its libraries are loaded for those who have one. Raises ConfigUnusable.

    `url`: of this server, as people reach it.
    """
    issuer = config[ISSUER]
    if not issuer:
        return None
    _check(config, issuer)
    from llmtrack.domain.single_sign_on import Rules
    from llmtrack.services.oidc import Client, Provider

    client = Client(
        issuer,
        config[CLIENT_ID],
        config[CLIENT_SECRET],
        url.rstrip("/") + CALLBACK,
        config[SCOPES],
        config[CA_FILE],
    )
    rules = Rules(
        config[LABEL],
        config[REQUIRED],
        config[ALLOWED_DOMAINS],
        config[SECOND_FACTOR],
        config[ACR_VALUES],
    )
    try:
        return Provider(client, rules)
    except OSError as error:
        raise _unusable(config, CA_FILE.key, f"oidc.ca_file cannot be read: {error}") from error


def _check(config: Config, issuer: str) -> None:
    if not issuer.startswith("https://"):
        raise _unusable(config, ISSUER.key, f"oidc.issuer must be https, as {KEYCLOAK_LIKE}")
    if not config[CLIENT_ID]:
        raise _unusable(config, CLIENT_ID.key, "oidc.issuer needs oidc.client_id beside it")
    if "openid" not in config[SCOPES]:
        raise _unusable(config, SCOPES.key, "oidc.scopes must name openid")


def oidc_findings(data: Data) -> "list[Finding]":
    """What the provider says of itself, and its keys, asked for now."""
    import asyncio

    from llmtrack.domain.errors import LLMtrackError
    from llmtrack.services.inspection import Finding

    config = data.config
    provider = provider_of(config, config[PUBLIC_URL] or "https://this-server")
    if provider is None:
        return [Finding("oidc", True, "no single sign-on")]
    try:
        metadata, keys = asyncio.run(_ask(provider))
    except LLMtrackError as error:
        text = f"{error}" if error.__cause__ is None else f"{error} {error.__cause__}"
        return [Finding("oidc", False, text, error.fix or "see docs/sign-in.md")]
    if not keys:
        return [Finding("oidc", False, f"{provider.client.issuer} publishes no usable key")]
    text = f"{provider.client.issuer} answers, with {keys} keys, signs by {', '.join(metadata)}"
    found = [Finding("oidc", True, text)]
    if not config[PUBLIC_URL]:
        text = "server.public_url is not set: the provider sends people back to it"
        found.append(Finding("oidc", False, text, "set server.public_url"))
    else:
        text = f"it has to know this redirect URI: {provider.client.redirect_uri}"
        found.append(Finding("oidc", True, text))
    return found


async def _ask(provider: "Provider") -> tuple[tuple[str, ...], int]:
    """Signature algorithms, and how many keys."""
    metadata = await provider.metadata()
    return metadata.algorithms, len(await provider.keys())


def _unusable(config: Config, key: str, text: str) -> ConfigUnusable:
    where = f"{config.file}: " if config.file else ""
    return ConfigUnusable(f"{where}{text}", fix=f"see {key} in: llmtrack config example")
