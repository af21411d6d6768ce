"""The commands by name, each imported when it is asked for: `--help` imports none of them."""

import importlib
from typing import NamedTuple

import click

from llmtrack.cli.failures import ReportingGroup


class Entry(NamedTuple):
    """Where a command is, and the first paragraph of its help (a test keeps the two alike)."""

    module: str
    name: str
    text: str


COMMANDS = {
    "serve": Entry(
        "serve",
        "serve",
        "Run the server until SIGTERM or Ctrl-C; SIGHUP reloads settings and certificates.",
    ),
    "setup": Entry(
        "setup", "setup", "Create the database, the first admin and the first workspace."
    ),
    "users": Entry(
        "users", "users", "Users: list, create, reset a password, sign-in links, disable, sessions."
    ),
    "workspaces": Entry(
        "workspaces", "workspaces", "Workspaces: list, create, plans, tags, suspend and resume."
    ),
    "members": Entry("members", "members", "Members: list, invite, change a role, remove."),
    "access": Entry(
        "access", "access", "Access: report, review, and leave for administrators to look in."
    ),
    "keys": Entry(
        "keys",
        "keys",
        "API keys: list, create, rename, edit, rotate, find, deactivate, reactivate, delete.",
    ),
    "events": Entry("events", "events", "Single events: export them, send some."),
    "usage": Entry(
        "usage", "usage", "Show what a workspace used and what it cost, exactly, the dearest first."
    ),
    "reconcile": Entry(
        "reconcile",
        "reconcile",
        "Compare a provider's bill with what a workspace recorded, by UTC day and model.",
    ),
    "prices": Entry(
        "prices", "prices", "Prices: the list, your own, aliases; why an event cost what it did."
    ),
    "backup": Entry("backup", "backup", "Backups: create, list, verify, restore, prune."),
    "purge": Entry(
        "purge", "purge", "Delete for good: old events, a customer, a user, a workspace."
    ),
    "audit": Entry("audit", "audit", "The audit log: list, verify, export."),
    "notices": Entry(
        "notices",
        "notices",
        "Notices on every page of a workspace, and by e-mail: publish, list, withdraw.",
    ),
    "contact": Entry("contact", "contact", "The contact for security: set, verify, show, remove."),
    "status": Entry(
        "status",
        "status",
        "Show whether the server runs, sizes, the last backup, the certificate, the jobs.",
    ),
    "health": Entry(
        "health",
        "health",
        "Ask the server on this machine whether it is ready; exit code 1 if not.",
    ),
    "check": Entry("check", "check", "Look for anything wrong; exit code 6 if something is."),
    "support-bundle": Entry(
        "support",
        "support_bundle",
        "Pack versions, settings, sizes, jobs and checks into one file to send to somebody.",
    ),
    "db": Entry("db", "db", "The database file: migrate, check its pages, fold its log."),
    "service": Entry("service", "service", "Run as a service of systemd."),
    "demo": Entry("demo", "demo", "Made-up usage, in workspaces of its own."),
    "tls": Entry("tls", "tls", "TLS: show, make and test the certificate."),
    "config": Entry("config", "config", "Settings: show, check, write an example file."),
    "completion": Entry(
        "completion",
        "completion",
        "Print the script that completes commands and options in a shell.",
    ),
    "version": Entry(
        "version", "version", "Show the versions of LLMtrack and of everything inside it."
    ),
}
"""In the order in which `--help` lists them."""
ADDED = {
    "users": (
        Entry("user_access", "disable", ""),
        Entry("user_access", "enable", ""),
        Entry("user_access", "sessions", ""),
        Entry("user_access", "sign_out", ""),
        Entry("user_identities", "list_identities", ""),
        Entry("user_identities", "link", ""),
        Entry("user_identities", "unlink", ""),
    ),
    "prices": (Entry("what_if", "what_if", ""),),
    "workspaces": (
        Entry("retention", "set_retention", ""),
        Entry("content", "keep_content", ""),
        Entry("time_zones", "set_time_zone", ""),
        Entry("tags", "tags", ""),
    ),
}
"""Commands that belong to a group of another module."""


class LazyGroup(ReportingGroup):
    """A group that knows its commands from the table above."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's method
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        command = _load(entry)
        if isinstance(command, click.Group):
            for added in ADDED.get(cmd_name, ()):
                command.add_command(_load(added))
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        limit = formatter.width - 6 - max(map(len, COMMANDS))
        rows = [
            (name, click.Command(name, help=entry.text).get_short_help_str(limit))
            for name, entry in COMMANDS.items()
        ]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


def _load(entry: Entry) -> click.Command:
    command = getattr(importlib.import_module(f"llmtrack.cli.{entry.module}"), entry.name)
    if not isinstance(command, click.Command):
        raise TypeError(f"{entry.name} is no command")
    return command
