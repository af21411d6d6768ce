"""What is wrong with the installation stands on every page, for its administrators only."""

from pathlib import Path

from llmtrack.domain.periods import DAY_MS
from llmtrack.services.disk_guard import DiskGuard, Room
from llmtrack.services.troubles import troubles_of
from llmtrack.services.vitals import Vitals
from llmtrack.storage.job_states import JobState
from llmtrack.web.probes import VITALS
from tests.conftest import NOW_MS, World
from tests.web.conftest import Client
from tests.web.people import sign_in, text_of

FAILED = "The backup failed, 3 times in a row."


def job(name: str, failures: int) -> JobState:
    return JobState(name, NOW_MS, NOW_MS, None, failures, "OSError: no space <b>")


def test_nothing_is_said_of_what_is_well() -> None:
    vitals = Vitals(certificate_ends_ms=lambda: NOW_MS + 30 * DAY_MS)
    assert troubles_of(vitals, [job("backup", 0)], NOW_MS) == ()


def test_each_trouble_is_a_sentence_the_most_urgent_first(tmp_path: Path) -> None:
    guard = DiskGuard(tmp_path, warn_bytes=0, stop_bytes=2**62, ballast_bytes=0)
    assert guard.look() is Room.FULL
    vitals = Vitals(guard=guard, certificate_ends_ms=lambda: NOW_MS + 3 * DAY_MS)

    found = troubles_of(vitals, [job("backup", 3), job("restore_drill", 1)], NOW_MS)

    assert found == (
        "The disk is full: events are refused until there is room.",
        "The certificate ends in 3 days.",
        FAILED,
        "The restore drill failed: the newest backup may be of no use.",
    )
    expired = Vitals(certificate_ends_ms=lambda: NOW_MS - 1)
    assert troubles_of(expired, [], NOW_MS) == ("The certificate has expired.",)


async def test_administrators_see_it_on_every_page_and_others_do_not(
    client: Client, world: World
) -> None:
    client.app[VITALS].troubles = (FAILED,)
    path = f"/w/{world.acme.public_id}/"
    await sign_in(client, "bob")
    assert FAILED not in await text_of(client, path)
    await world.database.write(
        lambda connection: connection.execute(
            "update user set is_admin = 1 where id = ?", (world.bob.id,)
        )
    )
    for page in (path, f"{path}keys", "/instance/system"):
        assert FAILED in await text_of(client, page)
