"""The estimate for failed calls without usage, on the command line."""

from typing import Any

import pytest

from llmtrack.domain.costs import CostStatus
from llmtrack.domain.usage import Usage
from tests.cli.conftest import Program
from tests.events import make_event

ACME = ("--workspace", "Acme", "--from", "2025-11-01", "--to", "2025-12-01")


@pytest.fixture
def filled(program: Program) -> Program:
    program.json("keys", "create", "--workspace", "Acme", "--name", "app")
    none: dict[str, Any] = {"usage": Usage(), "cost_pico": None, "cost_status": CostStatus.NO_USAGE}
    program.add(
        [make_event(), make_event(status=1, **none), make_event(model="o3", **none, status=2)]
    )
    return program


def test_usage_tells_it_apart_from_every_cost(filled: Program) -> None:
    found = filled.json("usage", *ACME, "--at-risk")

    assert found["at_risk"] == {
        "at_risk_events": 2,
        "at_risk_estimated_events": 1,
        "at_risk_unestimated_events": 1,
        "at_risk_estimate_usd": "0.000066",
    }
    assert [row["cost_usd"] for row in found["rows"]] == ["0.000066", "0"]
    assert filled.json("usage", *ACME) == found["rows"]
    assert "at risk estimate usd" in filled.ok("usage", *ACME, "--at-risk").stdout


def test_it_is_switched_off_and_on(filled: Program) -> None:
    assert filled.json("prices", "at-risk", *ACME)["at_risk_events"] == 2
    assert filled.json("prices", "at-risk", *ACME, "--switch", "off")["at_risk"] == "off"
    assert filled.json("usage", *ACME, "--at-risk")["at_risk"] == {"at_risk": "off"}
    assert filled.json("prices", "at-risk", *ACME, "--switch", "on")["at_risk_events"] == 2
