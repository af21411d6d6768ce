"""A server told how large its database may get: it takes events all the same, and stays below."""

import json
import time

import pytest

from .conftest import Appliance

LIMIT = 16 * 2**20
BATCH = 1000
MOST_BATCHES = 400
EVENT = {
    "provider": "openai",
    "model": "gpt-4o-mini",
    "prompt_tokens": 1000,
    "completion_tokens": 10,
    "metadata": {"filling": "x" * 400},
}


def test_the_oldest_events_go_while_new_ones_come_in_and_the_total_stays(
    appliance: Appliance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMTRACK_DISK_MAX_DB_SIZE", "16MiB")
    key = appliance.create_key()["key"]
    appliance.start()
    body = json.dumps([EVENT] * BATCH).encode()
    sent = 0
    while not appliance.json("purge", "ledger"):
        assert sent < MOST_BATCHES, "nothing was removed"
        for _ in range(5):
            assert appliance.post(body, {"x-api-key": key}, "/api/ingest/batch")[0] == 207
            sent += 1
        time.sleep(0.5)  # as fast as the disk takes them there would be no time to look
    deadline = time.monotonic() + 60
    while not (entries := appliance.json("purge", "ledger"))[0]["finished"]:
        assert time.monotonic() < deadline
        time.sleep(0.2)

    status = appliance.json("status")
    assert status["database_limit_bytes"] == LIMIT
    assert status["database_used_bytes"] < LIMIT
    # Five seconds of events are much of so small a limit: the file may have grown past it.
    assert status["database_bytes"] <= LIMIT * 1.5
    [job] = [job for job in status["jobs"] if job["job"] == "size_limit"]
    assert job["failures"] == 0
    assert entries[0]["kind"] == "events"
    assert "disk.max_db_size" in json.dumps(appliance.json("audit", "list"))
    assert 0 < len(appliance.events()) < sent * BATCH
    assert appliance.json("check", "data")
    assert appliance.stop() == 0
    [usage] = appliance.json("usage", "--workspace", "Acme")
    assert usage["events"] == sent * BATCH
