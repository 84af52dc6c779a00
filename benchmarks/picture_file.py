"""PNG files with no more than 256 colours: what a picture of a page needs, in a third of the bytes."""

import struct
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

_MOST: Final = 256
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"

Pixels = NDArray[np.uint8]


def png(pixels: Pixels) -> bytes:
    """The file for pixels of the shape (height, width, 3). Colours that are rare become the nearest of the frequent."""
    height, width, _ = pixels.shape
    places, palette = _reduced(pixels.reshape(-1, 3))
    lines = np.zeros((height, width + 1), np.uint8)  # each line begins with its filter, which is none
    lines[:, 1:] = places.reshape(height, width)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    parts = (
        (b"IHDR", header),
        (b"PLTE", palette.tobytes()),
        (b"IDAT", zlib.compress(lines.tobytes(), 9)),
        (b"IEND", b""),
    )
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def _reduced(colours: Pixels) -> tuple[Pixels, Pixels]:
    """For each pixel its place in a palette, and the palette."""
    codes = colours.astype(np.uint32) @ np.array([65536, 256, 1], np.uint32)
    found, places, counts = np.unique(codes, return_inverse=True, return_counts=True)
    kept = found[np.argsort(counts, kind="stable")[::-1][:_MOST]]
    nearest = np.array([_nearest(one, kept) for one in found], np.uint8)
    return nearest[places], _parts(kept).astype(np.uint8)


def _nearest(code: np.uint32, among: NDArray[np.uint32]) -> int:
    away = _parts(among) - _parts(np.array([code]))
    return int(np.argmin((away * away * [2, 4, 3]).sum(axis=1)))  # the eye sees green best, red least of these


def _parts(codes: NDArray[np.uint32]) -> NDArray[np.int64]:
    return np.stack([codes >> 16 & 255, codes >> 8 & 255, codes & 255], axis=1).astype(np.int64)
