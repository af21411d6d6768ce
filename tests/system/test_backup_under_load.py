"""A backup made under load is one moment: restored, it is a part of the truth that adds up."""

from pathlib import Path

from .conftest import Appliance
from .test_kill import end, started, wait_for


def test_what_is_restored_is_what_was_stored_up_to_a_moment(
    appliance: Appliance, tmp_path: Path
) -> None:
    appliance.start()
    senders = started(appliance)
    wait_for(senders, 200)
    before = {call for sender in senders for call in sender.acknowledged}
    appliance.run("backup", "create", "--out", str(tmp_path / "copy.db"))
    wait_for(senders, 50)
    acknowledged = end(senders)
    assert appliance.stop() == 0

    there = {event["id"]: event for event in appliance.events()}
    drill = tmp_path / "drill"
    drill.mkdir()
    restored = Appliance(drill)
    appliance.run("backup", "restore", str(tmp_path / "copy.db"), "--to", str(restored.data_dir))
    copied = {event["id"]: event for event in restored.events()}
    assert before <= {event["feature"] for event in copied.values()}
    assert all(there[name] == event for name, event in copied.items())
    assert len(acknowledged) > len(copied) >= len(before)
    restored.run("check", "db", "data")
