"""Words of a passkey's ceremonies (WebAuthn), for those who hold none of its libraries."""

from typing import NamedTuple

from llmtrack.domain.errors import LLMtrackError


class PasskeyRefused(LLMtrackError):
    """The browser's answer does not hold."""


class Ceremony(NamedTuple):
    """What both sides know: the challenge is good for one answer, from this origin alone."""

    challenge: bytes
    party_id: str
    origin: str


class NewPasskey(NamedTuple):
    credential_id: bytes
    public_key: bytes
    """COSE."""
    counter: int


class Presented(NamedTuple):
    """Which passkey an answer says it is of; nothing of it is proved yet."""

    credential_id: bytes
    user_handle: bytes | None
