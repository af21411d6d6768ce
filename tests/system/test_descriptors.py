"""No descriptor left: told, waited out without burning the processor, and over by itself."""

import json
import resource
import socket
import time
from pathlib import Path

from .conftest import Appliance

LIMIT = 64
EVENT = json.dumps({"provider": "openai", "model": "gpt-4o-mini", "prompt_tokens": 1}).encode()


def processor_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


def test_the_server_survives_more_connections_than_it_has_descriptors(
    appliance: Appliance,
) -> None:
    key = appliance.create_key()["key"]
    appliance.start()
    assert appliance.post(EVENT, {"x-api-key": key})[0] == 200  # it has started
    assert appliance.process is not None
    pid = appliance.process.pid
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (LIMIT, LIMIT))
    crowd = [socket.create_connection(("127.0.0.1", appliance.port)) for _ in range(2 * LIMIT)]
    time.sleep(1)
    before = processor_s(pid)
    time.sleep(4)
    assert processor_s(pid) - before < 1, "it spins"
    assert "Too many open files" in appliance.log
    for connection in crowd:
        connection.close()
    deadline = time.monotonic() + 20
    while True:
        try:
            assert appliance.post(EVENT, {"x-api-key": key})[0] == 200
        except OSError:
            assert time.monotonic() < deadline, "it did not recover"
            time.sleep(0.2)
        else:
            break
    assert appliance.log.count("Too many open files") == 1
    assert appliance.stop() == 0
