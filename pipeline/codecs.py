"""Content codings: what is asked for with Accept-Encoding, and how it is undone without trusting the sender.

gzip and deflate only, both from the standard library: every server speaks them, and a coding that was not asked for is
refused before a byte of it is decoded.
"""

import zlib
from collections.abc import Iterator

ACCEPT_ENCODING = "gzip, deflate"
BODY_HEADERS = frozenset({"content-encoding", "content-length", "transfer-encoding"})
"""Headers that describe the bytes on the wire and are untrue of a decoded body."""

MAX_LAYERS = 2
MAX_MEMBERS = 1024
STEP = 65_536
"""Bytes that a layer may yield at once: what a bomb can cost before it is counted."""


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
        self._layers = [_Inflate(coding) for coding in reversed(codings)]
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


class _Inflate:
    """One layer: gzip of one or more members, or deflate with or without its zlib header (servers differ)."""

    def __init__(self, coding: str) -> None:
        if coding not in ("gzip", "x-gzip", "deflate"):
            raise CodingError(f"content coding {coding!r} was not asked for")
        self._is_gzip = coding != "deflate"
        self._stream: zlib._Decompress | None = None
        self._head = b""
        self._members = 0

    @property
    def is_complete(self) -> bool:
        return self._stream is not None and self._stream.eof

    def decode(self, data: bytes) -> Iterator[bytes]:
        """Yield what `data` decodes to, at most STEP bytes at a time. Raises CodingError."""
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
                self._stream = self._next_stream(data)
            try:
                piece = self._stream.decompress(data, STEP)
            except zlib.error as error:
                raise CodingError(f"the compressed body is damaged: {error}") from None
            if self._stream.eof:
                data = self._stream.unused_data if self._is_gzip else b""
            else:
                data = self._stream.unconsumed_tail
            if piece:
                yield piece

    def _next_stream(self, data: bytes) -> "zlib._Decompress":
        self._members += 1
        if self._members > MAX_MEMBERS:
            raise CodingError(f"more than {MAX_MEMBERS} gzip members")
        if self._is_gzip:
            return zlib.decompressobj(16 + zlib.MAX_WBITS)
        # RFC 1950: the low four bits are 8, and both bytes together a multiple of 31.
        has_header = data[0] & 0x0F == 8 and (data[0] << 8 | data[1]) % 31 == 0
        return zlib.decompressobj(zlib.MAX_WBITS if has_header else -zlib.MAX_WBITS)


def _is_gzip(data: bytes) -> bool:
    return data.startswith(b"\x1f\x8b")
