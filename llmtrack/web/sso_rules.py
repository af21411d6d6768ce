"""Whether there is single sign-on here, and who has to use it."""

from aiohttp import web

from llmtrack.storage.users import User
from llmtrack.web.context import BY_LINK, PROVIDER, SSO


def provider_label(app: web.Application) -> str | None:
    """What the provider is called on buttons; None without one."""
    provider = app.get(PROVIDER)
    return None if provider is None else provider.rules.label


def is_sso_required(app: web.Application) -> bool:
    provider = app.get(PROVIDER)
    return provider is not None and provider.rules.required


def must_use_sso(app: web.Application, user: User) -> bool:
    """Administrators keep their other ways: the provider may be what is broken."""
    return is_sso_required(app) and not user.is_admin


def may_go_on(app: web.Application, user: User, how: str) -> bool:
    """Whether a session opened that way still counts: a rule holds from the next request on."""
    return how.startswith((SSO, BY_LINK)) or not must_use_sso(app, user)
