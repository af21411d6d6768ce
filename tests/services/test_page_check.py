"""Reading a large file's pages while it serves ends as soon as the server has to."""

import asyncio
import time
from pathlib import Path

import pytest

from llmtrack.services.page_check import check_pages_meanwhile
from llmtrack.storage.migrating import migrate
from llmtrack.storage.opening import connect_writer

FILL = """
with recursive n(i) as (select 1 union all select i + 1 from n where i < 250000)
insert into name (workspace_id, id, kind, text)
select 1, i, 8, 'customer-of-a-fairly-long-name-' || i || hex(randomblob(60)) from n
"""


async def test_it_is_interrupted_when_it_is_cancelled(tmp_path: Path) -> None:
    path = tmp_path / "llmtrack.db"
    connection = connect_writer(path, create=True)
    migrate(connection)
    connection.execute(
        "insert into workspace (id, public_id, name, created_ms) values (1, 'wsp_1', 'w', 0)"
    )
    connection.execute(FILL)
    connection.close()
    begun = time.monotonic()
    await check_pages_meanwhile(path, tmp_path)
    whole_s = time.monotonic() - begun

    checking = asyncio.create_task(check_pages_meanwhile(path, tmp_path))
    await asyncio.sleep(whole_s / 4)
    begun = time.monotonic()
    checking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await checking
    await asyncio.get_running_loop().shutdown_default_executor()  # as the end of the server does
    assert time.monotonic() - begun < whole_s / 3, "it went on to the end of its table"
