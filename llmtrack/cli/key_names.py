# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""Which key a person means, and what commands print of it."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from llmtrack.cli.data import now_ms
from llmtrack.cli.exit_codes import CommandFailed, ExitCode
from llmtrack.cli.output import moment

if TYPE_CHECKING:
    from llmtrack.storage.database import Database
    from llmtrack.storage.keys import Key
    from llmtrack.storage.scope import Scope


class FoundKey(NamedTuple):
    scope: "Scope"
    key: "Key"


async def keys_of(database: "Database", workspace: str | None) -> list[FoundKey]:
    """The keys of one workspace, or of all."""
    from llmtrack.storage.keys import list_keys
    from llmtrack.storage.workspaces import list_workspaces, scope_for_admin

    names = [workspace] if workspace else [w.public_id for w in await list_workspaces(database)]
    scopes = [await scope_for_admin(database, name) for name in names]
    return [FoundKey(s, key) for s in scopes for key in await list_keys(s, now_ms=now_ms())]


async def named_key(database: "Database", wanted: str, workspace: str | None) -> FoundKey:
    """The one key of that id, else of that prefix or name. Raises CommandFailed."""
    keys = await keys_of(database, workspace)
    tests: list[Callable[[Key], bool]] = [
        lambda key: key.public_id == wanted,
        lambda key: wanted in {key.prefix, key.name},
        lambda key: key.old is not None and key.old.prefix == wanted,
    ]
    for fits in tests:
        matching = [found for found in keys if fits(found.key)]
        if len(matching) == 1:
            return matching[0]
        if matching:
            ids = ", ".join(found.key.public_id for found in matching)
            raise CommandFailed(
                f"{len(matching)} keys are called {wanted!r}: {ids}",
                ExitCode.REFUSED,
                fix="name one by its id",
            )
    raise CommandFailed(
        f"there is no key {wanted!r}",
        ExitCode.NOT_FOUND,
        fix="see: llmtrack keys list --workspace W",
    )


async def fields_now(scope: "Scope", public_id: str) -> dict[str, Any]:
    """The key's fields after a change."""
    from llmtrack.storage.keys import key_of

    return key_fields(FoundKey(scope, await key_of(scope, public_id, now_ms=now_ms())))


def key_fields(found: FoundKey) -> dict[str, Any]:
    key, terms = found.key, found.key.terms
    old, refusal = key.old, key.refusal
    return {
        "id": key.public_id,
        "prefix": key.prefix,
        "name": key.name,
        "source": key.source,
        "workspace": found.scope.name,
        "workspace_id": found.scope.public_id,
        "access": terms.access.value,
        "state": key.state.value,
        "networks": list(terms.networks) or None,
        "created_at": moment(key.created_ms),
        "not_before": moment(terms.not_before_ms),
        "expires_at": moment(terms.expires_ms),
        "rotated_at": moment(key.rotated_ms),
        "old_prefix": old.prefix if old else None,
        "old_expires_at": moment(old.expires_ms) if old else None,
        "old_last_used_at": moment(old.last_used_ms) if old else None,
        "last_used_at": moment(key.last_used_ms),
        "last_used_ip": key.last_used_ip,
        "uses": key.uses,
        "events_7_days": key.recent_events,
        "unused_90_days": key.is_unused(now_ms()),
        "refused_at": moment(refusal.at_ms) if refusal else None,
        "refused_ip": refusal.ip if refusal else None,
        "refused_why": refusal.why if refusal else None,
    }
