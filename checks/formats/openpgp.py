"""What an OpenPGP file says of itself without any private key: to which keys it is encrypted, and how it is framed.

RFC 9580, section 4 (packets) and 5.1 (encrypted session keys). A file that is cut off, longer than it says, or broken
between its parts is seen; a byte changed inside the encrypted data is not, by nobody without the private key.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass

SESSION_KEY_FOR_KEY = 1
SESSION_KEY_FOR_PASSPHRASE = 3
PUBLIC_KEY = 6
ENCRYPTED_WITHOUT_SEAL = 9
PUBLIC_SUBKEY = 14
SEALED = 18
SEALED_AEAD = 20
ANYBODY = "0" * 16
"""The key id that stands in place of one which the sender kept to himself."""


DATA = (ENCRYPTED_WITHOUT_SEAL, SEALED, SEALED_AEAD)

HEAD_BYTES = 16 * 1024
"""How much of a file is looked at. gpg writes the data in parts of 8 KiB, and wants the first one whole."""

PLAIN = "plain"
"""What stands in the place of octets where a file does not begin as an encrypted message."""

JUDGED_ON_SERVER = (
    "head -c 16384 | od -An -v -tx1 | tr -d ' \\n' | "
    + r"""awk -v data={data} '
  function octet(i) {{
    if (i >= size) return -1
    return index(digits, substr(hex, 2 * i + 1, 1)) * 16 + index(digits, substr(hex, 2 * i + 2, 1)) - 17
  }}
  function number(i, octets,   sum) {{ while (octets-- > 0) sum = sum * 256 + octet(i++); return sum }}
  {{ hex = hex $0 }}
  END {{
    digits = "0123456789abcdef"; size = length(hex) / 2; end = size
    if (substr(hex, 1, 28) == "2d2d2d2d2d424547494e20504750") {{ print substr(hex, 1, 28); exit }}
    while (at < size) {{
      first = octet(at); second = octet(at + 1); tag = -1; bytes = -1; body = at + 1
      if (first >= 192) {{
        tag = first - 192; body = at + 2
        if (second < 192) bytes = second
        else if (second < 224) {{ bytes = (second - 192) * 256 + octet(at + 2) + 192; body = at + 3 }}
        else if (second == 255) {{ bytes = number(at + 2, 4); body = at + 6 }}
      }} else if (first >= 128) {{
        tag = int((first - 128) / 4); octets = first % 4 < 3 ? 2 ^ (first % 4) : 0
        if (octets) {{ bytes = number(body, octets); body += octets }}
      }}
      opens = tag == 1 || tag == 3
      sealed = tag == 9 || tag == 18 || tag == 20
      if (at == 0 && !opens && !sealed) {{ print "plain"; exit }}
      if (body >= size) break
      version = octet(body)
      known = tag == 1 ? version == 3 || version == 6 : version >= 4 && version <= 6
      if (opens && known && bytes > 0 && bytes <= 4096) {{ at = body + bytes; continue }}
      if (at == 0 && (opens || tag != 9 && version > 2)) {{ print "plain"; exit }}
      end = sealed && at > 0 && data == "with" ? size : body + opens
      break
    }}
    print substr(hex, 1, 2 * end)
  }}'"""
)
"""Tells on the server how a file begins, in hexadecimal digits, and nothing that could be plain: which keys open it,
up to the packet with its data and that one's length. ``data`` is ``with`` for as much of the data as is read as well,
or ``without``. Of armour it tells the beginning alone, and of a file that is not encrypted `PLAIN`."""


class NotOpenPgp(ValueError):
    """These bytes are not OpenPGP packets."""


class CutOff(NotOpenPgp):
    """These bytes end where a packet's beginning goes on."""


@dataclass(frozen=True)
class Head:
    """The beginning of one packet.

    Attributes:
        tag: What it is.
        body: Offset of its body; in case of parts, of the first part's length.
        length: Of its body, in bytes; None where it comes in parts.
    """

    tag: int
    body: int
    length: int | None


@dataclass(frozen=True)
class Message:
    """The beginning of an encrypted file.

    Attributes:
        recipients: Key ids (16 hexadecimal digits) that can open it.
        by_passphrase: A passphrase can open it.
        sealed: Changes of the encrypted data would be noticed when it is opened.
        data: The packet with the encrypted data; None where it is not reached.
    """

    recipients: tuple[str, ...]
    by_passphrase: bool
    sealed: bool
    data: Head | None


def read_head(octets: bytes, at: int = 0) -> Head:
    """The packet that begins at this offset.

    Raises:
        CutOff: The bytes end before it, or in its length.
        NotOpenPgp: There is none.
    """
    if at >= len(octets):
        raise CutOff(f"it ends before byte {at}")
    if not octets[at] & 0x80:
        raise NotOpenPgp(f"no packet begins at byte {at}")
    first = octets[at]
    if first & 0x40:
        if at + 1 < len(octets) and 224 <= octets[at + 1] < 255:
            return Head(first & 0x3F, at + 1, None)
        length, size = read_length(octets[at + 1 : at + 6])
        return Head(first & 0x3F, at + 1 + size, length)
    size = (1, 2, 4, 0)[first & 3]
    if size == 0:
        raise NotOpenPgp(f"the packet at byte {at} has no length")
    if at + 1 + size > len(octets):
        raise CutOff(f"the length of the packet at byte {at} is cut off")
    return Head(first >> 2 & 0x0F, at + 1 + size, int.from_bytes(octets[at + 1 : at + 1 + size], "big"))


def read_length(octets: bytes) -> tuple[int, int]:
    """A final length in the new format, and how many bytes it takes itself.

    Raises:
        CutOff: It is cut off, or not final.
    """
    first = octets[0] if octets else 256
    if first < 192:
        return first, 1
    if first < 224 and len(octets) >= 2:
        return (first - 192 << 8) + octets[1] + 192, 2
    if first == 255 and len(octets) >= 5:
        return int.from_bytes(octets[1:5], "big"), 5
    raise CutOff("a length is cut off")


def read_message(octets: bytes) -> Message:
    """Read the first bytes of an encrypted file.

    Raises:
        CutOff: They end inside a packet before the data.
        NotOpenPgp: It does not begin as one.
    """
    recipients: list[str] = []
    by_passphrase, at = False, 0
    while at < len(octets):
        head = read_head(octets, at)
        if head.tag in DATA:
            return Message(tuple(recipients), by_passphrase, head.tag != ENCRYPTED_WITHOUT_SEAL, head)
        if head.tag not in (SESSION_KEY_FOR_KEY, SESSION_KEY_FOR_PASSPHRASE) or head.length is None:
            raise NotOpenPgp(f"packet {head.tag} at byte {at} does not belong in an encrypted file")
        by_passphrase |= head.tag == SESSION_KEY_FOR_PASSPHRASE
        if head.tag == SESSION_KEY_FOR_KEY:
            recipients.append(_recipient(octets[head.body : head.body + head.length], head.length))
        at = head.body + head.length
    if not recipients and not by_passphrase:
        raise NotOpenPgp("it is empty")
    return Message(tuple(recipients), by_passphrase, sealed=False, data=None)


def _recipient(body: bytes, length: int) -> str:
    if length < 9 or body[:1] not in (b"\x03", b""):
        raise NotOpenPgp("an encrypted session key is of an unknown version or too short")
    if len(body) < 9:
        raise CutOff("an encrypted session key is cut off")
    return body[1:9].hex().upper()


def key_ids(certificate: bytes) -> frozenset[str]:
    """The ids of a public key and of its subkeys (version 4), armoured or not.

    Raises:
        NotOpenPgp: It is no public key.
    """
    octets, at, found = _bare(certificate), 0, set[str]()
    while at < len(octets):
        head = read_head(octets, at)
        if head.length is None or head.body + head.length > len(octets):
            raise NotOpenPgp("the key is cut off")
        body = octets[head.body : head.body + head.length]
        if head.tag in (PUBLIC_KEY, PUBLIC_SUBKEY) and body[:1] == b"\x04":
            fingerprint = hashlib.sha1(b"\x99" + len(body).to_bytes(2, "big") + body, usedforsecurity=False)
            found.add(fingerprint.hexdigest()[-16:].upper())
        at = head.body + head.length
    if not found:
        raise NotOpenPgp("there is no public key of version 4 in it")
    return frozenset(found)


def _bare(certificate: bytes) -> bytes:
    return b"".join(_blocks(certificate)) if certificate.lstrip().startswith(b"-----BEGIN PGP") else certificate


def _blocks(armoured: bytes) -> Iterator[bytes]:
    text = armoured.decode("ascii", errors="replace").replace("\r\n", "\n")
    for block in re.findall(r"-----BEGIN PGP PUBLIC KEY BLOCK-----(\n.*?)-----END PGP PUBLIC KEY", text, re.DOTALL):
        _, _, body = block.partition("\n\n")
        lines = [line for line in body.split("\n") if not line.startswith("=")]
        yield base64.b64decode("".join(lines), validate=True)


@dataclass(frozen=True)
class Part:
    """A place in a packet that comes in parts: the offset of a part's length, and the bytes from there."""

    at: int
    octets: bytes


def end_of_parts(parts: list[Part]) -> int | None:
    """Where a packet in parts ends, given its last lengths in order; None where no final length is among them.

    Raises:
        NotOpenPgp: A length is cut off.
    """
    if not parts or 224 <= (parts[-1].octets or b"\0")[0] < 255:
        return None
    length, size = read_length(parts[-1].octets)
    return parts[-1].at + size + length
