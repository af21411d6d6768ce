"""The certificate as the operator sees it."""

import pytest

from llmtrack.cli.exit_codes import ExitCode

from .conftest import Program


def test_a_self_signed_certificate_is_made_once_and_shown(bare: Program) -> None:
    bare.directory.mkdir()
    (bare.directory / "llmtrack.toml").write_text('[server]\nlisten = ["0.0.0.0:8443"]\n')
    assert bare.json("tls", "status")["certificate"].startswith("none: the server makes")

    made = bare.json("tls", "self-signed", "--host", "llm.example.com")
    again = bare.json("tls", "self-signed", "--host", "llm.example.com")
    shown = bare.json("tls", "status")

    assert made["sha256"] == again["sha256"] == shown["sha256"]
    assert "llm.example.com" in made["names"]
    assert made["days_left"] > 390
    assert shown["python_clients"] == f"SSL_CERT_FILE={made['certificate']}"
    assert shown["node_clients"] == f"NODE_EXTRA_CA_CERTS={made['certificate']}"
    forced = bare.json("tls", "self-signed", "--host", "llm.example.com", "--force")
    assert forced["sha256"] != made["sha256"]


@pytest.mark.parametrize("listen", ["127.0.0.1:8080", "localhost:8080", "[::1]:8080"])
def test_a_certificate_that_is_not_served_is_not_shown(bare: Program, listen: str) -> None:
    bare.json("tls", "self-signed")
    (bare.directory / "llmtrack.toml").write_text(f'[server]\nlisten = ["{listen}"]\n')

    assert bare.json("tls", "status")["certificate"] == "none: plain http"


def test_an_unusable_certificate_is_told(bare: Program) -> None:
    bare.directory.mkdir()
    (bare.directory / "bad.pem").write_text("garbage")
    (bare.directory / "llmtrack.toml").write_text(
        f'[tls]\ncert_file = "{bare.directory}/bad.pem"\n'
    )

    assert "bad.pem holds no PEM certificate" in bare.fails(78, "tls", "status")


def test_a_server_that_is_not_there_is_said_to_be_missing(bare: Program) -> None:
    said = bare.fails(ExitCode.SERVER_STATE, "tls", "test", "127.0.0.1:1")
    assert "nothing listens on 127.0.0.1:1" in said
