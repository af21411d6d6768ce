"""What a server listens on, with which certificate, and what it calls itself."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from socket import socket
from typing import NamedTuple
from urllib.parse import urlsplit

from llmtrack.cli.data import now_ms
from llmtrack.cli.output import moment
from llmtrack.config.acme_settings import ACME_DOMAINS
from llmtrack.config.loading import Config, ConfigUnusable
from llmtrack.config.table import (
    ALLOWED_HOSTS,
    LISTEN,
    PLAIN_LISTEN,
    PUBLIC_URL,
    TLS_CERT_FILE,
    TLS_KEY_FILE,
    TLS_MODE,
    TRUSTED_PROXIES,
)
from llmtrack.domain.addresses import Address, parse_address
from llmtrack.services.acme_alpn import alpn_context
from llmtrack.services.acme_store import AcmeStore
from llmtrack.services.host_names import HostNames, host_of, machine_names
from llmtrack.services.listening import bind, is_loopback, names_loopback, reachable_address
from llmtrack.services.live_tls import LiveTls
from llmtrack.services.proxies import TrustedProxies
from llmtrack.services.self_signed import Pair, self_signed_pair


class Plan(NamedTuple):
    """Where to listen, how, and what to call it."""

    sockets: list[socket]
    url: str
    tls: LiveTls | None
    """None: plain http, on loopback or for `proxies`."""
    proxies: TrustedProxies | None
    is_self_signed: bool
    plain_sockets: list[socket]
    """Where plain http is answered beside TLS."""
    hosts: HostNames | None
    """None: any name is good."""
    acme: AcmeStore | None
    """Where the certificate of a CA is kept, if it is to be one."""

    @property
    def certificate_file(self) -> str | None:
        """Where a certificate is that clients have to be told to trust."""
        if self.tls is None or not self.is_self_signed:
            return None
        return str(self.tls.pair.cert_file.absolute())


def plan_listening(config: Config, open_things: ExitStack) -> Plan:
    """Bind and find the certificate. Raises ConfigUnusable, CertificateUnusable, PortBusy..."""
    addresses = [parse_address(text) for text in config[LISTEN]]
    bound = [(address, _bound(address, open_things)) for address in addresses]
    sockets = [listening for _, own in bound for listening in own]
    mode = tls_mode(config, on_loopback=is_loopback(sockets))
    reachable = reachable_address(*bound[0])
    is_plain = mode in {"none", "proxy"}
    source = None if is_plain else pair_source(config, mode, addresses[0])
    tls = None if source is None else LiveTls(source)
    acme = acme_store(config) if mode == "acme" else None
    if tls is not None and acme is not None:
        tls.challenge = partial(alpn_context, acme)
    return Plan(
        sockets,
        config[PUBLIC_URL].rstrip("/") or f"{'http' if mode == 'none' else 'https'}://{reachable}",
        tls,
        _proxies(config) if mode == "proxy" else None,
        mode == "self-signed",
        _plain_sockets(config, mode, open_things),
        None if mode == "proxy" and not config[PUBLIC_URL] else _hosts(config, tls),
        acme,
    )


def _hosts(config: Config, tls: LiveTls | None) -> HostNames:
    return HostNames(known_names(config), lambda: tls.facts.names if tls is not None else ())


def known_names(config: Config) -> set[str]:
    """The names of the server that do not depend on its certificate."""
    listened = {parse_address(text).host for text in config[LISTEN]}
    public = host_of(urlsplit(config[PUBLIC_URL]).netloc)
    named = {*config[ALLOWED_HOSTS], *config[ACME_DOMAINS]}
    return {*named, *machine_names(), *listened, public} - {""}


def _bound(address: Address, open_things: ExitStack) -> list[socket]:
    sockets = bind(address)
    for listening in sockets:
        open_things.callback(listening.close)
    return sockets


def _plain_sockets(config: Config, mode: str, open_things: ExitStack) -> list[socket]:
    addresses = [parse_address(text) for text in config[PLAIN_LISTEN]]
    if addresses and mode in {"none", "proxy"}:
        text = "server.plain_listen is for servers that speak TLS themselves"
        raise _unusable(config, PLAIN_LISTEN.key, text)
    return [listening for address in addresses for listening in _bound(address, open_things)]


def configured_mode(config: Config) -> str:
    """`tls_mode` as the settings have it, where nothing listens. Raises ConfigUnusable."""
    hosts = [parse_address(text).host for text in config[LISTEN]]
    return tls_mode(config, on_loopback=all(map(names_loopback, hosts)))


def tls_mode(config: Config, *, on_loopback: bool) -> str:
    """`auto` decided: none, files, acme, self-signed or proxy. Raises ConfigUnusable."""
    mode = config[TLS_MODE]
    has_files = config[TLS_CERT_FILE] is not None
    if mode == "auto" and has_files:
        return "files"
    if mode == "auto" and on_loopback:
        return "none"
    if mode == "auto":
        return "acme" if config[ACME_DOMAINS] else "self-signed"
    if mode == "acme" and not config[ACME_DOMAINS]:
        raise _unusable(config, ACME_DOMAINS.key, 'tls.mode = "acme" needs acme.domains')
    if mode == "files" and not has_files:
        raise _unusable(config, TLS_MODE.key, 'tls.mode = "files" needs tls.cert_file')
    if mode == "proxy" and not config[TRUSTED_PROXIES]:
        raise _unusable(config, TLS_MODE.key, 'tls.mode = "proxy" needs tls.trusted_proxies')
    return mode


def pair_source(config: Config, mode: str, address: Address) -> Callable[[], Pair]:
    """Says which pair to serve, as often as it is asked."""
    cert_file = config[TLS_CERT_FILE]
    if mode == "files" and cert_file is not None:
        pair = Pair(cert_file, config[TLS_KEY_FILE] or cert_file)
        return lambda: pair
    directory: Path = config.data_dir / "tls"
    host = address.host
    acme = acme_store(config) if mode == "acme" else None

    def source() -> Pair:
        # Until the CA has issued one, and when what it issued is spoilt, there is still TLS.
        if acme is not None and acme.facts() is not None:
            return acme.pair
        return self_signed_pair(directory, host=host, now_ms=now_ms())

    return source


def acme_store(config: Config) -> AcmeStore:
    return AcmeStore(config.data_dir / "acme")


def _proxies(config: Config) -> TrustedProxies:
    networks = config[TRUSTED_PROXIES]
    return TrustedProxies(networks)


def certificate_lines(plan: Plan) -> list[str]:
    """What to say of a self-signed certificate at the start."""
    if plan.tls is None or not plan.is_self_signed:
        return []
    return [
        f"  Certificate  self-signed, good until {moment(plan.tls.facts.not_after_ms)}",
        f"               SHA-256 {plan.tls.facts.fingerprint}",
        f"               Python clients trust it with SSL_CERT_FILE={plan.certificate_file}",
        f"               Node clients with NODE_EXTRA_CA_CERTS={plan.certificate_file}",
    ]


def _unusable(config: Config, key: str, text: str) -> ConfigUnusable:
    where = f"{config.file}: " if config.file else ""
    return ConfigUnusable(f"{where}{text}", fix=f"see {key} in: llmtrack config example")
