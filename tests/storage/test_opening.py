"""Opening a file that another process writes to."""

import asyncio
import threading

from llmtrack.services.ingest import Ingest
from llmtrack.storage.database import Database
from tests.conftest import World
from tests.events import make_event


def keep_storing(world: World, stopped: threading.Event) -> None:
    """Event after event, as a server beside this process would."""

    async def store() -> None:
        database = await Database.open(world.database.path)
        ingest = Ingest(database)
        while not stopped.is_set():
            await ingest.add([make_event(world.acme.id)])
        await ingest.close()
        await database.close()

    asyncio.run(store())


async def test_a_file_opens_beside_a_server_that_never_stops_storing(world: World) -> None:
    stopped = threading.Event()
    storing = threading.Thread(target=keep_storing, args=(world, stopped))
    storing.start()
    try:
        for _ in range(100):
            database = await Database.open(world.database.path, busy_timeout_ms=30_000)
            await database.close()
    finally:
        stopped.set()
        await asyncio.to_thread(storing.join)
