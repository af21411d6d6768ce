"""The committed price files are what the pinned package gives."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from llmtrack.domain.price_list import parse_price_list

ROOT = Path(__file__).parents[2]
pytest.importorskip("genai_prices", reason="genai-prices, a development dependency, is missing")


def script(name: str) -> ModuleType:
    # Not an import: a folder named packaging on the path would shadow the PyPI library.
    spec = importlib.util.spec_from_file_location(name, ROOT / f"packaging/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_price_list_is_the_export_of_the_pinned_package() -> None:
    committed = (ROOT / "llmtrack/prices.json").read_text()
    published = parse_price_list(committed.encode()).date.isoformat()
    assert script("export_prices").exported(published) == committed
    assert script("export_prices").licence() == (ROOT / "llmtrack/prices.LICENSE").read_text()


def test_the_refused_upstream_matches_are_the_reviewed_ones() -> None:
    golden = ROOT / "tests/golden/refused_upstream_matches.txt"
    assert script("refused_matches").report() == golden.read_text()
