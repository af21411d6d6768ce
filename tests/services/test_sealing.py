"""Sealed files: opened by their key alone, and by the tool `age` as well."""

import io
import shutil
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey

from llmtrack.services.sealing import (
    CHUNK_BYTES,
    KeyPair,
    Unsealable,
    generate_key_pair,
    is_sealed,
    read_identity,
    read_recipient,
    seal,
    seal_file,
    unseal,
    write_identity,
)

SIZES = [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES, CHUNK_BYTES + 1, 3 * CHUNK_BYTES]
needs_age = pytest.mark.skipif(shutil.which("age") is None, reason="needs Debian's age")


@pytest.fixture
def pair() -> KeyPair:
    return generate_key_pair()


@pytest.fixture
def identity_file(pair: KeyPair, tmp_path: Path) -> Path:
    write_identity(tmp_path / "key.txt", pair, "2026-11-20T12:00:00Z")
    return tmp_path / "key.txt"


def content(size: int) -> bytes:
    return bytes(number * 7 % 251 for number in range(size))


def sealed(plain: bytes, pair: KeyPair) -> bytes:
    target = io.BytesIO()
    seal(io.BytesIO(plain), target, read_recipient(pair.recipient))
    return target.getvalue()


def opened(closed: bytes, identity: X25519PrivateKey) -> bytes:
    target = io.BytesIO()
    unseal(io.BytesIO(closed), target, identity)
    return target.getvalue()


@pytest.mark.parametrize("size", SIZES)
def test_what_was_sealed_is_opened(size: int, pair: KeyPair, identity_file: Path) -> None:
    closed = sealed(content(size), pair)

    assert opened(closed, read_identity(identity_file)) == content(size)
    assert content(64) not in closed


@needs_age
@pytest.mark.parametrize("size", SIZES)
def test_age_opens_what_we_seal(
    size: int, pair: KeyPair, identity_file: Path, tmp_path: Path
) -> None:
    (tmp_path / "plain").write_bytes(content(size))
    seal_file(tmp_path / "plain", tmp_path / "closed", read_recipient(pair.recipient))
    command = ["age", "--decrypt", "--identity", str(identity_file), str(tmp_path / "closed")]
    done = subprocess.run(command, capture_output=True, check=False)

    assert done.returncode == 0, done.stderr
    assert done.stdout == content(size)
    assert is_sealed(tmp_path / "closed")
    assert (tmp_path / "closed").stat().st_mode & 0o777 == 0o600


@needs_age
@pytest.mark.parametrize("size", SIZES)
def test_we_open_what_age_seals(size: int, pair: KeyPair, identity_file: Path) -> None:
    command = ["age", "--recipient", pair.recipient]
    closed = subprocess.run(command, input=content(size), capture_output=True, check=True).stdout

    assert opened(closed, read_identity(identity_file)) == content(size)


def test_another_key_does_not_open_it(pair: KeyPair) -> None:
    with pytest.raises(Unsealable, match="this private key does not open"):
        opened(sealed(b"x", pair), X25519PrivateKey.generate())


@pytest.mark.parametrize("place", [-1, -CHUNK_BYTES, 190])
def test_a_changed_byte_is_found(place: int, pair: KeyPair, identity_file: Path) -> None:
    closed = bytearray(sealed(content(2 * CHUNK_BYTES), pair))
    closed[place] ^= 1

    with pytest.raises(Unsealable):
        opened(bytes(closed), read_identity(identity_file))


def test_a_file_cut_at_a_chunk_is_found(pair: KeyPair, identity_file: Path) -> None:
    closed = sealed(content(2 * CHUNK_BYTES), pair)

    with pytest.raises(Unsealable, match="changed or cut"):
        opened(closed[: -CHUNK_BYTES - 16], read_identity(identity_file))


def test_the_private_key_is_private_and_never_written_over(
    pair: KeyPair, identity_file: Path
) -> None:
    assert identity_file.stat().st_mode & 0o777 == 0o600
    with pytest.raises(FileExistsError):
        write_identity(identity_file, pair, "")


@pytest.mark.parametrize("text", ["", "age1qqq", "AGE-SECRET-KEY-1QQQ", "rsa"])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"age1\.\.\."):
        read_recipient(text)
