"""What a server watches of itself, as the settings want it."""

from llmtrack.cli.data import Data, now_ms
from llmtrack.cli.listening import Plan
from llmtrack.config.loading import Config
from llmtrack.config.table import (
    DISK_BALLAST,
    DISK_MAX_DB_SIZE,
    DISK_STOP_FREE,
    DISK_WARN_FREE,
    METRICS_ALLOW,
    METRICS_TOKEN,
)
from llmtrack.services.disk_guard import DiskGuard
from llmtrack.services.size_limit import SizeLimit
from llmtrack.services.vitals import MetricsAccess, Vitals


def vitals_of(data: Data, plan: Plan) -> Vitals:
    config = data.config
    guard = DiskGuard(
        data.directory,
        warn_bytes=config[DISK_WARN_FREE],
        stop_bytes=config[DISK_STOP_FREE],
        ballast_bytes=config[DISK_BALLAST],
    )
    guard.look()
    return Vitals(
        guard=guard,
        limit=SizeLimit(data.directory, limit_bytes=config[DISK_MAX_DB_SIZE]),
        access=metrics_access(config),
        started_ms=now_ms(),
        certificate_ends_ms=lambda: plan.tls.facts.not_after_ms if plan.tls else None,
        backup_directory=data.backup_directory,
    )


def metrics_access(config: Config) -> MetricsAccess:
    networks = config[METRICS_ALLOW]
    return MetricsAccess(config[METRICS_TOKEN], networks)
