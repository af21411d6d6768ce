"""The wall between workspaces as the code has it: who opens files, who holds the database."""

import ast
from collections.abc import Iterator

from tests.tidy.source import Module

CONNECTIONS = "llmtrack.storage.connections"
_OPENERS = {("sqlite3", "connect"), ("aiosqlite", "connect"), ("aiosqlite", "Connection")}

# What leads to a workspace, or belongs to none. A page holds a `Scope`.
DATABASE_HOLDERS = {
    "llmtrack.web.app": "owns it",
    "llmtrack.web.context": "names it",
    "llmtrack.web.auth": "from a session to a workspace",
    "llmtrack.web.setup": "makes the first workspace",
    "llmtrack.web.sign_in": "accounts",
    "llmtrack.web.short_password": "accounts",
    "llmtrack.web.access": "accounts of the members",
    "llmtrack.web.account": "the user's own account",
    "llmtrack.web.contact": "the instance's contact for security",
    "llmtrack.web.lost_password": "accounts",
    "llmtrack.web.instance": "accounts and names of workspaces, for the instance's administrators",
    "llmtrack.web.invitation": "from an invitation to a membership",
    "llmtrack.web.members": "accounts of the members",
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
