# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack keys find`: whose a leaked key is, what was done with it, and an end to that."""

from typing import TYPE_CHECKING, Any, NamedTuple

import click

from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.exit_codes import CommandFailed, ExitCode
from llmtrack.cli.key_names import fields_now
from llmtrack.cli.options import json_option
from llmtrack.cli.output import moment, print_json, visible
from llmtrack.cli.periods import instant
from llmtrack.domain.nouns import counted

if TYPE_CHECKING:
    from llmtrack.storage.database import Database
    from llmtrack.storage.key_lookup import KeyRow
    from llmtrack.storage.scope import Scope

READ_MAX = 10_000_000


class _Wanted(NamedTuple):
    candidates: list[str]
    since: str | None
    deactivate: bool


@click.command()
@click.option(
    "--raw",
    required=True,
    type=click.Path(dir_okay=False, allow_dash=True),
    metavar="F",
    help="The file with the leaked text; - is stdin. Never the key itself: `ps` shows it.",
)
@click.option("--since", metavar="T", help="Show its use since then. Default: 30 days ago.")
@click.option("--deactivate", is_flag=True, help="Also refuse it from now on.")
@json_option
@pass_data
def find(data: Data, *, raw: str, since: str | None, deactivate: bool, as_json: bool) -> None:
    """Find out whose a leaked key is, and what was sent with it.

    The text may hold anything else besides: a log line, a diff, a page. Secrets from before a
    rotation are found, too. Deleted keys are forgotten for good and are not.
    """
    from llmtrack.domain.credentials import keys_in

    if keys_in(raw):
        raise click.UsageError("give the key on stdin (--raw -): arguments are seen by others")
    with click.open_file(raw, encoding="utf-8", errors="replace") as file:
        candidates = keys_in(file.read(READ_MAX))
    if not candidates:
        raise CommandFailed(
            "there is no LLMtrack key in that text",
            ExitCode.NOT_FOUND,
            fix="a key is llmt_ and 36 letters and digits, of which the last 6 check the rest",
        )
    wanted = _Wanted(candidates, since, deactivate)

    async def run(database: "Database") -> list[dict[str, Any]]:
        return [found async for found in _found(database, wanted)]

    found = data.run(run, changes=deactivate)
    if not found:
        raise CommandFailed(
            f"{counted(len(candidates), 'well-formed key')} in that text, and none of this server",
            ExitCode.NOT_FOUND,
            fix="it was deleted, or belongs to another LLMtrack",
        )
    if as_json:
        print_json(found)
        return
    for fields in found:
        _print(fields)


async def _found(database: "Database", wanted: _Wanted) -> Any:
    from llmtrack.domain.credentials import key_digest
    from llmtrack.storage.key_changes import deactivate_key
    from llmtrack.storage.key_lookup import find_key
    from llmtrack.storage.workspaces import list_workspaces, scope_for_admin

    for raw in wanted.candidates:
        row = await find_key(database, key_digest(raw))
        if row is None:
            continue
        [public_id] = [
            w.public_id for w in await list_workspaces(database) if w.id == row.workspace_id
        ]
        scope = await scope_for_admin(database, public_id)
        if wanted.deactivate:
            await scope.write(deactivate_key, row.key_public_id, actor=operator(), now_ms=now_ms())
        fields = await fields_now(scope, row.key_public_id)
        yield fields | {"secret": _secret(row)} | await _use(scope, row, wanted.since)


async def _use(scope: "Scope", row: "KeyRow", since: str | None) -> dict[str, Any]:
    """What the key sent: of all its secrets together, because events belong to the key."""
    from llmtrack.domain.money import usd_text
    from llmtrack.domain.periods import DAY_MS
    from llmtrack.domain.spans import Span
    from llmtrack.storage.dimensions import Kind
    from llmtrack.storage.questions import Question
    from llmtrack.storage.reports import usage_total

    end_ms = now_ms()
    start_ms = instant("since", since, scope.time_zone) if since else end_ms - 30 * DAY_MS
    span = Span(min(start_ms, end_ms), end_ms + DAY_MS)
    question = Question(Kind.TOTAL, span, scope.time_zone, {Kind.KEY: row.key_id})
    async with scope.reading() as reading:
        sums = await usage_total(reading, question)
    return {
        "since": moment(start_ms),
        "events_since": sums.events,
        "cost_usd_since": usd_text(sums.cost_pico),
        "unpriced_events_since": sums.unpriced_events,
    }


def _secret(row: "KeyRow") -> str:
    """What the leaked text is of the key today."""
    if row.revoked_ms is not None or (row.is_old and (row.expires_ms or 0) <= now_ms()):
        return "replaced"
    return "old, still in its grace" if row.is_old else "current"


def _print(fields: dict[str, Any]) -> None:
    name = f"{visible(fields['name'])} ({fields['id']}, {fields['prefix']}...)"
    click.echo(f"{name} in {visible(fields['workspace'])}")
    click.echo(f"  state      {fields['state']}")
    click.echo(f"  secret     {fields['secret']}")
    used = fields["last_used_at"]
    click.echo(f"  last used  {used + ' from ' + fields['last_used_ip'] if used else 'never'}")
    click.echo(
        f"  since      {fields['since']}: {counted(fields['events_since'], 'event')}, "
        f"{fields['cost_usd_since']} USD"
    )
    if fields["unpriced_events_since"]:
        click.echo(f"  unpriced   {counted(fields['unpriced_events_since'], 'event')}")
    if fields["state"] != "inactive":
        click.echo(f"Stop it with: llmtrack keys deactivate {fields['id']}", err=True)
