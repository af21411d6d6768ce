"""Somebody else's server that takes connections and never answers holds up nobody's events."""

import json
import socket
import statistics
import time
from threading import Thread

from .conftest import Appliance
from .injection import Faults, Injection

EVENT = json.dumps({"provider": "openai", "model": "gpt-4o-mini", "prompt_tokens": 1}).encode()
DAY_MS = 86_400_000


def test_events_are_stored_as_fast_while_a_heartbeat_hangs(
    appliance: Appliance, injection: Injection
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as hole:
        taken: list[socket.socket] = []

        def take() -> None:
            taken.append(hole.accept()[0])  # and say nothing

        taker = Thread(target=take, daemon=True)
        taker.start()
        url = f"http://127.0.0.1:{hole.getsockname()[1]}/beat"
        appliance.environment["LLMTRACK_BACKUP_HEARTBEAT_URL"] = url
        key = appliance.create_key()["key"]
        # Once, so that the jobs have their first time; a day later the backup is due.
        appliance.start()
        while not appliance.json("status")["jobs"]:
            time.sleep(0.1)
        assert appliance.stop() == 0
        injection.set(Faults(clock_ms=2 * DAY_MS))
        appliance.start()
        taker.join(60)
        assert taken, "the backup was made and its heartbeat sent"
        took = []
        for _ in range(30):
            at = time.monotonic()
            assert appliance.post(EVENT, {"x-api-key": key})[0] == 200
            took.append(time.monotonic() - at)
        assert statistics.median(took) < 0.5
        assert max(took) < 4
        # The hung address ends as a failed job that everybody can see.
        deadline = time.monotonic() + 30
        while not (failed := [job for job in appliance.json("status")["jobs"] if job["failures"]]):
            assert time.monotonic() < deadline, "the failure is not shown"
            time.sleep(0.5)
        assert failed[0]["job"] == "backup"
        assert "heartbeat" in failed[0]["result"]
        assert appliance.stop() == 0
        for connection in taken:
            connection.close()
