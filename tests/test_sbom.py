"""The bill of materials names everything that a build is made of, and its licence."""

import json
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_it_holds_every_pinned_package_and_comes_out_alike_twice(tmp_path: Path) -> None:
    for name in ("first", "second"):
        command = [sys.executable, "packaging/sbom.py", str(tmp_path / name)]
        subprocess.run(command, cwd=ROOT, check=True)
    for file in ("llmtrack.cdx.json", "THIRD-PARTY.txt"):
        assert (tmp_path / "first" / file).read_bytes() == (tmp_path / "second" / file).read_bytes()

    bill = json.loads((tmp_path / "first" / "llmtrack.cdx.json").read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.5")
    components = {
        f"{part['name'].lower().replace('_', '-')}=={part['version']}"
        for part in bill["components"]
    }
    lock = (ROOT / "requirements" / "run.lock").read_text()
    pinned = re.findall(r"^([a-z0-9-]+==[^ ;]+) \\$", lock, re.MULTILINE)
    assert len(pinned) > 20
    # setuptools is what installs a checkout; nothing of it is in a build.
    assert {pin for pin in pinned if not pin.startswith("setuptools==")} <= components
    assert all(part["licenses"][0]["license"]["name"] for part in bill["components"])
    assert all(part["version"] for part in bill["components"])
    text = (tmp_path / "first" / "THIRD-PARTY.txt").read_text()
    assert "Apache License" in text
    assert "MIT" in text
