"""Content codings: whatever a sender does, no more comes out than the cap, and nothing but two errors."""

import gzip
import random
import tracemalloc
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.codecs import MAX_MEMBERS, STEP, BodyDecoder, BodyTooLarge, CodingError


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
    "gzip, deflate": lambda data: zlib.compress(gzip.compress(data)),
    "deflate , GZIP": lambda data: gzip.compress(raw_deflate(data)),
}


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


@given(st.binary(min_size=1, max_size=500), st.data())
def test_a_body_that_breaks_off_is_an_error(data: bytes, draw: st.DataObject) -> None:
    wire = gzip.compress(data)
    cut = draw.draw(st.integers(1, len(wire) - 1))
    with pytest.raises(CodingError):
        decode("gzip", wire[:cut], cap=10_000, step=100)


def test_members_are_joined_and_padding_is_overlooked() -> None:
    wire = gzip.compress(b"one ") + gzip.compress(b"two")
    for padding in (b"", b"\0", b"\0" * 600, b"junk"):
        assert decode("gzip", wire + padding, cap=100, step=7) == b"one two"


def test_an_empty_body_may_be_labelled_as_compressed() -> None:
    assert BodyDecoder("gzip", 10).finish() == b""


@pytest.mark.parametrize("coding", ["br", "zstd", "compress", "aes128gcm", "gzip, br", "gzip, gzip, gzip"])
def test_codings_that_were_not_asked_for_are_refused_before_the_first_byte(coding: str) -> None:
    with pytest.raises(CodingError):
        BodyDecoder(coding, 10)


def test_a_bomb_costs_the_cap_and_no_more() -> None:
    size = 50_000_000
    bomb = gzip.compress(gzip.compress(bytes(size)))
    for coding in ("gzip", "gzip, gzip"):
        wire = bomb if "," in coding else gzip.decompress(bomb)
        tracemalloc.start()
        with pytest.raises(BodyTooLarge):
            decode(coding, wire, cap=1_000_000, step=STEP)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 4_000_000


def test_a_layer_between_is_counted_too() -> None:
    # Two million bytes of empty gzip members inside one: nothing would ever come out, at the price of all the work.
    wire = gzip.compress(gzip.compress(b"") * 100_000)
    with pytest.raises(CodingError, match=f"more than {MAX_MEMBERS}"):
        decode("gzip, gzip", wire, cap=10_000_000, step=STEP)
    with pytest.raises(BodyTooLarge):
        decode("gzip, gzip", gzip.compress(gzip.compress(random.Random(1).randbytes(2000))), cap=100, step=STEP)
