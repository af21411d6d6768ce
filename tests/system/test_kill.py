"""kill -9 during a stream of events: what was acknowledged is there, exactly once."""

import http.client
import json
import random
import signal
import time
from collections import Counter
from collections.abc import Sequence
from threading import Thread
from typing import Any

from .conftest import LONG, Appliance

KILLS = 25 if LONG else 8
SENDERS = 4
PROGRESS_S = 60.0
"""How long a machine under load may take for a few events."""


class Sender(Thread):
    """Posts numbered events and keeps the numbers whose 200 has arrived."""

    def __init__(self, appliance: Appliance, key: str, name: str) -> None:
        super().__init__(name=name)
        self._appliance, self._key = appliance, key
        self.acknowledged: list[str] = []
        self.refused: dict[str, int] = {}
        """The status of what was answered with anything but 200."""
        self.running = True

    def run(self) -> None:
        number = 0
        while self.running:
            connection = http.client.HTTPSConnection(
                "localhost", self._appliance.port, timeout=10, context=self._appliance.tls
            )
            try:
                while self.running:
                    number += 1
                    self._send(connection, f"{self.name}-{number}")
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)  # killed: the next server will answer
            finally:
                connection.close()

    def _send(self, connection: http.client.HTTPSConnection, call: str) -> None:
        body: dict[str, Any] = {"provider": "openai", "model": "gpt-4o-mini", "feature": call}
        headers = {"x-api-key": self._key, "Idempotency-Key": call}
        connection.request("POST", "/api/ingest", json.dumps(body), headers)
        with connection.getresponse() as response:
            response.read()
            if response.status == 200:
                self.acknowledge(call)
            else:
                self.refused[call] = response.status

    def acknowledge(self, call: str) -> None:
        self.acknowledged.append(call)


def started(appliance: Appliance, count: int = SENDERS) -> list[Sender]:
    """Senders with a key of their own, which send from now on."""
    key = appliance.create_key()["key"]
    senders = [Sender(appliance, key, f"sender{number}") for number in range(count)]
    for sender in senders:
        sender.start()
    return senders


def end(senders: Sequence[Sender]) -> set[str]:
    """Stop sending; everything that was acknowledged."""
    for sender in senders:
        sender.running = False
    for sender in senders:
        sender.join()
    return {call for sender in senders for call in sender.acknowledged}


def wait_for(senders: Sequence[Sender], further: int) -> None:
    """Until that many more events were acknowledged: as long as it takes on this machine."""
    wanted = further + sum(len(sender.acknowledged) for sender in senders)
    deadline = time.monotonic() + PROGRESS_S
    while sum(len(sender.acknowledged) for sender in senders) < wanted:
        assert time.monotonic() < deadline, "no event was acknowledged in time"
        time.sleep(0.002)


def test_every_acknowledged_event_survives_kills_exactly_once(appliance: Appliance) -> None:
    appliance.start()
    senders = started(appliance)

    for _ in range(KILLS):
        wait_for(senders, random.randint(0, 60))  # noqa: S311 - a moment, not a secret
        appliance.stop(signal.SIGKILL)
        appliance.start()
    acknowledged = end(senders)
    assert appliance.stop() == 0

    stored = Counter(event["feature"] for event in appliance.events())
    assert len(acknowledged) > KILLS * 10
    assert acknowledged - stored.keys() == set()
    assert set(stored.values()) == {1}
    appliance.run("check")
