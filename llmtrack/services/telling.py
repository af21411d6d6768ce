"""Tells the members of a workspace by mail what a notice says."""

from collections.abc import Sequence
from typing import NamedTuple

from llmtrack.services.mail import Mailer, MailFailed

TEXT = """\
{text}

This is a notice to the members of {workspace} on LLMtrack. Its pages show it, too:
{link}
"""


class Told(NamedTuple):
    """How many had the mail, and why the others had not, by address."""

    mailed: int
    failures: dict[str, str]


async def mail_notice(
    mailer: Mailer, emails: Sequence[str], *, workspace: str, text: str, link: str
) -> Told:
    """One message each, so that nobody reads who else had it."""
    failures = {}
    body = TEXT.format(text=text, workspace=workspace, link=link)
    for email in emails:
        try:
            await mailer.send(email, f"LLMtrack: a notice to {workspace}", body)
        except MailFailed as error:
            failures[email] = str(error)
    return Told(len(emails) - len(failures), failures)
