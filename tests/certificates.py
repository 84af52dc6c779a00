"""Certificates for servers on loopback. Tests that need them are skipped where the library that signs is absent."""

from collections.abc import Callable
from pathlib import Path
from ssl import SSLContext

import pytest

Certificates = Callable[..., Path]


def certificates(folder: Path) -> Certificates:
    """A maker of certificates in `folder`, for a host: a file of key and certificate; `ca.pem` beside it vouches."""
    pytest.importorskip("cryptography")
    from clampdown.proofs import certificates as made

    return made.certificates(folder)


def tls(file: Path) -> SSLContext:
    from clampdown.proofs import certificates as made

    return made.tls(file)
