"""SIGTERM under load: what is in flight is answered, and the server exits 0."""

import signal
import time

from .conftest import Appliance
from .test_kill import SENDERS, end, started, wait_for


def test_what_is_in_flight_is_answered_before_the_end(appliance: Appliance) -> None:
    appliance.start()
    senders = started(appliance)
    wait_for(senders, 20 * SENDERS)

    begun = time.monotonic()
    code = appliance.stop(signal.SIGTERM)

    assert code == 0
    assert time.monotonic() - begun < 15
    acknowledged = sorted(end(senders))
    stored = sorted(event["feature"] for event in appliance.events())
    assert len(stored) > SENDERS
    assert stored == acknowledged, "stored without an answer, or answered without being stored"
    assert not (appliance.data_dir / "llmtrack.db-wal").exists(), "the WAL is in the file"
