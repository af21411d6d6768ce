"""How a start is ended; tests/system/test_start.py does it to real servers."""

import subprocess
import sys

import pytest

from llmtrack.cli.starting import CLEARING_S

ENDED_IN = {
    "a call": "os.kill(os.getpid(), {number})",
    "a finaliser, which drops exceptions": """
class Part:
    def __del__(self):
        os.kill(os.getpid(), {number})
        for _ in range(1000):
            pass
Part()
""",
}
GOES_ON = """
import os, signal, time
from llmtrack.cli.starting import may_be_ended
with may_be_ended():
    {ended}
    time.sleep(60)
"""


@pytest.mark.parametrize("place", ENDED_IN)
@pytest.mark.parametrize("number", ["signal.SIGTERM", "signal.SIGINT"])
def test_a_signal_ends_a_start_wherever_it_arrives(place: str, number: str) -> None:
    ended = ENDED_IN[place].format(number=number).strip().replace("\n", "\n    ")
    run = subprocess.run(
        [sys.executable, "-c", GOES_ON.format(ended=ended)],
        capture_output=True,
        text=True,
        timeout=CLEARING_S + 20,
        check=False,
    )
    assert run.returncode == 0, run.stderr
