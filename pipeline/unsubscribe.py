"""Signed links: who has one may end a subscription, or see a digest, and nothing else. No log-in, nothing to guess.

A token says of whom and of what it speaks, signed with a secret of the data folder (HMAC-SHA256). Whoever takes the
secret away ends all links that were sent.
"""

import base64
import binascii
import hashlib
import hmac
import os
import secrets
from pathlib import Path
from typing import Final

from pipeline.archive_files import make_folder, sync_folder
from pipeline.errors import ArchiveError

FOLDER: Final = "state"
NAME: Final = "secret"
_BYTES: Final = 32
_MAC: Final = 16
"""128 bits of the signature: nobody tries so many over a network, and links stay short enough for a line of text."""

LONGEST: Final = 1000
"""Characters of a token: longer ones are none of ours."""


def secret_of(data_dir: Path) -> bytes:
    """The secret of a data folder, made where it is missing, readable for its owner alone. Raises ArchiveError."""
    folder = data_dir / FOLDER
    path = folder / NAME
    try:
        make_folder(folder)
        found = _read(path)
        if found is None:
            made = folder / f".{NAME}-{secrets.token_hex(8)}"
            descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                os.write(descriptor, secrets.token_bytes(_BYTES))
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            try:
                # Unlike a renaming it fails where another was quicker.
                os.link(made, path)
                sync_folder(folder)
            except FileExistsError:
                pass
            finally:
                made.unlink()
            found = _read(path)
    except OSError as error:
        raise ArchiveError(f"{path}: can't be used: {error.strerror or error}") from error
    if found is None or len(found) < _BYTES:
        raise ArchiveError(f"{path} is no secret", hint="Restore it from a backup, or remove it: old links end then.")
    return found


def token(secret: bytes, subscription_id: str, address: str) -> str:
    """What lets the reader at `address` end the subscription; letters that need no encoding in an address."""
    return _signed(secret, b"unsubscribe", subscription_id, address)


def read(secret: bytes, token: str) -> tuple[str, str] | None:
    """The subscription and the address that a token speaks of; None where it is none of ours."""
    return _verified(secret, b"unsubscribe", token)


def view_token(secret: bytes, subscription_id: str, digest: str) -> str:
    """What lets anyone see one digest in a browser."""
    return _signed(secret, b"view", subscription_id, digest)


def read_view(secret: bytes, token: str) -> tuple[str, str] | None:
    """The subscription and the name of the digest that a token shows; None where it is none of ours."""
    return _verified(secret, b"view", token)


def mark(secret: bytes, subscription_id: str, address: str) -> str:
    """A few letters that only we and the reader know: a bounce that names them is one of our mail."""
    return _mac(secret, b"mark", f"{subscription_id}\0{address}".encode())[:6].hex()


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def _signed(secret: bytes, purpose: bytes, subscription_id: str, what: str) -> str:
    payload = f"{subscription_id}\0{what}".encode()
    return base64.urlsafe_b64encode(_mac(secret, purpose, payload) + payload).rstrip(b"=").decode("ascii")


def _verified(secret: bytes, purpose: bytes, token: str) -> tuple[str, str] | None:
    if len(token) > LONGEST or not token.isascii():
        return None
    try:
        data = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return None
    mac, payload = data[:_MAC], data[_MAC:]
    if not hmac.compare_digest(mac, _mac(secret, purpose, payload)):
        return None
    subscription_id, _, what = payload.decode("utf-8", "replace").partition("\0")
    return subscription_id, what


def _mac(secret: bytes, purpose: bytes, payload: bytes) -> bytes:
    # The purpose is parted from what follows, so that no link of one sort passes for one of the other.
    return hmac.digest(secret, purpose + b"\0" + payload, hashlib.sha256)[:_MAC]
