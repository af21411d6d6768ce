"""Passkeys (WebAuthn Level 3): what a browser is asked for, and whether its answer holds.

The user is always verified (a finger, a PIN), so that a passkey is two factors in one. Who made
the authenticator is not asked: attestation "none". Loaded late, see `services.late_parts`.
"""

from collections.abc import Sequence

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import (
    parse_authentication_credential_json,
    parse_client_data_json,
    parse_registration_credential_json,
)
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from llmtrack.domain.passkeys import Ceremony, NewPasskey, PasskeyRefused, Presented

PARTY_NAME = "LLMtrack"
TIMEOUT_MS = 120_000
CREDENTIAL_ID_BYTES_MAX = 1023
"""WebAuthn 4, "Credential ID"."""


class Ceremonies:
    def registration_options(
        self,
        ceremony: Ceremony,
        *,
        user_handle: bytes,
        email: str,
        known: Sequence[bytes],
    ) -> str:
        """JSON for `navigator.credentials.create`; authenticators with a `known` one decline."""
        options = generate_registration_options(
            rp_id=ceremony.party_id,
            rp_name=PARTY_NAME,
            user_id=user_handle,
            user_name=email,
            challenge=ceremony.challenge,
            timeout=TIMEOUT_MS,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
        )
        return options_to_json(options)

    def assertion_options(self, ceremony: Ceremony, *, known: Sequence[bytes] = ()) -> str:
        """JSON for `navigator.credentials.get`; without `known`, of whoever has one here."""
        options = generate_authentication_options(
            rp_id=ceremony.party_id,
            challenge=ceremony.challenge,
            timeout=TIMEOUT_MS,
            allow_credentials=[PublicKeyCredentialDescriptor(id=each) for each in known],
            user_verification=UserVerificationRequirement.REQUIRED,
        )
        return options_to_json(options)

    def check_registration(self, ceremony: Ceremony, answer: str) -> NewPasskey:
        """Raises PasskeyRefused."""
        try:
            credential = parse_registration_credential_json(answer)
            _refuse_frames(credential.response.client_data_json)
            verified = verify_registration_response(
                credential=credential,
                expected_challenge=ceremony.challenge,
                expected_rp_id=ceremony.party_id,
                expected_origin=ceremony.origin,
                require_user_verification=True,
            )
        except Exception as error:  # whatever the parsers trip over in a stranger's bytes
            raise PasskeyRefused(f"the passkey cannot be taken: {error}") from error
        if len(verified.credential_id) > CREDENTIAL_ID_BYTES_MAX:
            raise PasskeyRefused("the passkey's id is too long")
        return NewPasskey(
            verified.credential_id, verified.credential_public_key, verified.sign_count
        )

    def read_assertion(self, answer: str) -> Presented:
        """Raises PasskeyRefused."""
        try:
            credential = parse_authentication_credential_json(answer)
        except Exception as error:
            raise PasskeyRefused(f"the answer cannot be read: {error}") from error
        return Presented(credential.raw_id, credential.response.user_handle)

    def check_assertion(self, ceremony: Ceremony, answer: str, *, public_key: bytes) -> int:
        """The authenticator's counter, which the caller compares. Raises PasskeyRefused."""
        try:
            credential = parse_authentication_credential_json(answer)
            _refuse_frames(credential.response.client_data_json)
            verified = verify_authentication_response(
                credential=credential,
                expected_challenge=ceremony.challenge,
                expected_rp_id=ceremony.party_id,
                expected_origin=ceremony.origin,
                credential_public_key=public_key,
                credential_current_sign_count=0,
                require_user_verification=True,
            )
        except Exception as error:
            raise PasskeyRefused(f"the passkey does not fit: {error}") from error
        return verified.new_sign_count


def _refuse_frames(client_data: bytes) -> None:
    """A page of somebody else's around ours may have led the user to it."""
    if parse_client_data_json(client_data).cross_origin:
        raise PasskeyRefused("it was used inside a frame of another site")
