"""OPML: other readers' lists in, ours out, and nothing in them that does harm."""

import tarfile
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from cost import cost
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pipeline.errors import SourceListError
from pipeline.opml import opml_from_sources, sources_from_opml
from pipeline.sources import default_sources, parse_sources, render_sources
from pipeline.types import Source
from pipeline.urls import canonical_url

LIST = """<?xml version="1.0" encoding="UTF-8"?>
<opml version="2.0"><head><title>Mine</title></head><body>
  <outline text="News"><outline text="Asia">
    <outline type="rss" text="Wire &amp; Co" title="Wire &amp; Co" xmlUrl="https://wire.example.com/rss" htmlUrl="https://wire.example.com/"/>
    <outline type="rss" text="Twice" xmlUrl="http://www.wire.example.com/rss/"/>
  </outline></outline>
  <OUTLINE TEXT="Loud" XMLURL="feed://loud.example.com/atom" category="/Tech/AI,Rights" language="en-us"/>
  <outline text="No feed here"/>
  <outline text="Bad" xmlUrl="javascript:alert(1)"/>
</body></opml>"""


def test_a_list_is_read() -> None:
    assert sources_from_opml(LIST.encode()) == (
        Source(
            "wire-example-com-rss",
            "Wire & Co",
            "https://wire.example.com/rss",
            homepage="https://wire.example.com/",
            language=None,
            topics=("News", "Asia"),
        ),
        Source("loud-example-com-atom", "Loud", "http://loud.example.com/atom", topics=("Tech", "AI", "Rights")),
    )


@pytest.mark.parametrize(
    "data",
    [
        b'<opml><body><outline text="AT&T" xmlUrl="https://a.example.com/rss?x=1&y=2"></body>',
        b'<opml><body><outline text="A < B" xmlUrl="https://a.example.com/rss?x=1&y=2" />',
        b"<outline xmlUrl='https://a.example.com/rss?x=1&amp;y=2' text='a'",
        '<?xml version="1.0" encoding="utf-8"?><opml><body><outline text="Caf\u00e9" xmlUrl="https://a.example.com/rss?x=1&amp;y=2"/>'.encode(
            "cp1252"
        ),
    ],
)
def test_broken_lists_are_read(data: bytes) -> None:
    assert [source.url for source in sources_from_opml(data)] == ["https://a.example.com/rss?x=1&y=2"]


@pytest.mark.parametrize(
    "data", [b"", b"not xml", b"<opml><body/></opml>", b"<html><body>404</body></html>", b"\x00\x01"]
)
def test_a_file_without_feeds_is_refused(data: bytes) -> None:
    with pytest.raises(SourceListError, match="lists no feeds") as caught:
        sources_from_opml(data)
    assert caught.value.hint


def test_entities_neither_grow_nor_fetch(tmp_path: Path) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("SECRET")
    levels = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
    bomb = f"""<?xml version="1.0"?>
<!DOCTYPE opml [<!ENTITY l0 "lol">{levels}<!ENTITY f SYSTEM "file://{secret}">
<!ENTITY % p SYSTEM "http://127.0.0.1:9/x.dtd">]>
<opml><body><outline text="&l11; &f;" xmlUrl="https://a.example.com/rss"/></body></opml>"""
    with cost() as spent:
        (source,) = sources_from_opml(bomb.encode())
    assert spent.seconds < 2
    assert len(source.name) < 100
    assert "SECRET" not in source.name


def test_ids_do_not_depend_on_the_list() -> None:
    again = sources_from_opml(LIST.replace("Wire &amp; Co", "Renamed").encode())
    assert [source.id for source in again] == [source.id for source in sources_from_opml(LIST.encode())]


def test_addresses_that_make_one_id_are_told_apart() -> None:
    data = b'<opml><outline xmlUrl="https://a-b.example.com/x"/><outline xmlUrl="https://a.b.example.com/x"/></opml>'
    listed = sources_from_opml(data)
    assert len({source.id for source in listed}) == 2
    assert parse_sources(render_sources(listed), name="s.toml") == listed


def test_the_default_list_goes_out_and_comes_back() -> None:
    listed = parse_sources(default_sources(), name="defaults")
    document = opml_from_sources(listed)
    ET.fromstring(document)
    back = sources_from_opml(document.encode())
    kept = ("name", "url", "homepage", "language", "topics")
    assert [[getattr(one, key) for key in kept] for one in back] == [
        [getattr(one, key) for key in kept] for one in listed
    ]


@settings(deadline=None)
@given(st.text(max_size=30), st.text(max_size=20))
@example("]]>", "a < b & c > d")
def test_any_name_makes_well_formed_xml(name: str, topic: str) -> None:
    listed = (
        Source(
            "a",
            name.encode("utf-8", "ignore").decode(),
            "https://a.example.com/",
            topics=(topic.encode("utf-8", "ignore").decode(),),
        ),
    )
    ET.fromstring(opml_from_sources(listed, title=listed[0].name))


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    for body in (data, b"<opml><outline xmlUrl='https://a.example.com/' text='" + data):
        try:
            listed = sources_from_opml(body)
        except SourceListError:
            continue
        assert parse_sources(render_sources(listed), name="s.toml") == listed


def test_real_lists(shared: Path) -> None:
    """118 lists of real readers, 80 of them malformed: all are read, and hold 775 feeds between them."""
    urls = set()
    files = malformed = 0
    with tarfile.open(shared / "corpus" / "feeds_opml.tar.gz") as archive:
        for member in archive:
            handle = archive.extractfile(member) if member.name.endswith(".opml") else None
            if handle is None:
                continue
            files += 1
            data = handle.read()
            try:
                ET.fromstring(data)
            except ET.ParseError:
                malformed += 1
            listed = sources_from_opml(data)
            assert parse_sources(render_sources(listed), name=member.name) == listed
            urls |= {canonical_url(source.url) for source in listed}
    assert (files, malformed) == (118, 80)
    assert len(urls) == 775
