"""The wall between workspaces as the code has it: who opens files, who holds the database."""

import ast
import re
from collections.abc import Iterator

from tests.tidy.source import Module

CONNECTIONS = "llmtrack.storage.connections"
_OPENERS = {("sqlite3", "connect"), ("aiosqlite", "connect"), ("aiosqlite", "Connection")}

# What leads to a workspace, or belongs to none. A page holds a `Scope`. These write by
# `write_outside`, which changes nothing of a workspace, or by `write_within` a named one.
DATABASE_HOLDERS = {
    "llmtrack.web.app": "owns it",
    "llmtrack.web.context": "names it",
    "llmtrack.web.audit": "the log of the instance, for its administrators",
    "llmtrack.web.auth": "from a session to a workspace",
    "llmtrack.web.setup": "makes the first workspace",
    "llmtrack.web.sign_in": "accounts",
    "llmtrack.web.short_password": "accounts",
    "llmtrack.web.access": "factors and sessions of the members, which are of no workspace",
    "llmtrack.web.account": "the user's own account",
    "llmtrack.web.contact": "the instance's contact for security",
    "llmtrack.web.lost_password": "accounts",
    "llmtrack.web.instance": "accounts and names of workspaces, for the instance's administrators",
    "llmtrack.web.invitation": "from an invitation to a membership",
    "llmtrack.web.password_checks": "accounts",
    "llmtrack.web.proof": "accounts",
    "llmtrack.web.passkey_checks": "accounts",
    "llmtrack.web.passkeys": "accounts",
    "llmtrack.web.second_factor": "accounts",
    "llmtrack.web.single_sign_on": "from an identity to an account",
    "llmtrack.web.usage_api": "from a key to a workspace",
    "llmtrack.web.shared_page": "from a link to the scope of its workspace",
    "llmtrack.web.system": "the state of the instance, for its admins",
    "llmtrack.web.probes": "whether the server works",
}


FREE_WRITERS = {"llmtrack.web.setup": "makes the first workspace, and cannot be within it"}
_DATABASES = re.compile(r"(?:.*\[DATABASE\]|(?:self\.)?_?database)")


def connections_elsewhere(module: Module) -> Iterator[str]:
    """A connection opened elsewhere stands in front of the wall."""
    if module.name == CONNECTIONS:
        return
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        owner = node.func.value
        if isinstance(owner, ast.Name) and (owner.id, node.func.attr) in _OPENERS:
            yield f"{module.at(node.lineno)}: open connections in storage/connections.py"
    for found in module.imports:
        if found.target in {"sqlite3.connect", "aiosqlite.connect"}:
            yield f"{module.at(found.line)}: open connections in storage/connections.py"


def pages_with_the_database(module: Module) -> Iterator[str]:
    """A page that holds the whole database can look into every workspace."""
    if module.layer != "web" or module.name in DATABASE_HOLDERS:
        return
    for found in module.imports:
        if found.target == "llmtrack.web.context.DATABASE":
            yield f"{module.at(found.line)}: hold a Scope, or say in tests/tidy/walls.py why not"
        elif found.target.startswith("llmtrack.storage.maintenance"):
            yield f"{module.at(found.line)}: queries across workspaces are out of reach of web"


def pages_that_write_freely(module: Module) -> Iterator[str]:
    """`Database.write` can change every workspace; pages have narrower ones."""
    if module.layer != "web" or module.name in FREE_WRITERS:
        return
    for node in ast.walk(module.tree):
        if not isinstance(node, ast.Attribute) or node.attr != "write":
            continue
        if _DATABASES.fullmatch(ast.unparse(node.value)):
            yield f"{module.at(node.lineno)}: write_outside of workspaces, or write_within one"


_CALLERS = ("aiohttp.ClientSession", "urllib.request", "aiosmtplib", "acme.client", "http.client")
REACH_OUT = {
    "llmtrack.services.acme_client": "the CA of the settings",
    "llmtrack.services.bounded_http": "the provider of single sign-on of the settings",
    "llmtrack.services.heartbeat": "the watcher of the settings",
    "llmtrack.services.local_probe": "this server itself",
    "llmtrack.services.mail": "the mail server of the settings",
    "llmtrack.services.price_updates": "the price list of the settings or of a command",
    "llmtrack.cli.sending": "a server that a command names",
}
"""Addresses are the operator's: no page, key or event can have the server call one."""


def calls_to_elsewhere(module: Module) -> Iterator[str]:
    """Who sends requests from inside a network could be made to send them anywhere."""
    if module.layer == "tests" or module.name in REACH_OUT:
        return
    for found in module.imports:
        if found.target.startswith(_CALLERS):
            yield f"{module.at(found.line)}: say in tests/tidy/walls.py whose address it calls"
