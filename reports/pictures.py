"""PNG pictures made small: few colours, one byte a pixel.

A chart has a dozen colours, and their blends at edges. As one of 256 colours each pixel takes a fraction of the bytes
that it takes in true colour, and nobody sees the difference.
"""

import struct
import zlib
from collections.abc import Collection, Iterator, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_HEADER: Final = struct.Struct(">IIBBBBB")
_TRUE_COLOUR: Final = (8, 6, 0, 0, 0)
"""Eight bits for each of red, green, blue and alpha, in lines from top to bottom."""

_MOST: Final = 256
"""Colours of a picture."""

_BITS: Final = 5
"""Of each of red, green and blue: what agrees in them is one colour."""

_UNUSED: Final = 1 << 24
"""No colour."""


def reduced(picture: bytes, exact: Collection[str] = ()) -> bytes:
    """An opaque PNG in at most 256 colours, those of `exact` as they are; unchanged if of another kind than Vega's are.

    A colour is given as "#rrggbb".
    """
    parts = list(_parts(picture))
    width, height, *kind = _HEADER.unpack(next(data for name, data in parts if name == b"IHDR"))
    if tuple(kind) != _TRUE_COLOUR:
        return picture
    lines = zlib.decompress(b"".join(data for name, data in parts if name == b"IDAT"))
    pixels = _pixels(np.frombuffer(lines, np.uint8).reshape(height, 1 + 4 * width))
    if pixels is None:
        return picture
    palette, numbers = _numbered(pixels, [int(colour[1:], 16) for colour in exact])
    rows = np.zeros((height, width + 1), np.uint8)  # each row begins with its filter: none
    rows[:, 1:] = numbers
    packer = zlib.compressobj(strategy=zlib.Z_RLE)  # runs are what there is: no other way is smaller, or quicker
    made = [
        (b"IHDR", _HEADER.pack(width, height, 8, 3, 0, 0, 0)),
        *((name, data) for name, data in parts if name == b"pHYs"),
        (b"PLTE", palette.tobytes()),
        (b"IDAT", packer.compress(rows.tobytes()) + packer.flush()),
        (b"IEND", b""),
    ]
    return _SIGNATURE + b"".join(_part(name, data) for name, data in made)


def _parts(picture: bytes) -> Iterator[tuple[bytes, bytes]]:
    place = len(_SIGNATURE)
    while place < len(picture):
        (length,) = struct.unpack_from(">I", picture, place)
        yield picture[place + 4 : place + 8], picture[place + 8 : place + 8 + length]
        place += length + 12


def _part(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def _pixels(lines: NDArray[np.uint8]) -> NDArray[np.uint32] | None:
    """Rows of colours, 0xRRGGBB; None where a line is kept otherwise than as differences from pixel to pixel."""
    height, length = lines.shape
    if not (lines[:, 0] == 1).all():
        return None
    values = np.cumsum(lines[:, 1:].reshape(height, length // 4, 4), axis=1, dtype=np.uint8)
    return values.view(np.dtype(">u4")).astype(np.uint32)[..., 0] >> np.uint32(8)


def _numbered(pixels: NDArray[np.uint32], exact: Sequence[int]) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The palette, and each pixel's number in it. A colour beyond the commonest 256 becomes the nearest of them."""
    cells = _cell(pixels)
    colour_of = np.full(1 << 3 * _BITS, _UNUSED, np.uint32)
    colour_of[cells] = pixels  # any colour of a cell stands for it
    used: NDArray[np.intp] = np.nonzero(colour_of != _UNUSED)[0]
    for colour in exact:
        colour_of[_cell(np.array(colour, np.uint32))] = colour
    if len(used) > _MOST:
        used = used[np.argsort(-np.bincount(cells.ravel(), minlength=len(colour_of))[used], kind="stable")]
    palette = _bytes(colour_of[used[:_MOST]])
    number_of = np.zeros(len(colour_of), np.uint8)
    number_of[used[:_MOST]] = np.arange(len(palette))
    if len(others := used[_MOST:]):
        away = (_bytes(colour_of[others])[:, None].astype(np.int32) - palette[None].astype(np.int32)) ** 2
        number_of[others] = away.sum(axis=2).argmin(axis=1)
    return palette, number_of[cells]


def _cell(colours: NDArray[np.uint32]) -> NDArray[np.uint16]:
    """The highest bits of red, green and blue as one number."""
    low, mask = 8 - _BITS, (1 << _BITS) - 1
    found = (colours >> low & mask) | (colours >> 2 * low & mask << _BITS) | (colours >> 3 * low & mask << 2 * _BITS)
    return found.astype(np.uint16)


def _bytes(colours: NDArray[np.uint32]) -> NDArray[np.uint8]:
    return np.stack([colours >> 16, colours >> 8 & 255, colours & 255], axis=1).astype(np.uint8)
