# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""`llmtrack demo`: made-up usage to look around in, and to measure with."""

import sys
from typing import TYPE_CHECKING

import click

from llmtrack.cli.data import Data, now_ms, operator, pass_data
from llmtrack.cli.options import json_option
from llmtrack.cli.output import print_json
from llmtrack.domain.nouns import counted

if TYPE_CHECKING:
    from llmtrack.storage.database import Database
    from llmtrack.storage.workspaces import Workspace


@click.group()
def demo() -> None:
    """Made-up usage, in workspaces of its own."""


@demo.command()
@click.option("--events", type=click.IntRange(1), default=100_000, show_default=True, metavar="N")
@click.option(
    "--workspaces", type=click.IntRange(1, 100), default=1, show_default=True, metavar="N"
)
@click.option("--days", type=click.IntRange(1, 730), default=90, show_default=True, metavar="N")
@click.option("--name", default="Demo", show_default=True, help="Of the workspaces: NAME 1, ...")
@json_option
@pass_data
def seed(data: Data, *, events: int, workspaces: int, days: int, name: str, as_json: bool) -> None:
    """Make workspaces with the usage of a made-up company that ends now.

    5 providers, 20 models, 30 features, 2,000 customers, 10 keys: nobody's measurement. It
    takes the way that real events take, so every total is exact.
    Real workspaces are not touched. To remove one: llmtrack purge workspace.
    """
    data.announce()
    names = [name if workspaces == 1 else f"{name} {place + 1}" for place in range(workspaces)]

    async def seeded(database: "Database") -> "list[Workspace]":
        from llmtrack.services.demo import seed_demo

        with click.progressbar(
            length=events, label="Seeding", file=sys.stderr, update_min_steps=5_000
        ) as bar:
            return await seed_demo(
                database,
                names=names,
                events=events,
                days=days,
                actor=operator(),
                now_ms=now_ms(),
                progress=bar.update,
            )

    made = data.run(seeded, changes=True)
    if as_json:
        print_json([{"id": workspace.public_id, "name": workspace.name} for workspace in made])
        return
    click.echo(f"{counted(events, 'event')} in {', '.join(found.name for found in made)}.")
