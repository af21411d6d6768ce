"""Rotation: days, weeks, and an age that nothing outlives."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

from llmtrack.domain.periods import DAY_MS
from llmtrack.services.manifest import Manifest, moment_of, write_manifest
from llmtrack.services.rotation import SCHEDULED, Copy, Keeping, copies_in, doomed, remove_copy
from tests.conftest import NOW_MS

KEEPING = Keeping(daily=7, weekly=4, max_age=timedelta(days=35))
MANIFEST = Manifest(
    created=moment_of(NOW_MS),
    reason=SCHEDULED,
    llmtrack="0.1.0",
    sqlite="3",
    schema=1,
    file="x.db",
    bytes=1,
    sha256="",
    contents_sha256="",
)


def copy(age_days: float, reason: str = SCHEDULED) -> Copy:
    created_ms = NOW_MS - int(age_days * DAY_MS)
    return Copy(Path(f"{age_days}"), created_ms, 1, replace(MANIFEST, reason=reason))


def kept_ages(copies: list[Copy], keeping: Keeping = KEEPING) -> list[float]:
    gone = doomed(copies, keeping, NOW_MS)
    return [float(str(found.path)) for found in copies if found not in gone]


def test_seven_days_and_the_last_of_four_weeks_stay() -> None:
    kept = kept_ages([copy(age) for age in range(60)])

    # 2026-11-20 is a Friday: the weeks before it end 5, 12 and 19 days ago.
    assert kept == [0, 1, 2, 3, 4, 5, 6, 12, 19]


def test_of_several_on_one_day_the_last_stays() -> None:
    assert kept_ages([copy(0), copy(0.1), copy(0.2)]) == [0]


def test_the_newest_one_stays_whatever_is_to_be_kept() -> None:
    nothing = KEEPING._replace(daily=0, weekly=0)

    assert kept_ages([copy(0.1), copy(1), copy(9)], nothing) == [0.1]


def test_what_was_made_by_hand_stays_until_the_hard_age() -> None:
    copies = [copy(age, "manual") for age in (0, 0.1, 20, 34.9, 35.1)]

    assert kept_ages(copies) == [0, 0.1, 20, 34.9]


def test_the_hard_age_holds_for_the_only_one(tmp_path: Path) -> None:
    assert kept_ages([copy(36)]) == []
    (tmp_path / "a.db").write_text("")
    write_manifest(tmp_path / "a.db", replace(MANIFEST, created=moment_of(NOW_MS - 36 * DAY_MS)))
    [found] = copies_in(tmp_path)
    assert doomed([found], KEEPING, NOW_MS) == [found]
    remove_copy(found)
    assert list(tmp_path.iterdir()) == []
