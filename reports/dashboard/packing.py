"""What is sent more than once, compressed once."""

import gzip
import hashlib
from dataclasses import dataclass
from typing import Final

_LEVEL: Final = 6


@dataclass(frozen=True, slots=True)
class Packed:
    """A body compressed by gzip, and a tag that changes with it."""

    body: bytes
    tag: str

    @classmethod
    def of(cls, plain: bytes) -> "Packed":
        """Pack a body."""
        # Weak, as the tag is that of the body both compressed and not.
        return cls(gzip.compress(plain, _LEVEL, mtime=0), f'W/"{hashlib.sha256(plain).hexdigest()[:20]}"')

    def plain(self) -> bytes:
        """The body as it was."""
        return gzip.decompress(self.body)
