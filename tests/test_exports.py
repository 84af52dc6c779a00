"""Exports of a snapshot full of payloads: nothing runs, and everything comes back as it was."""

import csv
import io
import json
import re
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clampdown.proofs import exports as proof
from clampdown.proofs import hostile_words, readback
from clampdown.proofs.payloads import ALL, FORMULAS
from pipeline.errors import InputError
from reports.exports import FORMATS, Wanted, export, format_of
from reports.exports.cells import as_json, as_text, guarded, plain, unguarded
from reports.exports.comma_separated import csv_line
from reports.exports.excel import write_workbook
from reports.shapes import country_shapes
from warehouse.rows import NeedsMemory, RowSource

TEXTS = ALL[:: proof.SKIPPED]


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return hostile_words.publish(tmp_path_factory.mktemp("exports"), TEXTS)


@pytest.fixture
def source(published: Path, tmp_path: Path) -> Iterator[RowSource]:
    with RowSource(published, tmp_path) as opened:
        yield opened


# Nothing runs


def test_payloads_stay_text_in_every_format(published: Path) -> None:
    told: list[str] = []
    found = proof.check(published, TEXTS, told.append, short=True)
    assert [f"{one.text}: {one.measured}" for one in found.claims if not one.holds] == []
    assert found.holds
    assert "Excel" in told


def test_the_proof_fails_where_nothing_guards(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reports.exports.comma_separated.guarded", lambda text: text)
    with RowSource(published, tmp_path) as source:
        tables = [proof._Table("articles", (rows := source.relation("articles")).columns, list(rows))]
    safe, _ = proof._csv(published, tmp_path, tables)
    assert not safe.holds


PIECES = ["=", "+", "-", "@", "＝", "'", '"', ";", "\t", "\r", "\n", " ", "a", ","]


@given(st.text() | st.lists(st.sampled_from(PIECES)).map("".join))
@example('news;"=1+1')
@example(";=;=;'=")
@example("\t'=")
def test_guarding_can_be_undone_and_leaves_no_formula(text: str) -> None:
    assert unguarded(guarded(text)) == text
    # A program whose separator is another one takes the quotes of a second cell for words, and splits within them.
    for separator in ",;\t":
        for row in csv.reader(io.StringIO(csv_line([text, "a", text]), newline=""), delimiter=separator):
            assert not [cell for cell in row if readback.is_formula(cell)]


@pytest.mark.parametrize("text", ["plain", "", "a=b", "it's", "1-2", "a; b", "e-mail", "x\n\ny"])
def test_what_is_no_formula_stays(text: str) -> None:
    assert guarded(text) == text


def test_every_formula_gets_an_apostrophe() -> None:
    assert [text for text in FORMULAS if readback.is_formula(guarded(text))] == []


def test_the_documented_way_back_leads_back() -> None:
    page = (Path(__file__).parent.parent / "docs" / "exports.md").read_text(encoding="utf-8")
    (code,) = re.findall(r"```python\n(.*?)frame\[", page, re.DOTALL)
    names: dict[str, Any] = {}
    exec(code, names)
    assert [text for text in ALL if names["unguarded"](guarded(text)) != text] == []


# Values


def test_values_as_json_and_as_text() -> None:
    moment = datetime(2025, 3, 1, 9, 0, 0, 500)
    assert plain(moment) == "2025-03-01T09:00:00.000500Z"
    assert plain(moment.replace(tzinfo=UTC)) == plain(moment)
    mixed = {"a": [date(2025, 3, 1), float("nan"), Decimal("1.50"), b"\x0f"]}
    assert plain(mixed) == {"a": ["2025-03-01", None, 1.5, "0f"]}
    assert [as_text(one) for one in (float("-inf"), float("nan"), True, None)] == ["-INF", "NaN", "true", None]
    assert as_text(["=1", "b"]) == '["=1", "b"]'
    assert as_json({"x": float("inf")}) == '{"x": null}'
    assert csv_line([None, "", -1.5, 'a"b', True]) == ',"",-1.5,"a""b",true\r\n'


# Names and endings


@pytest.mark.parametrize(
    ("name", "fmt", "expected"),
    [("a.csv", None, "csv"), ("a.NDJSON", None, "jsonl"), ("a.zip", None, "datapackage"), ("a", "XLSX", "xlsx")],
)
def test_the_ending_names_the_format(name: str, fmt: str | None, expected: str) -> None:
    assert format_of(Path(name), fmt) == expected


@pytest.mark.parametrize(
    ("name", "wanted", "message", "hint"),
    [
        ("a.doc", Wanted(), "no export format 'doc'", "geojson"),
        ("a", Wanted(), "does not tell the format", "--format"),
        ("a.csv", Wanted(("evnts",)), "no table or view 'evnts'", "Nearest: events"),
        ("a.csv", Wanted(("spread('x')",)), "no table or view", "--query"),
        ("a.csv", Wanted(("events", "articles")), "csv holds one table", "xlsx"),
        ("a.xlsx", Wanted(("events", "events")), "named twice", None),
        ("a.csv", Wanted(("events",), query="FROM events"), "stands alone", None),
        ("a.jsonl", Wanted(raw=True), "--raw is for CSV", None),
        ("a.csv", Wanted(parquet=True), "for data packages", None),
        ("a.csv", Wanted(query="SELECT servic FROM events"), "servic", "service_canonical"),
        ("a.csv", Wanted(query="COPY events TO 'x'"), "can only be read", "SELECT"),
        ("a.parquet", Wanted(query="FROM '/etc/passwd'"), "passwd", "out of reach"),
        ("a.csv", Wanted(("articles",), since="2025-01-01"), "no column event_id", "events"),
        ("a.csv", Wanted(since="2025-13-01"), "no day or time", None),
        ("a.csv", Wanted(since="yesterday"), "'yesterday' is no run", "runs"),
        ("a.csv", Wanted(since="run-1\0"), "is no run", "runs"),
        ("a.csv", Wanted(since="run-1'; DROP TABLE events; --"), "is no run", "runs"),
        ("a.csv", Wanted(since="absent/manifest.json"), "can't read", None),
        ("a.geojson", Wanted(("sources",)), "several rows", "GROUP BY"),
        ("a.geojson", Wanted(("articles",)), "no column country", "--table"),
        ("absent/a.csv", Wanted(), "can't write", None),
    ],
)
def test_what_cant_be_exported_says_why(
    published: Path, tmp_path: Path, name: str, wanted: Wanted, message: str, hint: str | None
) -> None:
    with pytest.raises(InputError, match=message) as caught:
        export(published, tmp_path / name, wanted)
    assert (hint or "") in str(caught.value.hint)
    assert list(tmp_path.iterdir()) == []


def test_every_format_takes_an_answer_in_its_order(published: Path, tmp_path: Path) -> None:
    question = "SELECT 'IT' AS country, 1 AS n, 2 AS n UNION ALL SELECT 'KR', 3, 4 ORDER BY n DESC; -- as asked"
    for fmt in FORMATS:
        done = export(published, tmp_path / fmt, Wanted(query=question), fmt)
        assert dict(done.rows) == {"query": 2}
    assert (tmp_path / "csv").read_text() == "country,n,n_1\nKR,3,4\nIT,1,2\n"
    assert next(readback.json_rows(tmp_path / "jsonl")) == {"country": "KR", "n": 3, "n_1": 4}
    assert (tmp_path / "datapackage" / "query.csv").read_bytes() == (tmp_path / "csv").read_bytes()
    with RowSource(published, tmp_path) as source:
        assert list(source.question(f"FROM read_parquet('{tmp_path / 'parquet'}')")) == [("KR", 3, 4), ("IT", 1, 2)]


def test_texts_that_need_more_memory_get_it(published: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (
        RowSource(published, tmp_path, table_memory="1MB") as source,
        pytest.raises(NeedsMemory, match="articles needs"),
    ):
        list(source.relation("articles"))
    monkeypatch.setattr("reports.exports.TABLE_MEMORY", "2MB")
    assert export(published, tmp_path / "a.jsonl", Wanted(("articles",))).rows == {"articles": len(TEXTS)}


# Excel


def test_a_workbook_has_dates_filters_and_as_many_sheets_as_it_needs(source: RowSource, tmp_path: Path) -> None:
    rows = source.question(
        "SELECT i AS number, DATE '2025-03-01' + i::INTEGER AS day, TIMESTAMP '2025-03-01 12:00:00' AS time, "
        "repeat('x', 32766) || chr(128680) AS long, DATE '1899-12-31' AS early, 10::BIGINT ** 15 AS large, "
        "123456789012345678 AS larger, '=1+1' AS formula FROM range(5) AS r(i) ORDER BY i",
        "a/b",
    )
    written = write_workbook([rows, rows], tmp_path / "book.xlsx", {}, row_limit=2)
    assert written.sheets == {"a/b": 3}
    assert list(written.notes()) == [
        "a/b fills 3 sheets: Excel holds 1,048,575 rows in one",
        "10 texts were cut to the 32,767 characters that Excel holds in a cell",
    ]
    sheets = dict(readback.workbook_sheets(tmp_path / "book.xlsx"))
    assert list(sheets) == ["a_b", *(f"a_b ({number})" for number in range(2, 7)), "about"]
    header, first, second = sheets["a_b"]
    assert list(header.values()) == ["number", "day", "time", "long", "early", "large", "larger", "formula"]
    assert (first["A"], first["B"], first["C"]) == ("0", "45717", "45717.5")
    assert (len(first["D"]), first["E"], float(first["F"])) == (32766, "1899-12-31", 1e15)
    assert (first["G"], first["H"]) == ("123456789012345678", "=1+1")
    with zipfile.ZipFile(tmp_path / "book.xlsx") as packed:
        xml = packed.read("xl/worksheets/sheet1.xml").decode()
        styles = packed.read("xl/styles.xml").decode()
    assert 'state="frozen"' in xml
    assert '<autoFilter ref="A1:H3"/>' in xml
    assert 'quotePrefix="1"' in styles
    assert second["A"] == "1"


# GeoJSON


def test_shapes_are_as_rfc_7946_wants_them() -> None:
    shapes = country_shapes()
    assert len(shapes) == 236
    assert {"XK", "TW", "PS", "RU", "FJ", "AQ", "US"} <= set(shapes)
    assert not {"EU", "XX"} & set(shapes)
    for shape in shapes.values():
        polygons: Any = shape.geometry["coordinates"]
        for polygon in polygons if shape.geometry["type"] == "MultiPolygon" else [polygons]:
            for place, ring in enumerate(polygon):
                assert ring[0] == ring[-1]
                assert len(ring) >= 4
                steps = list(pairwise(ring))
                assert all(-180 <= x <= 180 and -90 <= y <= 90 for x, y in ring)
                # Along the pole Antarctica goes from one end of the map to the other.
                assert all(abs(x1 - x2) < 180 or y1 == y2 == -90 for (x1, y1), (x2, y2) in steps)
                assert (sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in steps) > 0) == (place == 0)


def test_countries_without_a_shape_are_told_and_kept(published: Path, tmp_path: Path) -> None:
    path = tmp_path / "map.geojson"
    done = export(published, path)
    assert done.notes == ("no shape for EU, XX: written with a null geometry, not left out",)
    drawn = json.loads(path.read_text())
    features = {feature["id"]: feature for feature in drawn["features"]}
    assert {code for code, feature in features.items() if feature["geometry"] is None} == {"EU", "XX"}
    assert features["IT"]["properties"]["first_date_from"] == "2026-01-01"
    assert features["IT"]["properties"]["restrictions"] > 0
    assert drawn["clampdown"]["published_at"]
    export(published, path, Wanted(query="SELECT NULL AS country, 1 AS n"))
    (feature,) = json.loads(path.read_text())["features"]
    assert (feature["geometry"], "id" in feature, feature["properties"]["n"]) == (None, False, 1)


# Data packages


def test_a_data_package_describes_itself(published: Path, tmp_path: Path) -> None:
    folder = tmp_path / "package"
    done = export(published, folder, fmt="datapackage")
    package = json.loads((folder / "datapackage.json").read_text())
    assert package["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
    assert (folder / package["licenses"][0]["path"]).is_file()
    assert "    Clampdown, snapshot of 20" in (folder / "README.md").read_text()
    resources = {resource["name"]: resource for resource in package["resources"]}
    assert set(resources) == {*done.rows, "manifest"}
    assert json.loads((folder / "manifest.json").read_text())["published_at"]
    types = {"string", "integer", "number", "boolean", "date", "datetime", "array", "object"}
    for name, resource in resources.items():
        if name == "manifest":
            continue
        fields = {field["name"]: field for field in resource["schema"]["fields"]}
        assert {field["type"] for field in fields.values()} <= types
        assert all(field["description"] for field in fields.values())
        assert resource["description"]
        assert set(resource["schema"].get("primaryKey", [])) <= set(fields)
        for key in resource["schema"].get("foreignKeys", []):
            to = resources[key["reference"]["resource"] or name]
            assert set(key["fields"]) <= set(fields)
            assert set(key["reference"]["fields"]) <= {field["name"] for field in to["schema"]["fields"]}
    fields = {field["name"]: field["type"] for field in resources["articles"]["schema"]["fields"]}
    assert (fields["published_on"], fields["fetched_at"], fields["authors"]) == ("date", "datetime", "array")
    assert resources["articles"]["schema"]["primaryKey"] == ["article_id"]


def test_a_package_replaces_a_package_and_nothing_else(published: Path, tmp_path: Path) -> None:
    wanted = Wanted(("events",), parquet=True)
    folder, other = tmp_path / "package", tmp_path / "other"
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    with pytest.raises(InputError, match="no data package"):
        export(published, other, wanted, "datapackage")
    for _ in range(2):
        export(published, folder, wanted, "datapackage")
    assert sorted(path.name for path in folder.iterdir()) == [
        "README.md", "RIGHTS.md", "datapackage.json", "events.parquet", "manifest.json",
    ]  # fmt: skip
    assert (other / "thesis.txt").read_text() == "mine"
    packed = [export(published, tmp_path / name, Wanted(("events",))).path.read_bytes() for name in ("a.zip", "b.zip")]
    assert packed[0] == packed[1]
    with zipfile.ZipFile(tmp_path / "a.zip") as opened:
        assert opened.namelist()[0] == "datapackage.json"
        assert opened.testzip() is None


# Changes


def test_a_copy_follows_by_what_changed(tmp_path: Path) -> None:
    def rows(path: Path) -> dict[str, dict[str, str]]:
        header, *lines = readback.csv_rows(path)
        return {row["event_id"]: row for row in (dict(zip(header, line, strict=True)) for line in lines)}

    published = hostile_words.publish(tmp_path, ["one", "two"])
    before, after, delta = (tmp_path / name for name in ("before.csv", "after.csv", "delta.csv"))
    export(published, before)
    manifest = tmp_path / "earlier.json"
    manifest.write_bytes((published / "manifest.json").read_bytes())
    hostile_words.publish(tmp_path, ["one", "two", "three"], run="run-2", withdrawn=1)
    export(published, after)
    done = export(published, delta, Wanted(since=str(manifest)))
    copy, told, columns = rows(before), rows(delta), rows(after).popitem()[1]
    assert len(told) == done.rows["events"]
    assert {row["change"] for row in told.values()} >= {"appeared"}
    for row in told.values():
        copy.pop(row["former_id"] or row["event_id"], None)
    for row in told.values():
        if row["change"] != "gone":
            copy[row["event_id"]] = {name: row[name] for name in columns}
    assert copy == rows(after)
    assert export(published, delta, Wanted(("changes",), since="run-1")).rows == {"changes": len(told)}
    assert export(published, delta, Wanted(("changes",), since="run-2")).rows == {"changes": 0}
