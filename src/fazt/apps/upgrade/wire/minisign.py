"""Signatures in the form of minisign: Ed25519 over BLAKE2b of the file, and over the comment beside it."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from fazt.core.errors import Forbidden, Invalid

ALGORITHM, PREHASHED = b"Ed", b"ED"
ID_BYTES, KEY_BYTES, SIGNATURE_BYTES = 8, 32, 64
MAX_SIGNATURE_CHARACTERS = 4_096
UNTRUSTED, TRUSTED = "untrusted comment:", "trusted comment:"


class PublicKey(Struct, frozen=True):
    """A key that signatures are checked with."""

    id: bytes
    key: bytes

    def __str__(self) -> str:
        return base64.b64encode(ALGORITHM + self.id + self.key).decode()


class SecretKey(Struct, frozen=True):
    """A key that signs. `seed` is the secret."""

    id: bytes
    seed: bytes

    @property
    def public(self) -> PublicKey:
        """What goes with it."""
        return PublicKey(self.id, Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw())

    def __str__(self) -> str:
        return base64.b64encode(ALGORITHM + self.id + self.seed).decode()

    def __repr__(self) -> str:
        return f"SecretKey({self.id.hex()})"


class Signature(Struct, frozen=True):
    """A signature file, taken apart; nothing in it is true before `verify` says so."""

    id: bytes
    signature: bytes
    comment: str
    comment_signature: bytes


class Comment(Struct, frozen=True):
    """What the signed comment says: of which file, which version, and when (seconds since 1970)."""

    file: str
    version: str
    at: int


def decode(text: str, size: int, what: str) -> bytes:
    """Base64 of a known size. Raises Invalid."""
    try:
        found = base64.b64decode(text.strip(), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Invalid(f"This is not {what}.") from error
    if len(found) != size:
        raise Invalid(f"This is not {what}.")
    return found


def parse_key(text: str) -> PublicKey:
    """A public key as minisign prints it. Raises Invalid."""
    found = decode(text, 2 + ID_BYTES + KEY_BYTES, "a public key of minisign")
    if found[:2] != ALGORITHM:
        raise Invalid("This is not a public key of minisign.")
    return PublicKey(found[2:10], found[10:])


def parse_secret_key(text: str) -> SecretKey:
    """A secret key as `str(SecretKey)` writes it; lines of comment are passed over. Raises Invalid."""
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith(("#", UNTRUSTED))]
    found = decode(lines[0] if lines else "", 2 + ID_BYTES + KEY_BYTES, "a secret key of fazt's releases")
    return SecretKey(found[2:10], found[10:])


def parse_keys(text: str) -> tuple[PublicKey, ...]:
    """The keys of a file, one a line; comments are passed over. Raises Invalid."""
    lines = (line.strip() for line in text.splitlines())
    return tuple(parse_key(line) for line in lines if line and not line.startswith(("#", UNTRUSTED)))


def parse_signature(text: str) -> Signature:
    """The four lines of a signature file. Raises Invalid for everything else, and for the old form without BLAKE2b."""
    lines = text[:MAX_SIGNATURE_CHARACTERS].splitlines()
    if len(lines) != 4 or not lines[0].startswith(UNTRUSTED) or not lines[2].startswith(TRUSTED):
        raise Invalid("This is not a signature of minisign.")
    made = decode(lines[1], 2 + ID_BYTES + SIGNATURE_BYTES, "a signature of minisign")
    if made[:2] != PREHASHED:
        raise Invalid("This signature is of a kind that fazt does not use.")
    return Signature(
        made[2:10],
        made[10:],
        lines[2].removeprefix(TRUSTED).removeprefix(" "),
        decode(lines[3], SIGNATURE_BYTES, "a signature of minisign"),
    )


def parse_comment(text: str) -> Comment:
    """Fields `name:value`, with tabs between. Raises Invalid where one is missing."""
    fields = dict(part.partition(":")[::2] for part in text.split("\t"))
    try:
        return Comment(fields["file"], fields["version"], int(fields["timestamp"]))
    except (KeyError, ValueError) as error:
        raise Invalid("The signed comment does not say which file and version this is.") from error


def write_comment(comment: Comment) -> str:
    """What `parse_comment` reads; the first fields are those that minisign itself writes."""
    return f"timestamp:{comment.at}\tfile:{comment.file}\thashed\tversion:{comment.version}"


def hash_pieces(pieces: Iterable[bytes]) -> bytes:
    """What of a file is signed."""
    hasher = hashlib.blake2b()
    for piece in pieces:
        hasher.update(piece)
    return hasher.digest()


def verify(signature: Signature, file_hash: bytes, keys: Iterable[PublicKey]) -> Comment:
    """What the signed comment says. Raises Forbidden where none of the keys has signed this file and this comment."""
    for key in keys:
        if key.id != signature.id:
            continue
        try:
            public = Ed25519PublicKey.from_public_bytes(key.key)
            public.verify(signature.signature, file_hash)
            public.verify(signature.comment_signature, signature.signature + signature.comment.encode())
        except (InvalidSignature, UnicodeEncodeError) as error:
            raise Forbidden(
                "The signature is wrong: the file is not what was released.", hint="Nothing was changed."
            ) from error
        return parse_comment(signature.comment)
    raise Forbidden("The signature is by a key that this fazt does not know.", hint="Nothing was changed.")


def sign(key: SecretKey, file_hash: bytes, comment: Comment) -> str:
    """The text of a signature file, which `minisign -V` takes, too."""
    private = Ed25519PrivateKey.from_private_bytes(key.seed)
    made, told = private.sign(file_hash), write_comment(comment)
    about = private.sign(made + told.encode())
    lines = (
        f"{UNTRUSTED} signature of fazt's releases",
        base64.b64encode(PREHASHED + key.id + made).decode(),
        f"{TRUSTED} {told}",
        base64.b64encode(about).decode(),
    )
    return "\n".join(lines) + "\n"


KEYS = parse_keys((Path(__file__).parent / "keys.pub").read_text())
"""The keys of this build. Nothing at run time can add to them."""
