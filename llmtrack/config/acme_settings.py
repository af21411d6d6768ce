"""The settings of certificates from a CA."""

from typing import Any

from llmtrack.config.kinds import FLAG, PATH, TEXT, TEXTS, URL, choice
from llmtrack.config.setting import Setting

ACME_DOMAINS = Setting(
    "acme.domains",
    TEXTS,
    "",
    "The names (or addresses) that the server's certificate is for. They must lead here.",
    reloads=True,
)
ACME_EMAIL = Setting(
    "acme.email", TEXT, "", "Where the CA may write to; most need none.", reloads=True
)
ACME_ACCEPT_TERMS = Setting(
    "acme.accept_terms",
    FLAG,
    "false",
    "Whether you accept the CA's terms of service; without it no certificate is asked for.",
    reloads=True,
)
ACME_DIRECTORY_URL = Setting(
    "acme.directory_url",
    URL,
    "https://acme-v02.api.letsencrypt.org/directory",
    "Which CA. To try things out: https://acme-staging-v02.api.letsencrypt.org/directory. A CA of "
    "your own, such as step-ca, will do.",
    reloads=True,
)
ACME_CA_FILE = Setting(
    "acme.ca_file",
    PATH,
    "",
    "PEM: the certificates with which the CA's own server is trusted. Empty: the usual ones.",
    reloads=True,
)
ACME_CHALLENGE = Setting(
    "acme.challenge",
    choice("auto", "http-01", "tls-alpn-01"),
    "auto",
    "How the CA sees that the names lead here. http-01: on port 80, which server.plain_listen has "
    "to answer. tls-alpn-01: on port 443. auto: http-01 if server.plain_listen is set.",
    reloads=True,
)

ACME_EAB_KEY_ID = Setting(
    "acme.eab_key_id",
    TEXT,
    "",
    "For a CA that wants an account with it first (external account binding): what it calls the "
    "key that it gave you.",
    reloads=True,
)
ACME_EAB_HMAC_KEY = Setting(
    "acme.eab_hmac_key",
    TEXT,
    "",
    "That key, in base64url as the CA writes it.",
    reloads=True,
    secret=True,
)

ACME_SETTINGS: tuple[Setting[Any], ...] = (
    ACME_DOMAINS,
    ACME_EMAIL,
    ACME_ACCEPT_TERMS,
    ACME_DIRECTORY_URL,
    ACME_CA_FILE,
    ACME_CHALLENGE,
    ACME_EAB_KEY_ID,
    ACME_EAB_HMAC_KEY,
)
