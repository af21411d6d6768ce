"""Every setting of the operator, once. What the dashboard decides is in the database instead.

A default is text, read like any other value, so that what the documentation says is what
the program does.
"""

from typing import Any

from llmtrack.config import log_settings, single_sign_on
from llmtrack.config.acme_settings import ACME_SETTINGS
from llmtrack.config.kinds import (
    ADDRESSES,
    COUNT,
    FLAG,
    NETWORKS,
    PATH,
    PORT,
    RECIPIENT,
    SIZE,
    TEXT,
    TEXTS,
    TIME_OF_DAY,
    URL,
    choice,
    duration_from,
    not_empty,
    size_from,
)
from llmtrack.config.setting import Setting

DATA_DIR = Setting(
    "data_dir",
    PATH,
    "",
    "Where the database and everything else is kept. Empty: systemd's state directory, "
    "else /var/lib/llmtrack if it exists, else ./llmtrack-data.",
)
LISTEN = Setting(
    "server.listen",
    not_empty(ADDRESSES),
    "127.0.0.1:8080",
    "Where to listen: HOST:PORT, several if need be. 0.0.0.0:8443 takes connections from "
    "everywhere (IPv4), [::]:8443 over IPv6.",
)
PUBLIC_URL = Setting(
    "server.public_url",
    URL,
    "",
    "How people and clients reach the server, e.g. https://llmtrack.example.com: for links and "
    "snippets. Empty: the address it listens on.",
)
ALLOWED_HOSTS = Setting(
    "server.allowed_hosts",
    TEXTS,
    "",
    "Further names by which this server is asked, e.g. costs.internal. Known without it: the "
    "host of server.public_url, names in server.listen and in the certificate, the machine's own "
    "name, localhost and every IP address. Under another name requests are refused with 421. "
    "Behind a proxy any name is good until server.public_url is set.",
    reloads=True,
)
PLAIN_LISTEN = Setting(
    "server.plain_listen",
    ADDRESSES,
    "",
    "Where plain http is answered beside TLS, e.g. 0.0.0.0:80: pages are redirected to "
    "server.public_url, keys and events are refused with 403.",
)
TLS_MODE = Setting(
    "tls.mode",
    choice("auto", "files", "acme", "self-signed", "proxy"),
    "auto",
    "auto: plain http on loopback; elsewhere the files below if they are set, else one of a CA "
    "if acme.domains is set, else a certificate that the server signs itself. files, acme and "
    "self-signed: that, also on loopback. "
    "proxy: plain http for a proxy that speaks TLS, see tls.trusted_proxies.",
)
TLS_CERT_FILE = Setting(
    "tls.cert_file",
    PATH,
    "",
    "PEM: the server's certificate, then the CA's. May hold the private key as well.",
    reloads=True,
)
TLS_KEY_FILE = Setting(
    "tls.key_file", PATH, "", "PEM: the private key, without a passphrase.", reloads=True
)
TRUSTED_PROXIES = Setting(
    "tls.trusted_proxies",
    NETWORKS,
    "",
    'With tls.mode = "proxy": the networks that the proxy\'s connections come from. Only their '
    "X-Forwarded-For and X-Forwarded-Proto are believed; requests from elsewhere are refused.",
    reloads=True,
)
BACKUP_DIR = Setting(
    "backup.dir",
    PATH,
    "",
    "Where backups go. Empty: backups/ in the data directory. Another disk, or a directory that "
    "something copies away, is better.",
)
BACKUP_SCHEDULE = Setting(
    "backup.schedule",
    TIME_OF_DAY,
    "03:15",
    "When the server makes a backup each day, in UTC; a missed one is made up for. Empty: never.",
)
BACKUP_KEEP_DAILY = Setting(
    "backup.keep_daily", COUNT, "7", "For how many days the last scheduled backup is kept."
)
BACKUP_KEEP_WEEKLY = Setting(
    "backup.keep_weekly", COUNT, "4", "For how many weeks the last scheduled backup is kept."
)
BACKUP_MAX_AGE = Setting(
    "backup.max_age",
    duration_from("1d"),
    "35d",
    "No backup in backup.dir gets older, however it was made: what was deleted is gone from "
    "backups after this time.",
)
BACKUP_RECIPIENT = Setting(
    "backup.recipient",
    RECIPIENT,
    "",
    "A public key of `llmtrack backup keygen` (age1...): backups are sealed to it, and only its "
    "private key opens them. Empty: not sealed.",
)
BACKUP_HEARTBEAT_URL = Setting(
    "backup.heartbeat_url",
    URL,
    "",
    "Fetched after each good scheduled backup, for a watcher that raises an alarm when it is not.",
    secret=True,
)
BACKUP_DRILL = Setting(
    "backup.drill",
    FLAG,
    "true",
    "Every 30 days, an hour after the backup, restore the newest one beside the data, compare, "
    "and throw it away; `llmtrack status` shows the result. Needs room for one more copy.",
)
RETENTION_RUN_AT = Setting(
    "retention.run_at",
    TIME_OF_DAY,
    "02:30",
    "When events are removed that their workspace no longer keeps, each day in UTC. Empty: only "
    "by `llmtrack purge run`.",
)
PRICES_URL = Setting(
    "prices.url",
    URL,
    "",
    "Where `llmtrack prices update` fetches a price list from, https only: the v2 data.json of "
    "genai-prices, or a copy of it on a host of yours. Nothing is fetched without that command.",
)
DISK_WARN_FREE = Setting(
    "disk.warn_free", SIZE, "1GiB", "The log warns when less is free where the data is."
)
DISK_STOP_FREE = Setting(
    "disk.stop_free",
    SIZE,
    "128MiB",
    "Events are refused with 507 when less is free, and taken again once there is more; reading "
    "goes on meanwhile.",
)
DISK_BALLAST = Setting(
    "disk.ballast",
    SIZE,
    "64MiB",
    "Size of a file in the data directory that is given up when the disk is full: even deleting "
    "needs room. 0 for none.",
)
DISK_MAX_DB_SIZE = Setting(
    "disk.max_db_size",
    size_from("16MiB"),
    "0",
    "What the database may take, without its log. Near it the oldest single events of all "
    "workspaces are removed; their totals stay, `llmtrack purge ledger` lists what went. 0: no "
    "limit.",
    reloads=True,
)
MAIL_HOST = Setting(
    "mail.host",
    TEXT,
    "",
    "The server that takes mail from here: for lost passwords and the contact for security. "
    "Empty: no mail is sent.",
)
MAIL_PORT = Setting("mail.port", PORT, "587", "Its port.")
MAIL_TLS = Setting(
    "mail.tls",
    choice("starttls", "implicit", "none"),
    "starttls",
    "starttls (port 587) or implicit (port 465); the certificate is checked. none is for a "
    "server on this machine only.",
)
MAIL_USER = Setting("mail.user", TEXT, "", "Whom to sign in as there. Empty: not at all.")
MAIL_PASSWORD = Setting("mail.password", TEXT, "", "The password of mail.user.", secret=True)
MAIL_FROM = Setting(
    "mail.from", TEXT, "", "The address that mail comes from, e.g. llmtrack@example.com."
)
MAIL_CA_FILE = Setting(
    "mail.ca_file", PATH, "", "PEM: the CA of the mail server, if it is not a public one."
)
METRICS_TOKEN = Setting(
    "metrics.token",
    TEXT,
    "",
    "/metrics answers requests with this bearer token. With metrics.allow empty as well, it is "
    "off.",
    reloads=True,
    secret=True,
)
METRICS_ALLOW = Setting(
    "metrics.allow",
    NETWORKS,
    "",
    "/metrics answers requests from these networks without a token.",
    reloads=True,
)
SETTINGS: tuple[Setting[Any], ...] = (
    DATA_DIR,
    LISTEN,
    PUBLIC_URL,
    ALLOWED_HOSTS,
    PLAIN_LISTEN,
    TLS_MODE,
    TLS_CERT_FILE,
    TLS_KEY_FILE,
    TRUSTED_PROXIES,
    *ACME_SETTINGS,
    BACKUP_DIR,
    BACKUP_SCHEDULE,
    BACKUP_KEEP_DAILY,
    BACKUP_KEEP_WEEKLY,
    BACKUP_MAX_AGE,
    BACKUP_RECIPIENT,
    BACKUP_HEARTBEAT_URL,
    BACKUP_DRILL,
    RETENTION_RUN_AT,
    PRICES_URL,
    DISK_WARN_FREE,
    DISK_STOP_FREE,
    DISK_BALLAST,
    DISK_MAX_DB_SIZE,
    MAIL_HOST,
    MAIL_PORT,
    MAIL_TLS,
    MAIL_USER,
    MAIL_PASSWORD,
    MAIL_FROM,
    MAIL_CA_FILE,
    *single_sign_on.SETTINGS,
    METRICS_TOKEN,
    METRICS_ALLOW,
    *log_settings.SETTINGS,
)
BY_KEY = {setting.key: setting for setting in SETTINGS}

OTHER_VARIABLES = {
    "LLMTRACK_CONFIG": "The configuration file, as --config.",
    "LLMTRACK_DEBUG": "1 shows where a command failed, instead of one line.",
    "LLMTRACK_API_KEY": "For clients on the same machine; the server does not read it.",
    "LLMTRACK_BASE_URL": "For clients on the same machine; the server does not read it.",
}
"""What may be in the environment besides the settings."""

SECTIONS = {
    "": "Where things are",
    "server": "The server",
    "tls": "TLS",
    "acme": "A certificate from a CA, by ACME",
    "backup": "Backups",
    "retention": "Retention",
    "prices": "Prices",
    "disk": "The disk",
    "mail": "Mail",
    "oidc": "Single sign-on (OpenID Connect)",
    "metrics": "Metrics",
    "log": "The log",
    "audit": "The audit log",
}
