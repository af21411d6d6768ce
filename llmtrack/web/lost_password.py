"""`/sign-in/lost`: a link by mail for somebody who lost their password."""

from aiohttp import web

from llmtrack.domain.credentials import mint_token
from llmtrack.services.mail import Mailer
from llmtrack.storage.audit import Actor
from llmtrack.storage.login_links import create_sign_in_link
from llmtrack.storage.users import find_sign_in
from llmtrack.web.context import CLOCK_MS, DATABASE, MAILER, SITE
from llmtrack.web.forms import read_form
from llmtrack.web.password_checks import TooManyAttempts, begin_attempt
from llmtrack.web.render import page
from llmtrack.web.sso_rules import must_use_sso

LOST = "/sign-in/lost"
TEXT = """\
Somebody, hopefully you, asked for a way into LLMtrack without a password:

{link}

The link works once, within an hour. Set a new password on your account page then. If it was
not you, do nothing: without this mail nobody gets in.
"""


async def get_lost(request: web.Request) -> web.StreamResponse:
    _mailer(request)
    return page(request, "lost_password.html", sent=False, email="", error=None)


async def post_lost(request: web.Request) -> web.StreamResponse:
    """The same answer, at once, whether there is such an account or not."""
    mailer, form = _mailer(request), await read_form(request, ("email",))
    email = form["email"].strip().lower()
    try:
        await begin_attempt(request, f"mail to {email}")
    except TooManyAttempts as error:
        return page(
            request, "lost_password.html", status=429, sent=False, email=email, error=str(error)
        )
    mailer.soon(_send(request.app, mailer, email, request.remote))
    return page(request, "lost_password.html", sent=True, email=email, error=None)


async def _send(app: web.Application, mailer: Mailer, email: str, ip: str | None) -> None:
    """Raises MailFailed."""
    row = await find_sign_in(app[DATABASE], email)
    if row is None or must_use_sso(app, row.user):
        return
    token, actor = mint_token(), Actor(None, "somebody not signed in", ip)
    await app[DATABASE].write_outside(
        create_sign_in_link,
        token.digest,
        row.user,
        is_mailed=True,
        actor=actor,
        now_ms=app[CLOCK_MS](),
    )
    link = f"{app[SITE].base_url}/sign-in/link?token={token.raw}"
    await mailer.send(row.user.email, "LLMtrack: your way in", TEXT.format(link=link))


def _mailer(request: web.Request) -> Mailer:
    """Raises HTTPNotFound where no mail is sent."""
    mailer = request.app.get(MAILER)
    if mailer is None:
        raise web.HTTPNotFound
    return mailer


ROUTES = [web.get(LOST, get_lost), web.post(LOST, post_lost)]
