"""A hundred people, or one who means no good, sign in at once."""

import asyncio
import time
from pathlib import Path

from aiohttp import ClientSession, ClientTimeout, TCPConnector

from tests.system.conftest import PASSWORD, Appliance

SIGN_INS = 100
RSS_BYTES_MAX = 300_000_000
EVENT = {"provider": "openai", "model": "gpt-4o", "prompt_tokens": 5}
OWN_SITE = {"Sec-Fetch-Site": "same-origin"}
WAIT_S_MAX = 4.0
"""As long as the official clients wait for an answer, less a second for the network."""


def peak_rss_bytes(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    [line] = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(line.split()[1]) * 1024


class Storm:
    """Browsers at as many addresses, all connected before the first of them signs in."""

    def __init__(self, server: Appliance) -> None:
        self.url, self.tls = server.url.replace("localhost", "127.0.0.1"), server.tls
        self.browsers: list[ClientSession] = []

    async def connect(self) -> None:
        for number in range(SIGN_INS):
            place = (f"127.0.1.{number + 1}", 0)
            browser = ClientSession(connector=TCPConnector(ssl=self.tls, local_addr=place))
            self.browsers.append(browser)
            async with browser.get(f"{self.url}/healthz") as response:
                assert response.status == 200

    async def sign_in(self, browser: ClientSession) -> int:
        form = {"email": "alice@example.com", "password": PASSWORD, "next": "/"}
        async with browser.post(
            f"{self.url}/sign-in",
            data=form,
            headers=OWN_SITE,
            allow_redirects=False,
            timeout=ClientTimeout(total=300),
        ) as response:
            return response.status

    async def send(self, client: ClientSession, key: str) -> float:
        """How long an event had to wait for its answer."""
        begun = time.monotonic()
        async with client.post(
            f"{self.url}/api/ingest", json=EVENT, headers={"x-api-key": key}
        ) as response:
            assert response.status == 200
        return time.monotonic() - begun

    async def run(self, key: str) -> tuple[list[int], list[float]]:
        """The statuses of all sign-ins, and how long events waited meanwhile."""
        await self.connect()
        client = ClientSession(connector=TCPConnector(ssl=self.tls))
        await self.send(client, key)
        signing_in = asyncio.gather(*map(self.sign_in, self.browsers))
        waited = []
        while not signing_in.done():
            await asyncio.sleep(0.05)
            waited.append(await self.send(client, key))
        for session in (client, *self.browsers):
            await session.close()
        return await signing_in, waited


def test_a_hundred_sign_ins_at_once_leave_memory_and_events_alone(server: Appliance) -> None:
    key = server.create_key()["key"]
    assert server.process is not None

    statuses, waited = asyncio.run(Storm(server).run(key))

    assert statuses == [303] * SIGN_INS
    assert peak_rss_bytes(server.process.pid) < RSS_BYTES_MAX
    assert len(waited) > 20
    assert max(waited) < WAIT_S_MAX
