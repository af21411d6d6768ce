"""What the settings say about certificates from a CA, for the server and for commands."""

import asyncio
from contextlib import ExitStack

from llmtrack.cli.data import Data, now_ms
from llmtrack.cli.listening import Plan, acme_store, plan_listening
from llmtrack.config.acme_settings import (
    ACME_ACCEPT_TERMS,
    ACME_CA_FILE,
    ACME_CHALLENGE,
    ACME_DIRECTORY_URL,
    ACME_DOMAINS,
    ACME_EAB_HMAC_KEY,
    ACME_EAB_KEY_ID,
    ACME_EMAIL,
)
from llmtrack.config.loading import Config
from llmtrack.config.table import PLAIN_LISTEN
from llmtrack.services.acme_renewal import Renewal
from llmtrack.services.acme_responder import answering


def renewal_of(data: Data, plan: Plan) -> Renewal | None:
    """What keeps the certificate new, by the settings as they are each time."""
    if plan.acme is None or plan.tls is None:
        return None
    return Renewal(
        plan.acme,
        domains=lambda: data.read_config()[ACME_DOMAINS],
        issue=lambda: issue_by(data.read_config()),
        reload=plan.tls.reload,
        clock_ms=now_ms,
    )


def issue_by(config: Config) -> None:
    """Order a certificate and keep it. Raises CertificateNotIssued."""
    # Slow to import, and needed a few times a year.
    from llmtrack.services.acme_client import Order, issue  # noqa: PLC0415

    challenge = config[ACME_CHALLENGE]
    if challenge == "auto":
        challenge = "http-01" if config[PLAIN_LISTEN] else "tls-alpn-01"
    order = Order(
        config[ACME_DIRECTORY_URL],
        config[ACME_DOMAINS],
        challenge,
        config[ACME_ACCEPT_TERMS],
        config[ACME_EMAIL],
        config[ACME_CA_FILE],
        config[ACME_EAB_KEY_ID],
        config[ACME_EAB_HMAC_KEY],
    )
    issue(order, acme_store(config))


async def issue_alone(data: Data) -> None:
    """The same while no server runs that could answer the CA. Raises CertificateNotIssued."""
    with ExitStack() as open_things:
        plan = plan_listening(data.config, open_things)
        store = acme_store(data.config)
        context = plan.tls.context if plan.tls else None
        async with answering(plan.sockets, context, plan.plain_sockets, store.key_authorization):
            await asyncio.to_thread(issue_by, data.config)
