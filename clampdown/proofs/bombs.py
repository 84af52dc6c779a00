"""Compressed bombs: ten gigabytes in a few kilobytes, served over HTTP to a process that is weighed while it fetches.

`bomb_claims` is part of the proof `hostile`. Run as a module, this file is the process that is weighed.
"""

import json
import re
import resource
import subprocess
import sys
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import brotli

from clampdown.proofs.claims import Claim, Tell
from clampdown.proofs.webserver import HTTPServer, Reply
from pipeline.codecs import CODINGS, zstd
from pipeline.errors import TooLarge
from pipeline.fetch import FetchSession
from pipeline.settings import FetchSettings
from pipeline.types import FetchRequest, Response

SIZE = 10_000_000_000
"""Bytes that a bomb would unfold to: zeros."""

BLOCK = 10_000_000
CRC = 0x2AF1CC17
"""The CRC-32 of SIZE zeros, which ends a gzip stream. The long form of the proof unfolds one and so checks it."""

SINGLE = ("gzip", "br", "zstd")
NESTED = tuple((inner, outer) for inner in SINGLE for outer in SINGLE)
NESTED_SHORT = (("gzip", "br"), ("zstd", "gzip"), ("br", "zstd"))

MAX_GROWTH = 64
MAX_SECONDS = 5.0
PATIENCE = 120.0
"""Seconds after which a process that fetches is given up."""


@dataclass(frozen=True, slots=True)
class Weight:
    """How one fetch ended, after how many seconds, and by how many MB all so far raised the peak of memory."""

    ended: str
    seconds: float
    growth: float


def bomb_claims(tell: Tell, *, short: bool) -> list[Claim]:
    """Fetch all bombs in one process of their own. The short form takes fewer nestings and unfolds none to the end."""
    singles = {coding: _bomb(coding) for coding in SINGLE}
    bombs: dict[tuple[str, ...], bytes] = {(coding,): wire for coding, wire in singles.items()}
    for inner, outer in NESTED_SHORT if short else NESTED:
        bombs[inner, outer] = b"".join(PACKERS[outer]([singles[inner]]))
    replies = {codings: _packed(codings, wire) for codings, wire in bombs.items()}
    routes = {f"/{number}": reply for number, reply in enumerate(replies.values())}
    texts = [f"a bomb of 10 GB in {' in '.join(codings)}, {len(wire):,} bytes" for codings, wire in bombs.items()]
    claims = [] if short else [_unfold(coding, wire, tell) for coding, wire in singles.items()]
    with (
        HTTPServer(routes) as server,
        HTTPServer({"/robots.txt": replies["gzip", "br"], "/": Reply(body=b"plain")}) as behind_bomb,
    ):
        tell(f"fetching {len(bombs)} bombs of 10 GB")
        found = _weighed([*map(server.url, routes), behind_bomb.url("/")])
    expected = [TooLarge.__name__] * len(texts) + [Response.__name__]
    texts.append("a page whose robots.txt is a bomb of 10 GB")
    return claims + list(map(_claim, texts, expected, found))


def _packed(codings: tuple[str, ...], wire: bytes) -> Reply:
    return Reply(body=wire, headers={"Content-Encoding": ", ".join(codings)})


def _weighed(urls: list[str]) -> list[Weight | str]:
    """Fetch `urls` one after the other in another process. Return for each how it went, or why nothing is known."""
    command = [sys.executable, "-m", "clampdown.proofs.bombs", *urls]
    try:
        done = subprocess.run(command, capture_output=True, timeout=PATIENCE, check=False)  # noqa: S603 - this program
        output, fate = done.stdout, f"the process ended with {done.returncode}"
    except subprocess.TimeoutExpired as error:
        output, fate = error.stdout or b"", f"no end in {PATIENCE:g} s"
    found: list[Weight | str] = [Weight(**json.loads(line)) for line in output.splitlines()]
    return found + [fate] * (len(urls) - len(found))


def _claim(text: str, expected: str, found: Weight | str) -> Claim:
    promised = f"{expected}, ≤ {MAX_GROWTH} MB more, ≤ {MAX_SECONDS:g} s"
    if isinstance(found, str):
        return Claim(text, found, promised, holds=False)
    measured = f"{found.ended}, {found.growth:.1f} MB more, {found.seconds:.2f} s"
    holds = found.ended == expected and found.growth <= MAX_GROWTH and found.seconds <= MAX_SECONDS
    return Claim(text, measured, promised, holds=holds)


def _unfold(coding: str, wire: bytes, tell: Tell) -> Claim:
    """Hold a bomb against what it claims to be."""
    tell(f"unfolding {coding} to its end")
    layer = CODINGS[coding]()
    size = sum(map(len, layer.decode(wire)))
    measured = f"{size:,} bytes" + ("" if layer.is_complete else ", broken off")
    return Claim(
        f"{len(wire):,} bytes of {coding} would unfold to", measured, f"{SIZE:,} bytes", measured == f"{SIZE:,} bytes"
    )


def _bomb(coding: str) -> bytes:
    """SIZE zeros. A flushed block of zeros packs the same each time after the first, so few make a bomb of any size."""
    zeros = bytes(BLOCK)
    first, again, end = PACKERS[coding]([zeros, zeros])
    if coding == "gzip":
        end = end[:-8] + CRC.to_bytes(4, "little") + (SIZE % 2**32).to_bytes(4, "little")
    return first + again * (SIZE // BLOCK - 1) + end


def _gzip(blocks: Iterable[bytes]) -> list[bytes]:
    packer = zlib.compressobj(9, wbits=16 + zlib.MAX_WBITS)
    pieces = [packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH) for block in blocks]
    return [*pieces, packer.flush()]


def _br(blocks: Iterable[bytes]) -> list[bytes]:
    packer = brotli.Compressor(quality=5)
    pieces = [packer.process(block) + packer.flush() for block in blocks]
    return [*pieces, packer.finish()]


def _zstd(blocks: Iterable[bytes]) -> list[bytes]:
    packer = zstd.ZstdCompressor()
    return [*(packer.compress(block, packer.FLUSH_BLOCK) for block in blocks), packer.flush()]


PACKERS: Final[dict[str, Callable[[Iterable[bytes]], list[bytes]]]] = {"gzip": _gzip, "br": _br, "zstd": _zstd}
"""Blocks to the flushed piece of each, and what ends the stream."""


def _weigh(urls: list[str]) -> None:
    """Fetch `urls` and print for each a line of JSON: a Weight."""
    settings = FetchSettings(host_gap=0, retries=0, allow_hosts=("127.0.0.1",))
    with FetchSession(settings) as session:
        before = _peak()
        for url in urls:
            start = time.monotonic()
            (result,) = session.fetch_all([FetchRequest(url)])
            seconds = time.monotonic() - start
            weight = Weight(type(result).__name__, seconds, (_peak() - before) / 1e6)
            print(json.dumps(asdict(weight)), flush=True)


def _peak() -> int:
    """The most memory that this process ever had resident, in bytes."""
    # Linux hands ru_maxrss down from the process that started this one, which may have been larger.
    status = Path("/proc/self/status")
    if status.exists() and (line := re.search(r"^VmHWM:\s*(\d+) kB", status.read_text(), re.MULTILINE)):
        return int(line[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


if __name__ == "__main__":
    _weigh(sys.argv[1:])
