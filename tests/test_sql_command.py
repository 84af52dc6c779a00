"""`clampdown sql` and `clampdown export`: what they print, where the question comes from, and errors that help."""

import io
import json
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from clampdown.commands.table_shown import table_lines
from clampdown.main import app
from clampdown.output import console, escaped, printable
from clampdown.proofs import hostile_words
from pipeline.errors import InputError
from warehouse.query import Reader, Table, ask, connect_snapshot, run_sql
from warehouse.sql import sole_question, unique


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("asked")
    hostile_words.publish(folder, ["=1+1", "two"])
    return folder


@pytest.fixture
def reader(folder: Path) -> Iterator[Reader]:
    with connect_snapshot(folder / "published") as opened:
        yield opened


def clampdown(folder: Path, *args: str, stdin: str | None = None) -> str:
    done = CliRunner().invoke(app, ["--data-dir", str(folder), *args], input=stdin)
    if done.exception is not None:
        raise done.exception
    return done.stdout


def lines(table: Table, width: int) -> list[str]:
    out = Console(width=width, record=True, file=io.StringIO())
    for one in table_lines(table, width):
        out.print(one)
    return [line.rstrip() for line in out.export_text().splitlines()]


# Tables


def test_a_table_is_read_at_a_glance() -> None:
    table = Table(
        ("name", "n", "score", "day", "time", "lists", "maps", "on"),
        ("VARCHAR", "BIGINT", "DOUBLE", "DATE", "TIMESTAMP", "VARCHAR[]", "MAP(VARCHAR, DOUBLE)", "BOOLEAN"),
        (
            ("a\nb", 5, 0.5, date(2025, 3, 1), datetime(2025, 3, 1, 9, 5, 7, 99), ["x", "y"], {"a": 0.25}, True),
            (None, 1234, 0.000123, None, None, [], {}, False),
        ),
    )
    assert lines(table, 120) == [
        "name     n     score  day         time                  lists  maps     on",
        "a b      5       0.5  2025-03-01  2025-03-01 09:05:07Z  x, y   a: 0.25  true",
        "NULL  1234  0.000123  NULL        NULL                  []     {}       false",
        "2 rows",
    ]


def test_long_cells_are_shortened_and_wide_rows_stand_alone() -> None:
    table = Table(("id", "text", "other"), ("VARCHAR",) * 3, (("abcdef", "w" * 90, "v" * 60),))
    header, row, count, hint = lines(table, 60)
    assert (header.split(), count) == (["id", "text", "other"], "1 row")
    assert [len(cell) for cell in row.split()] == [6, 25, 25]
    assert row.count("…") == 2
    assert "--csv" in hint
    wide = Table(tuple(f"c{number}" for number in range(9)), ("VARCHAR",) * 9, (("v" * 40,) * 9,) * 30, more=True)
    shown = lines(wide, 60)
    assert shown[:3] == ["row 1", f"c0  {'v' * 40}", f"c1  {'v' * 40}"]
    assert "The first 20 rows, one by one" in shown[-1] or "The first 20 rows, one by one" in " ".join(shown[-3:])


def test_rows_beyond_the_limit_are_told(reader: Reader) -> None:
    table = run_sql(reader, "SELECT i FROM range(10) AS r(i)", limit=3)
    assert (table.rows, table.more) == (((0,), (1,), (2,)), True)
    assert lines(table, 80)[-1] == "The first 3 rows. More with --rows, all with --json or --csv."
    assert run_sql(reader, "SELECT i FROM range(3) AS r(i)", limit=3).more is False
    assert lines(run_sql(reader, "SELECT 1 AS a WHERE false"), 80) == ["a", "0 rows"]


# Text that steers


def test_no_text_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    assert printable("a\x1b[2Jb\x9bc\rd\u202ee\x00") == "a�[2Jb�c�d�e�"
    assert printable("zero\u200bwidth soft\xadhyphen no\xa0break") == "zerowidth softhyphen no break"
    joined = "می\u200cخواهم \N{WOMAN}\u200d\N{PERSONAL COMPUTER}\n\t"
    assert printable(joined) == joined
    out = console()
    out.print("in a message: \x1b]0;title\x07", markup=False)
    assert "\x1b" not in capsys.readouterr().out
    text = escaped(json.dumps("\x9b\u202e\U000e0041\xe9", ensure_ascii=False))
    assert text == '"\\u009b\\u202e\\udb40\\udc41é"'
    assert json.loads(text) == "\x9b\u202e\U000e0041\xe9"


# Where questions come from, and where answers go


def test_questions_come_from_arguments_files_and_standard_input(folder: Path, tmp_path: Path) -> None:
    question = "SELECT actor_canonical AS actor, '' AS empty, NULL AS nothing FROM events ORDER BY 1; -- all"
    file = tmp_path / "question.sql"
    file.write_text(question, encoding="utf-8-sig")
    expected = 'actor,empty,nothing\n\'=1+1,"",\ntwo,"",\n'
    assert clampdown(folder, "sql", question, "--csv") == expected
    assert clampdown(folder, "sql", "--file", str(file), "--csv") == expected
    assert clampdown(folder, "sql", "-", "--csv", stdin=question) == expected
    assert clampdown(folder, "sql", "-", "--csv", "--raw", stdin=question) == expected.replace("'", "")
    first, _ = json.loads(clampdown(folder, "sql", question, "--json"))
    assert first == {"actor": "=1+1", "empty": "", "nothing": None}
    assert json.loads(clampdown(folder, "sql", "SELECT 1 WHERE false", "--json")) == []
    assert "2 rows" in clampdown(folder, "sql", question)


@pytest.mark.parametrize(
    ("args", "message"),
    [
        ((), "no question"),
        (("SELECT 1", "--file", "x.sql"), "two questions"),
        (("--file", "absent.sql"), "can't read absent.sql"),
        (("SELECT 1", "--json", "--csv"), "exclude each other"),
        (("SELECT 1", "--raw"), "goes with --csv"),
    ],
)
def test_bad_ways_to_ask(folder: Path, args: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        clampdown(folder, "sql", *args)


def test_export_tells_what_it_wrote(folder: Path, tmp_path: Path) -> None:
    path = tmp_path / "it's.xlsx"
    said = clampdown(folder, "export", str(path), "-t", "events", "-t", "sources")
    assert said == f"{path}: 2 rows of events\n{path}: 4 rows of sources\n"
    said = clampdown(folder, "export", str(tmp_path / "a.csv"), "--query", "SELECT 1 AS one", "--json")
    assert json.loads(said)["rows"] == {"query": 1}
    with pytest.raises(InputError, match="no export format"):
        clampdown(folder, "export", str(tmp_path / "a.doc"))


# Errors that help


@pytest.mark.parametrize(
    ("question", "hint"),
    [
        ("FROM evnts", "Nearest: events."),
        ("SELECT service FROM restrictions", "Nearest: service_canonical."),
        ("SELECT e.nam FROM events AS e", None),
        ("SELECT trigger_quote FROM events", "trigger_quote is a column of decision_anchors, mentions."),
        ("FROM spread", "spread takes arguments: FROM spread("),
        ("FROM spred('x')", "Nearest: spread("),
        ("FROM events('x')", "events takes no arguments: FROM events."),
        ("SELECT known_on('2025-01-01')", "known_on is a table: SELECT … FROM known_on(…)."),
        ("FROM 'events.csv'", "out of reach"),
        ("FROM qqqq", "There are actors, article_versions"),
    ],
)
def test_errors_name_the_nearest(reader: Reader, question: str, hint: str | None) -> None:
    with pytest.raises(InputError) as caught:
        run_sql(reader, question)
    assert (hint or "") in str(caught.value.hint)


def test_an_error_does_not_list_every_form_of_a_function(reader: Reader) -> None:
    with pytest.raises(InputError) as caught:
        run_sql(reader, "SELECT DATE '2025-01-01' + 1::BIGINT")
    assert len(str(caught.value).splitlines()) < 6
    assert "^" in str(caught.value)


def test_names_that_come_twice_get_numbers(reader: Reader) -> None:
    assert unique(["a", "b", "A", "a", "a_1"]) == ("a", "b", "A_1", "a_2", "a_1_1")
    answer = ask(reader, "SELECT 1 AS x, 2 AS x")
    assert (answer.columns, list(answer.rows)) == (("x", "x_1"), [(1, 2)])


def test_the_question_ends_at_its_semicolon(reader: Reader) -> None:
    assert sole_question(reader, "SELECT ';é;' AS a -- ;\n; -- b") == "SELECT ';é;' AS a -- ;\n"
    for several in ("SELECT 1; SELECT 2", "", "-- nothing", "SELECT 1) TO 'x' --"):
        with pytest.raises(InputError):
            sole_question(reader, several)
