"""What handlers find on the application and on the request, by typed keys."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from aiohttp import web

from llmtrack.services.mail import Mailer
from llmtrack.services.password_pool import PasswordPool
from llmtrack.services.secret_box import SecretBox
from llmtrack.storage.database import Database
from llmtrack.storage.scope import Scope
from llmtrack.storage.users import User
from llmtrack.web.fresh_keys import FreshKeys
from llmtrack.web.sign_in_delays import SignInDelays

if TYPE_CHECKING:
    from llmtrack.services.oidc import Provider


class Site(NamedTuple):
    """How the outside reaches this server."""

    base_url: str
    secure: bool
    certificate_file: str | None = None
    """Where on this machine the certificate is that we signed ourselves; clients must be told."""


WITH_CODE = " + code"
PASSKEY = "passkey"
WITH_PASSKEY = f" + {PASSKEY}"
SSO = "SSO"
WITH_MFA = " + MFA"
"""The provider says so, and the operator lets that count."""
BY_LINK = "link"
"""An administrator handed it out, who knows why."""
BY_MAIL = "mailed link"


class SignedIn(NamedTuple):
    """Whose request it is, and by which session."""

    user: User
    session: bytes
    proved_ms: int = 0
    """When the user last proved to be there."""
    how: str = "password"
    """By what; ` + code`, `passkey` or ` + MFA` at its end for a second factor."""

    @property
    def by_link(self) -> bool:
        """By a link from mail or an admin, so that a lost password is not asked for."""
        return self.how.startswith((BY_LINK, BY_MAIL))

    @property
    def has_second_factor(self) -> bool:
        return self.how.endswith((WITH_CODE, PASSKEY, WITH_MFA))


DATABASE = web.AppKey("database", Database)
CLOCK_MS: web.AppKey[Callable[[], int]] = web.AppKey("clock_ms")
SITE = web.AppKey("site", Site)
PASSWORD_POOL = web.AppKey("password_pool", PasswordPool)
SIGN_IN_DELAYS = web.AppKey("sign_in_delays", SignInDelays)
FRESH_KEYS = web.AppKey("fresh_keys", FreshKeys)
SECRET_BOX = web.AppKey("secret_box", SecretBox)
MAILER = web.AppKey("mailer", Mailer)
"""Not there when the settings name no mail server."""
PROVIDER: "web.AppKey[Provider]" = web.AppKey("provider")
"""Missing without single sign-on."""

SIGNED_IN = web.RequestKey("signed_in", SignedIn)
SCOPE = web.RequestKey("scope", Scope)
NEW_TOKEN = web.RequestKey("new_token", str)
"""A session's token that has to leave with the answer, whatever the answer is."""
