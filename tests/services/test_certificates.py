"""Certificates from files: used when good, explained when not."""

import os
import ssl
from pathlib import Path

import pytest
import trustme
from cryptography.hazmat.primitives import serialization

from llmtrack.services.certificates import CertificateUnusable, certificate_facts, server_context


class Files:
    """A good pair in a directory."""

    def __init__(self, directory: Path) -> None:
        self.leaf = trustme.CA().issue_cert("llmtrack.example", "192.0.2.7")
        self.cert, self.key = directory / "cert.pem", directory / "key.pem"
        self.cert.write_bytes(b"".join(blob.bytes() for blob in self.leaf.cert_chain_pems))
        self.key.write_bytes(self.leaf.private_key_pem.bytes())


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def reason(files: Files) -> CertificateUnusable:
    with pytest.raises(CertificateUnusable) as refused:
        server_context(files.cert, files.key)
    assert refused.value.fix
    return refused.value


def test_a_good_pair_serves_modern_tls_only(files: Files) -> None:
    context = server_context(files.cert, files.key)

    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    old = [item["name"] for item in context.get_ciphers() if item["protocol"] == "TLSv1.2"]
    assert old
    assert all(name.startswith("ECDHE-") and "CBC" not in name for name in old)


def test_its_facts_can_be_shown(files: Files) -> None:
    facts = certificate_facts(files.cert)

    assert facts.names == ("llmtrack.example", "192.0.2.7")
    assert len(facts.fingerprint) == 95


def test_a_missing_file_is_named(files: Files) -> None:
    files.key.unlink()

    assert str(reason(files)) == f"the private key {files.key} does not exist"


def test_a_directory_is_named(files: Files, tmp_path: Path) -> None:
    files.cert = tmp_path

    assert str(reason(files)) == f"the certificate {tmp_path} is a directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every file")
def test_an_unreadable_file_is_named(files: Files) -> None:
    files.key.chmod(0)

    with pytest.raises(CertificateUnusable, match=str(files.key)):
        server_context(files.cert, files.key)


def test_a_foreign_key_is_told_apart(files: Files) -> None:
    files.key.write_bytes(trustme.CA().issue_cert("x.example").private_key_pem.bytes())

    error = reason(files)

    assert str(error) == (
        f"the private key {files.key} does not belong to the certificate {files.cert}"
    )


def test_a_chain_in_the_wrong_order_is_told(files: Files) -> None:
    leaf = trustme.CA().create_child_ca().issue_cert("llmtrack.example")
    files.cert.write_bytes(b"".join(blob.bytes() for blob in leaf.cert_chain_pems[::-1]))
    files.key.write_bytes(leaf.private_key_pem.bytes())

    refused = reason(files)

    assert f"is number 2 in {files.cert}" in str(refused)
    assert "put it first" in str(refused.fix)


def test_a_protected_key_does_not_wait_for_a_passphrase(files: Files) -> None:
    key = serialization.load_pem_private_key(files.key.read_bytes(), None)
    assert hasattr(key, "private_bytes")
    files.key.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"secret"),
        )
    )

    assert "is protected by a passphrase" in str(reason(files))


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_what_is_no_certificate_is_told(files: Files, content: bytes) -> None:
    files.cert.write_bytes(content)

    assert str(reason(files)) == f"{files.cert} holds no PEM certificate"


def test_what_is_no_key_is_told(files: Files) -> None:
    files.key.write_bytes(files.cert.read_bytes())

    assert str(reason(files)) == f"{files.key} holds no PEM private key"


def test_a_cut_key_is_told(files: Files) -> None:
    files.key.write_bytes(files.key.read_bytes()[:80])

    assert str(reason(files)).startswith(f"the pair {files.cert} and {files.key} cannot be used")
