from pathlib import Path

import pytest

from llmtrack import config
from llmtrack.config import resolve_data_dir, resource_dir


def test_a_checkout_has_its_templates_beside_the_package() -> None:
    assert resource_dir() == Path(config.__file__).parents[1]


def test_the_flag_wins_over_the_environment(tmp_path: Path) -> None:
    environ = {"LLMTRACK_DATA_DIR": "/b", "STATE_DIRECTORY": "/c"}

    assert resolve_data_dir(str(tmp_path), environ) == tmp_path
    assert resolve_data_dir(None, environ) == Path("/b")


def test_systemd_s_first_state_directory_is_used() -> None:
    assert resolve_data_dir(None, {"STATE_DIRECTORY": "/s/one:/s/two"}) == Path("/s/one")


def test_an_empty_setting_counts_as_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(config, "SYSTEM_DATA_DIR", tmp_path)

    assert resolve_data_dir("", {"LLMTRACK_DATA_DIR": "", "STATE_DIRECTORY": ""}) == tmp_path


def test_without_any_setting_the_data_is_in_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "SYSTEM_DATA_DIR", tmp_path / "absent")

    assert resolve_data_dir(None, {}) == Path("llmtrack-data")
