"""Roles in a workspace, from most to least: what each may do stands in one table."""

from enum import StrEnum


class Role(StrEnum):
    OWNER = "owner"
    ADMIN = "admin"
    ANALYST = "analyst"
    VIEWER = "viewer"


class Permission(StrEnum):
    READ = "read"
    EXPORT = "export"
    MANAGE_KEYS = "manage_keys"
    MANAGE_PRICES = "manage_prices"
    MANAGE_MEMBERS = "manage_members"
    READ_AUDIT = "read_audit"
    MANAGE_WORKSPACE = "manage_workspace"


PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.OWNER: frozenset(Permission),
    Role.ADMIN: frozenset(Permission) - {Permission.MANAGE_WORKSPACE},
    Role.ANALYST: frozenset({Permission.READ, Permission.EXPORT}),
    Role.VIEWER: frozenset({Permission.READ}),
}


def may(role: Role, permission: Permission) -> bool:
    return permission in PERMISSIONS[role]
