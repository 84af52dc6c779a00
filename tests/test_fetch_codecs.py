"""Content codings: whatever a sender does, no more comes out than the cap, and nothing but two errors."""

import gzip
import random
import tracemalloc
import zlib
from collections.abc import Callable

import brotli
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.codecs import (
    ACCEPT_ENCODING,
    CODINGS,
    MAX_MEMBERS,
    STEP,
    ZSTD_WINDOW_LOG,
    BodyDecoder,
    BodyTooLarge,
    CodingError,
    zstd,
)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(data) + packer.flush()


PACK: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    "identity": bytes,
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "Deflate": raw_deflate,
    "br": brotli.compress,
    "zstd": zstd.compress,
    "gzip, deflate": lambda data: zlib.compress(gzip.compress(data)),
    "deflate , GZIP": lambda data: gzip.compress(raw_deflate(data)),
    "br, gzip": lambda data: gzip.compress(brotli.compress(data)),
    "gzip, br": lambda data: brotli.compress(gzip.compress(data)),
    "zstd, br": lambda data: brotli.compress(zstd.compress(data)),
    "br, zstd": lambda data: zstd.compress(brotli.compress(data)),
    "zstd, zstd": lambda data: zstd.compress(zstd.compress(data)),
}
SINGLE = {coding: pack for coding, pack in PACK.items() if "," not in coding and coding.lower() in CODINGS}


def decode(coding: str, wire: bytes, *, cap: int, step: int) -> bytes:
    decoder = BodyDecoder(coding, cap)
    for start in range(0, len(wire), step):
        decoder.feed(wire[start : start + step])
    return decoder.finish()


@given(st.sampled_from(sorted(PACK)), st.binary(max_size=3000), st.integers(1, 500))
def test_what_was_packed_comes_out_however_it_is_cut(coding: str, data: bytes, step: int) -> None:
    assert decode(coding, PACK[coding](data), cap=10_000, step=step) == data


@pytest.mark.parametrize("coding", PACK)
@pytest.mark.parametrize("size", [STEP - 1, STEP, STEP + 1, 10 * STEP])
def test_bodies_of_whole_steps_come_out_whole(coding: str, size: int) -> None:
    data = b"a" * size
    assert decode(coding, PACK[coding](data), cap=size, step=STEP) == data
    with pytest.raises(BodyTooLarge):
        decode(coding, PACK[coding](data), cap=size - 1, step=STEP)


@pytest.mark.parametrize("coding", PACK)
def test_a_body_of_just_the_cap_comes_out_even_if_packing_made_it_larger(coding: str) -> None:
    data = random.Random(1).randbytes(200_000)
    assert decode(coding, PACK[coding](data), cap=len(data), step=STEP) == data


@given(st.sampled_from(sorted(PACK)), st.binary(max_size=300), st.integers(1, 50), st.integers(0, 200))
def test_garbage_yields_known_errors_and_no_more_than_the_cap(coding: str, wire: bytes, step: int, cap: int) -> None:
    decoder = BodyDecoder(coding, cap)
    try:
        for start in range(0, len(wire), step):
            decoder.feed(wire[start : start + step])
        decoder.finish()
    except (CodingError, BodyTooLarge):
        pass
    assert len(decoder.head()) <= cap


@given(st.sampled_from(sorted(set(PACK) - {"", "identity"})), st.binary(min_size=1, max_size=500), st.data())
def test_a_body_that_breaks_off_is_an_error(coding: str, data: bytes, draw: st.DataObject) -> None:
    wire = PACK[coding](data)
    cut = draw.draw(st.integers(1, len(wire) - 1))
    with pytest.raises(CodingError):
        decode(coding, wire[:cut], cap=10_000, step=100)


@given(st.sampled_from(sorted(PACK)), st.binary(min_size=1, max_size=300), st.data())
def test_a_damaged_body_yields_known_errors(coding: str, data: bytes, draw: st.DataObject) -> None:
    wire = bytearray(PACK[coding](data))
    for _ in range(draw.draw(st.integers(1, 4))):
        wire[draw.draw(st.integers(0, len(wire) - 1))] = draw.draw(st.integers(0, 255))
    try:
        decode(coding, bytes(wire), cap=10_000, step=100)
    except (CodingError, BodyTooLarge):
        pass


def test_what_is_asked_for_is_what_can_be_decoded() -> None:
    assert {coding.strip() for coding in ACCEPT_ENCODING.split(",")} == set(CODINGS) - {"x-gzip"}


def test_members_are_joined_and_padding_is_overlooked() -> None:
    wire = gzip.compress(b"one ") + gzip.compress(b"two")
    for padding in (b"", b"\0", b"\0" * 600, b"junk"):
        assert decode("gzip", wire + padding, cap=100, step=7) == b"one two"


@pytest.mark.parametrize("step", [1, 7, 1000])
def test_frames_are_joined_and_skippable_ones_skipped(step: int) -> None:
    skippable = b"\x50\x2a\x4d\x18" + (5).to_bytes(4, "little") + b"notes"
    wire = zstd.compress(b"one ") + skippable + zstd.compress(b"two")
    assert decode("zstd", wire, cap=100, step=step) == b"one two"


@pytest.mark.parametrize("coding", ["br", "zstd"])
@pytest.mark.parametrize("step", [5, 1000])
def test_junk_after_the_end_is_damage(coding: str, step: int) -> None:
    with pytest.raises(CodingError):
        decode(coding, SINGLE[coding](b"abc") + b"junk and more", cap=100, step=step)


@pytest.mark.parametrize(("log", "fits"), [(ZSTD_WINDOW_LOG, True), (ZSTD_WINDOW_LOG + 1, False), (31, False)])
def test_a_window_beyond_what_servers_may_use_is_refused(log: int, fits: bool) -> None:
    # Magic number; a descriptor with nothing but a window; the window; one last block of one repeated byte.
    wire = b"\x28\xb5\x2f\xfd\x00" + bytes([(log - 10) << 3]) + (1 | 1 << 1 | 9 << 3).to_bytes(3, "little") + b"x"
    if fits:
        assert decode("zstd", wire, cap=100, step=100) == b"x" * 9
    else:
        with pytest.raises(CodingError):
            decode("zstd", wire, cap=100, step=100)


def test_an_empty_body_may_be_labelled_as_compressed() -> None:
    assert BodyDecoder("gzip", 10).finish() == b""


@pytest.mark.parametrize("coding", ["compress", "aes128gcm", "dcb", "dcz", "gzip, lzma", "gzip, gzip, gzip"])
def test_codings_that_were_not_asked_for_are_refused_before_the_first_byte(coding: str) -> None:
    with pytest.raises(CodingError):
        BodyDecoder(coding, 10)


@pytest.mark.parametrize("outer", SINGLE)
@pytest.mark.parametrize("inner", ["", *SINGLE])
def test_a_bomb_costs_the_cap_and_no_more(inner: str, outer: str) -> None:
    wire = PACK[outer](PACK[inner](bytes(20_000_000)))
    tracemalloc.start()
    with pytest.raises(BodyTooLarge):
        decode(f"{inner}, {outer}", wire, cap=1_000_000, step=STEP)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000


def test_a_layer_between_is_counted_too() -> None:
    # Two million bytes of empty gzip members inside one: nothing would ever come out, at the price of all the work.
    wire = gzip.compress(gzip.compress(b"") * 100_000)
    with pytest.raises(CodingError, match=f"more than {MAX_MEMBERS}"):
        decode("gzip, gzip", wire, cap=10_000_000, step=STEP)
    with pytest.raises(CodingError, match=f"more than {MAX_MEMBERS}"):
        decode("zstd, zstd", zstd.compress(zstd.compress(b"") * 100_000), cap=10_000_000, step=STEP)
    with pytest.raises(BodyTooLarge):
        decode("gzip, gzip", gzip.compress(gzip.compress(random.Random(1).randbytes(2000))), cap=100, step=STEP)
