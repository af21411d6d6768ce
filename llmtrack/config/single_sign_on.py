"""The settings of single sign-on, a part of the one table."""

from typing import Any

from llmtrack.config.kinds import FLAG, PATH, TEXT, TEXTS, choice
from llmtrack.config.setting import Setting

ISSUER = Setting(
    "oidc.issuer",
    TEXT,
    "",
    "Single sign-on: the OpenID provider's issuer, exactly as it writes it itself, e.g. "
    "https://login.example.com/realms/staff. Empty: none.",
)
CLIENT_ID = Setting(
    "oidc.client_id", TEXT, "", "What the provider calls this server, from registering it there."
)
CLIENT_SECRET = Setting(
    "oidc.client_secret",
    TEXT,
    "",
    "From registering it there; better in a file: LLMTRACK_OIDC_CLIENT_SECRET_FILE. Empty: a "
    "public client.",
    secret=True,
)
LABEL = Setting(
    "oidc.label", TEXT, "single sign-on", "What the provider is called on buttons, e.g. Keycloak."
)
SCOPES = Setting("oidc.scopes", TEXTS, "openid,email,profile", "What the provider is asked for.")
ALLOWED_DOMAINS = Setting(
    "oidc.allowed_domains",
    TEXTS,
    "",
    "Who comes back with a verified e-mail address of these domains and has no account gets one, "
    "without any workspace. Empty: accounts come from invitations and links alone.",
)
REQUIRED = Setting(
    "oidc.required",
    FLAG,
    "false",
    "Everybody but the administrators of the instance signs in there, and in no other way.",
)
SECOND_FACTOR = Setting(
    "oidc.second_factor",
    choice("never", "claims", "always"),
    "never",
    "Whether signing in there counts as one with a second factor. claims: if the provider says so "
    "(mfa in amr, or an acr of oidc.acr_values). never: a second factor kept here is asked for.",
)
ACR_VALUES = Setting(
    "oidc.acr_values",
    TEXTS,
    "",
    "Classes of authentication (acr) that the provider is asked for, and that count as a second "
    "factor.",
)
CA_FILE = Setting(
    "oidc.ca_file",
    PATH,
    "",
    "PEM: the authorities that the provider's certificate may be from. Empty: the machine's.",
)

SETTINGS: tuple[Setting[Any], ...] = (
    ISSUER,
    CLIENT_ID,
    CLIENT_SECRET,
    LABEL,
    SCOPES,
    ALLOWED_DOMAINS,
    REQUIRED,
    SECOND_FACTOR,
    ACR_VALUES,
    CA_FILE,
)
