"""Files that settings name or are in: read as they are, refused by their names."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme

from llmtrack.config.loading import ConfigUnusable, load
from llmtrack.config.table import LISTEN

from .conftest import Program


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"[server]\n# \xff\n", "no text in UTF-8"), (None, "is a directory")],
)
def test_a_file_that_is_no_text_is_named(tmp_path: Path, content: bytes | None, said: str) -> None:
    """As the configuration, and as the file of one value."""
    path = tmp_path / "x.toml"
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)

    with pytest.raises(ConfigUnusable, match=said) as as_file:
        load({}, {}, file=path)
    with pytest.raises(ConfigUnusable, match=said) as as_value:
        load({}, {"LLMTRACK_METRICS_TOKEN_FILE": str(path)})
    assert str(path) in str(as_file.value)
    assert str(path) in str(as_value.value)


def test_a_file_from_another_system_is_read(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_bytes(b'\xef\xbb\xbf[server]\r\nlisten = "127.0.0.1:7"\r\n')

    assert load({}, {}, file=path)[LISTEN] == ("127.0.0.1:7",)


def test_check_looks_at_the_dates_of_the_certificate(bare: Program, tmp_path: Path) -> None:
    past = datetime(2020, 1, 1, tzinfo=UTC)
    leaf = trustme.CA().issue_cert("llmtrack.example", not_after=past)
    leaf.private_key_and_cert_chain_pem.write_to_path(str(tmp_path / "both.pem"))
    file = tmp_path / "a.toml"
    file.write_text(f"tls.cert_file = '{tmp_path}/both.pem'\n")

    assert "expired at 2020-01-01" in bare.fails(78, "config", "check", str(file))
