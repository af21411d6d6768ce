"""Bech32: bytes as text that survives being read out and typed in, BIP 173.

age writes its keys in it (https://age-encryption.org/v1), without BIP 173's bound of 90
characters.
"""

_ALPHABET = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_GENERATOR = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
_CHECKSUM_LENGTH = 6


def encode(prefix: str, data: bytes) -> str:
    """Lower case; `prefix` names what it is."""
    values = _regroup(data, 8, 5, pad=True)
    checksum = _checksum(prefix, values)
    return f"{prefix}1" + "".join(_ALPHABET[value] for value in (*values, *checksum))


def decode(text: str) -> tuple[str, bytes]:
    """Prefix (lower case) and bytes. Raises ValueError; a mistyped character is found."""
    if text.lower() != text and text.upper() != text:
        raise ValueError("upper and lower case are mixed")
    prefix, separator, rest = text.lower().rpartition("1")
    if not separator or not prefix or len(rest) < _CHECKSUM_LENGTH:
        raise ValueError("it is too short")
    try:
        values = [_ALPHABET.index(char) for char in rest]
    except ValueError:
        raise ValueError("it has characters that no key has") from None
    body, checksum = values[:-_CHECKSUM_LENGTH], values[-_CHECKSUM_LENGTH:]
    if _checksum(prefix, body) != checksum:
        raise ValueError("its checksum is wrong: a character is missing or mistyped")
    return prefix, bytes(_regroup(body, 5, 8, pad=False))


def _checksum(prefix: str, values: list[int]) -> list[int]:
    expanded = [ord(char) >> 5 for char in prefix] + [0] + [ord(char) & 31 for char in prefix]
    remainder = _polymod([*expanded, *values, *[0] * _CHECKSUM_LENGTH]) ^ 1
    return [remainder >> 5 * (5 - place) & 31 for place in range(_CHECKSUM_LENGTH)]


def _polymod(values: list[int]) -> int:
    remainder = 1
    for value in values:
        top = remainder >> 25
        remainder = (remainder & 0x1FFFFFF) << 5 ^ value
        for place, generator in enumerate(_GENERATOR):
            if top >> place & 1:
                remainder ^= generator
    return remainder


def _regroup(values: bytes | list[int], from_bits: int, to_bits: int, *, pad: bool) -> list[int]:
    """The same bits in groups of another size."""
    found: list[int] = []
    held = bits = 0
    for value in values:
        held = held << from_bits | value
        bits += from_bits
        while bits >= to_bits:
            bits -= to_bits
            found.append(held >> bits & (1 << to_bits) - 1)
        held &= (1 << bits) - 1
    if pad and bits:
        found.append(held << to_bits - bits)
    elif not pad and (bits >= from_bits or held):
        raise ValueError("its padding is wrong")
    return found
