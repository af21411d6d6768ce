"""A command prices events anew beside the server that stores them: neither loses a cent."""

import json
import threading
import time
from decimal import Decimal

from tests.system.conftest import Appliance

ACME = ("--workspace", "Acme")
CALL = {"provider": "openai", "model": "gpt-4o-mini", "prompt_tokens": 1000, "completion_tokens": 0}
UNNAMED = CALL | {"provider": "azure", "model": "ours"}


class Sender(threading.Thread):
    """Stores events one after the other until it is told to stop."""

    def __init__(self, server: Appliance, key: str) -> None:
        super().__init__()
        self._server, self._key = server, key
        self.stopped = threading.Event()
        self.costs: list[float] = []

    def run(self) -> None:
        while not self.stopped.is_set():
            status, answer = send(self._server, self._key)
            assert status == 200
            self.costs.append(answer["cost"])


def send(server: Appliance, key: str) -> tuple[int, dict[str, float]]:
    return server.post(json.dumps(CALL).encode(), {"x-api-key": key})


def test_each_notices_the_other_and_the_sums_agree(server: Appliance) -> None:
    key = server.create_key()["key"]
    time.sleep(1)
    batch = json.dumps([CALL, UNNAMED] * 500).encode()
    for _ in range(6):
        assert server.post(batch, {"x-api-key": key}, "/api/ingest/batch")[0] == 207
    sender = Sender(server, key)
    sender.start()
    try:
        # The server notices: from the alias on it prices these names itself.
        server.run(
            *("prices", "alias", "ours", *ACME, "-p", "azure"),
            *("--to-provider", "azure", "--to-model", "gpt-4o-mini"),
        )
        server.run("prices", "set", "gpt-4o-mini", *ACME, "-p", "openai", "--input", "1")
        noticed = time.monotonic()
        while send(server, key)[1]["cost"] != 0.001:
            assert time.monotonic() - noticed < 1.0, "the server prices by the old list"
        # The command notices: it prices what was stored a moment ago, while more comes in.
        period = ("--from", "2020-01-01", "--to", "2100-01-01")
        run = server.json("prices", "recompute", *ACME, *period, "--yes")["run"]
    finally:
        sender.stopped.set()
        sender.join()

    assert run["state"] == "applied"
    assert {0.00015, 0.001} >= set(sender.costs)
    costs = [Decimal(event["cost_usd"]) for event in server.events()]
    # 3,000 calls of each name at first, all of the first name at the own price by now.
    assert len(costs) > 6_000
    assert costs.count(Decimal("0.00015")) == 3_000
    assert costs.count(Decimal("0.001")) == len(costs) - 3_000
    rows = server.json("usage", *ACME, *period)
    assert sum(Decimal(row["cost_usd"]) for row in rows) == sum(costs)
    server.run("check", "data")
