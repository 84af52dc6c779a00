"""Source lists: what is written is read back, and each mistake is named with its place and the way out."""

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.errors import SourceListError
from pipeline.sources import default_sources, load_sources, new_sources, parse_sources, render_sources
from pipeline.types import Source

ONE = '[[source]]\nid = "one"\nname = "One"\nurl = "https://example.com/one"\n'


def test_a_list_is_read(tmp_path: Path) -> None:
    path = tmp_path / "sources.toml"
    path.write_text(
        "\ufeff# mine\n"
        + ONE
        + 'homepage = "https://example.com/"\ncountry = "GB"\nlanguage = ""\nowner = "Ex"\n'
        + 'topics = ["technology"]\nenabled = false\nitems_per_week = 40\n\n'
        + ONE.replace("one", "two").replace("One", "Two"),
        encoding="utf-8",
    )
    assert load_sources(path) == (
        Source(
            "one",
            "One",
            "https://example.com/one",
            "https://example.com/",
            "GB",
            None,
            "Ex",
            ("technology",),
            False,
            40.0,
        ),
        Source("two", "Two", "https://example.com/two"),
    )


def test_an_empty_list_is_a_list() -> None:
    assert parse_sources("# nothing yet\n", name="s.toml") == ()


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[[source]]\nid = one", r"s\.toml: Invalid value.*line 2", "TOML"),
        ("[[sources]]\nid = 'a'", r"s\.toml: unknown key 'sources'", r"\[\[source\]\]"),
        ("[source]\nid = 'a'", r"s\.toml: `source` is no list", "two brackets"),
        ("source = [1]", "no list of tables", "two brackets"),
        (
            f"{ONE}\n{ONE.replace('name', 'nmae')}",
            r"line 6, source 2 \(one\): unknown key 'nmae'",
            "Did you mean 'name'",
        ),
        (f"{ONE}zzz = 1", "unknown key 'zzz'", "Known keys: id, name"),
        ('[[source]]\nid = "a"\nname = "A"', r"line 1, source 1 \(a\): 'url' is missing", "id, name, url"),
        (ONE.replace('"one"', '"One Two"'), "id = 'One Two' can't be used", "lower-case"),
        (ONE.replace('"One"', '" "'), "name = ' ' can't be used", "a name"),
        (ONE.replace("https://example.com/one", "example.com/one"), "url = 'example.com/one'", "http"),
        (ONE.replace("https", "ftp"), "url = 'ftp:", "http"),
        (f"{ONE}homepage = 'javascript:x'", "homepage", "http"),
        (f"{ONE}country = 'Britain'", "country = 'Britain'", "two capital letters"),
        (f"{ONE}language = 'English'", "language = 'English'", "such as en"),
        (f"{ONE}owner = 5", "owner = 5", "a text in quotes"),
        (f"{ONE}topics = 'technology'", "topics = 'technology'", "a list of texts"),
        (f"{ONE}enabled = 'yes'", "enabled = 'yes'", "true or false"),
        (f"{ONE}items_per_week = 0", "items_per_week = 0", "above 0"),
        (f"{ONE}items_per_week = true", "items_per_week = True", "above 0"),
        (f"{ONE}items_per_week = nan", "items_per_week = nan", "above 0"),
        (f"{ONE}\n{ONE}", r"line 6, source 2 \(one\) has the same id as one", "Remove or rename"),
        (
            ONE + ONE.replace('"one"', '"two"').replace("https://example.com/one", "http://www.example.com/one/"),
            "source 2 .two. has the same URL as one",
            "Remove or rename",
        ),
    ],
)
def test_mistakes_are_named(text: str, message: str, hint: str) -> None:
    with pytest.raises(SourceListError, match=message) as caught:
        parse_sources(text, name="s.toml")
    assert re.search(hint, caught.value.hint or "")


def test_a_missing_file_says_how_to_get_one(tmp_path: Path) -> None:
    with pytest.raises(SourceListError, match=r"none\.toml does not exist") as caught:
        load_sources(tmp_path / "none.toml")
    assert "clampdown init" in (caught.value.hint or "")


def test_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(SourceListError, match="can't be read"):
        load_sources(tmp_path)
    (tmp_path / "latin.toml").write_bytes(b"# caf\xe9\n")
    with pytest.raises(SourceListError, match="not UTF-8"):
        load_sources(tmp_path / "latin.toml")


def test_a_line_is_named_only_where_it_is_sure() -> None:
    text = '[[source]]\nid = "a"\nname = """\n[[source]]\n"""\nurl = "nope"\n'
    with pytest.raises(SourceListError, match=r"^s\.toml: source 1 \(a\)"):
        parse_sources(text, name="s.toml")


TEXT = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).map(str.strip).filter(bool)


@st.composite
def sources(draw: st.DrawFn) -> Source:
    identifier = draw(st.from_regex(r"[a-z0-9]([a-z0-9._-]{0,20}[a-z0-9])?", fullmatch=True))
    return Source(
        id=identifier,
        name=draw(TEXT),
        url=f"https://example.com/{identifier}",
        homepage=draw(st.none() | st.just("https://example.com/?a=1&b=2")),
        country=draw(st.none() | st.sampled_from(["GB", "EU"])),
        language=draw(st.sampled_from(["en", "ko", None])),
        owner=draw(st.none() | TEXT),
        topics=tuple(draw(st.lists(TEXT, max_size=3))),
        enabled=draw(st.booleans()),
        items_per_week=draw(st.none() | st.floats(0.1, 10_000)),
    )


@settings(deadline=None)
@given(st.lists(sources(), max_size=4, unique_by=(lambda source: source.id)))
def test_what_is_rendered_is_read_back(listed: list[Source]) -> None:
    assert parse_sources(render_sources(listed), name="s.toml") == tuple(listed)


def test_the_list_to_start_from() -> None:
    text = default_sources()
    listed = parse_sources(text, name="defaults")
    assert len(listed) >= 100
    assert "not been tried from here" in text.replace("\n# ", " ")
    for source in listed:
        assert source.language == "en"
        assert source.homepage
        assert source.owner
        assert source.country
        assert source.topics
        assert source.url.startswith("https://")
    assert len({source.country for source in listed}) >= 30


def test_only_what_is_new_is_added() -> None:
    present = (Source("one", "One", "https://example.com/one"),)
    found = (
        Source("x", "The same feed", "http://www.example.com/one/"),
        Source("one", "Another feed", "https://example.org/other"),
        Source("two", "Two", "https://example.com/two"),
        Source("three", "Two again", "https://example.com/two"),
    )
    added = new_sources(present, found)
    assert [source.url for source in added] == ["https://example.org/other", "https://example.com/two"]
    assert added[0].id.startswith("one-")
    assert parse_sources(render_sources((*present, *added)), name="s.toml") == (*present, *added)
