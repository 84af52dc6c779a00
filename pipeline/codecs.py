"""Content codings: what is asked for with Accept-Encoding, and how it is undone without trusting the sender.

gzip and deflate by the standard library, br and zstd by one small library each. A coding that was not asked for is
refused before a byte of it is decoded. Each layer yields its output in pieces of bounded size, which are counted
before the next one is made: what a bomb costs is one piece and one window a layer, whatever it would unfold to.
"""

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Final, Protocol

import brotli

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

__all__ = ["ACCEPT_ENCODING", "BODY_HEADERS", "CODINGS", "BodyDecoder", "BodyTooLarge", "CodingError", "zstd"]

BODY_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that describe the bytes on the wire and are untrue of a decoded body."""

MAX_LAYERS = 2
MAX_MEMBERS = 1024
STEP = 65_536
"""Bytes that a layer may yield at once, or little more: what a bomb can cost before it is counted."""

ZSTD_WINDOW_LOG = 23
"""8 MiB, the largest window that a server may use for a content coding (RFC 9659); brotli's ends at 16 MiB."""


class CodingError(Exception):
    """The body is not in the coding it claims, or in one that was not asked for."""


class BodyTooLarge(Exception):
    """The body, or one of its layers, passed the cap."""


class BodyDecoder:
    """Undoes the codings of one body, piece by piece; no layer may yield more than `cap` bytes."""

    def __init__(self, content_encoding: str, cap: int) -> None:
        """Take a Content-Encoding header as sent, its lines joined by commas. Raises CodingError."""
        names = [part.strip() for part in content_encoding.lower().split(",")]
        codings = [name for name in names if name not in ("", "identity")]
        if len(codings) > MAX_LAYERS:
            raise CodingError(f"{len(codings)} content codings in one another")
        for coding in codings:
            if coding not in CODINGS:
                raise CodingError(f"content coding {coding!r} was not asked for")
        self._layers = [CODINGS[coding]() for coding in reversed(codings)]
        self._counts = [0] * (len(codings) + 1)
        self._cap = cap
        # What can't be compressed grows a little by the attempt, and may be padded.
        self._coded_cap = cap + cap // 100 + 1024
        self._body = bytearray()

    def feed(self, data: bytes) -> None:
        """Take bytes from the wire. Raises CodingError, and BodyTooLarge once the cap is passed."""
        self._push(0, data)

    def finish(self) -> bytes:
        """Return the whole body. Raises CodingError for one that breaks off."""
        # Some servers label an empty body as compressed: nothing was promised and nothing is missing.
        if self._counts[0] and not all(layer.is_complete for layer in self._layers):
            raise CodingError("the compressed body breaks off")
        return bytes(self._body)

    def head(self) -> bytes:
        """Return what came so far, `cap` bytes at most."""
        return bytes(self._body)

    def _push(self, depth: int, data: bytes) -> None:
        self._counts[depth] += len(data)
        if depth == len(self._layers):
            self._body += data[: self._cap - len(self._body)]
        if self._counts[depth] > (self._cap if depth == len(self._layers) else self._coded_cap):
            raise BodyTooLarge
        if depth < len(self._layers):
            for piece in self._layers[depth].decode(data):
                self._push(depth + 1, piece)


class _Layer(Protocol):
    """One coding of one body."""

    @property
    def is_complete(self) -> bool:
        """Whether what came so far is a whole."""
        ...

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` decodes to, about STEP bytes at a time. Raises CodingError."""
        ...


class _Inflate:
    """gzip of one or more members, or deflate with or without its zlib header (servers differ)."""

    def __init__(self, *, is_gzip: bool) -> None:
        self._is_gzip = is_gzip
        self._stream: zlib._Decompress | None = None
        self._head = b""
        self._members = 0

    @property
    def is_complete(self) -> bool:
        return self._stream is not None and self._stream.eof

    def decode(self, data: bytes) -> Iterator[bytes]:
        data = self._head + data
        self._head = b""
        piece = b""
        # A full piece may have left output behind in the stream although its input is used up.
        while data or len(piece) == STEP:
            if self._stream is None or (self._is_gzip and self._stream.eof):
                if len(data) < 2:
                    self._head = data
                    return
                if self._stream is not None and not _is_gzip(data):
                    data = b""  # padding after the last member, which every client overlooks
                    continue
                self._members = _counted(self._members)
                self._stream = self._next_stream(data)
            try:
                piece = self._stream.decompress(data, STEP)
            except zlib.error as error:
                raise _damaged(error) from None
            if self._stream.eof:
                data = self._stream.unused_data if self._is_gzip else b""
            else:
                data = self._stream.unconsumed_tail
            if piece:
                yield piece

    def _next_stream(self, data: bytes) -> "zlib._Decompress":
        if self._is_gzip:
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        # RFC 1950: the low four bits are 8, and both bytes together a multiple of 31.
        has_header = data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
        return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


class _Brotli:
    """br: one stream (RFC 7932). The library's windows end at 16 MiB unless told otherwise."""

    def __init__(self) -> None:
        self._stream = brotli.Decompressor()

    @property
    def is_complete(self) -> bool:
        return bool(self._stream.is_finished())

    def decode(self, data: bytes) -> Iterator[bytes]:
        piece = b""
        # A full piece may have left more behind, or just the mark of the end, although all input is used up.
        while data or piece or not self._stream.can_accept_more_data():
            try:
                piece = self._stream.process(data, output_buffer_limit=STEP)
            except brotli.error as error:
                raise _damaged(error) from None
            data = b""
            if piece:
                yield piece


class _Zstd:
    """zstd: one or more frames (RFC 8878), none with a window beyond the one that servers may use."""

    def __init__(self) -> None:
        self._stream: zstd.ZstdDecompressor | None = None
        self._frames = 0

    @property
    def is_complete(self) -> bool:
        return self._stream is not None and self._stream.eof

    def decode(self, data: bytes) -> Iterator[bytes]:
        while data or not (self._stream is None or self._stream.eof or self._stream.needs_input):
            if self._stream is None or self._stream.eof:
                self._frames = _counted(self._frames)
                self._stream = zstd.ZstdDecompressor(
                    options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG}
                )
            try:
                piece = self._stream.decompress(data, STEP)
            except zstd.ZstdError as error:
                raise _damaged(error) from None
            data = self._stream.unused_data if self._stream.eof else b""
            if piece:
                yield piece


CODINGS: Final[dict[str, Callable[[], _Layer]]] = {
    "gzip": lambda: _Inflate(is_gzip=True),
    "x-gzip": lambda: _Inflate(is_gzip=True),
    "deflate": lambda: _Inflate(is_gzip=False),
    "br": _Brotli,
    "zstd": _Zstd,
}

ACCEPT_ENCODING: Final = "gzip, deflate, br, zstd"


def _counted(members: int) -> int:
    """Count one more member of a body, each of which costs a decoder of its own."""
    if members >= MAX_MEMBERS:
        raise CodingError(f"more than {MAX_MEMBERS} compressed members")
    return members + 1


def _damaged(error: Exception) -> CodingError:
    return CodingError(f"the compressed body is damaged: {error}")


def _is_gzip(data: bytes) -> bool:
    return data.startswith(b"\x1f\x8b")
