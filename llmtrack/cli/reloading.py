"""SIGHUP: the settings that may change while the server runs, read anew."""

from llmtrack.cli.data import Data
from llmtrack.cli.listening import Plan, known_names, pair_source, tls_mode
from llmtrack.cli.logs import say, set_up_logging
from llmtrack.cli.watching import metrics_access
from llmtrack.config.log_settings import LOG_FORMAT, LOG_LEVEL
from llmtrack.config.table import (
    DISK_MAX_DB_SIZE,
    LISTEN,
    SETTINGS,
    TRUSTED_PROXIES,
)
from llmtrack.domain.addresses import parse_address
from llmtrack.domain.errors import LLMtrackError
from llmtrack.services.listening import is_loopback
from llmtrack.services.vitals import Vitals


class Reloading:
    """Knows what the server was started with, and what of it can be replaced."""

    def __init__(self, data: Data, plan: Plan, vitals: Vitals) -> None:
        self._data = data
        self._vitals = vitals
        self._plan = plan
        self._config = data.config

    def reload(self) -> None:
        """Put the new values into force; on any fault say so and go on with the old ones."""
        try:
            config = self._data.read_config()
            if self._plan.tls is not None:
                mode = tls_mode(config, on_loopback=is_loopback(self._plan.sockets))
                self._plan.tls.reload(pair_source(config, mode, parse_address(config[LISTEN][0])))
        except (LLMtrackError, OSError) as error:
            fix = getattr(error, "fix", None)
            say(f"Not reloaded, everything stays as it was: {error}")
            if fix:
                say(f"Try: {fix}")
            return
        set_up_logging(config[LOG_LEVEL], config[LOG_FORMAT])
        self._vitals.access = metrics_access(config)
        if self._vitals.limit is not None:
            self._vitals.limit.limit_bytes = config[DISK_MAX_DB_SIZE]
        if self._plan.proxies is not None:
            networks = config[TRUSTED_PROXIES]
            self._plan.proxies.networks = networks
        if self._plan.hosts is not None:
            self._plan.hosts.names = frozenset(known_names(config))
        changed = [
            setting
            for setting in SETTINGS
            if config.told(setting).value != self._config.told(setting).value
        ]
        for setting in changed:
            text = "is in force" if setting.reloads else "needs a restart"
            say(f"{setting.key} {text}")
        say("Reloaded.")
        self._config = config
