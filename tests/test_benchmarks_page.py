"""The comparison with others: its page says what was measured, and its figures are taken as they are told."""

import ast
import re
import resource
import signal
import sys
from pathlib import Path

import pytest

from benchmarks.versus import SECTIONS
from benchmarks.versus.page import benchmarks, losses, page, table_lines
from benchmarks.versus.record import RESULTS, Column, Figure, Row, Table, exact, figure, load, path_of
from benchmarks.versus.worker import OWN, Failed, Hung, NotInstalled, Worker

ROOT = Path(__file__).parents[1]
FIXED = Column("F1", better="higher")
VARYING = Column("time", "s", "lower", 1)


def test_the_page_says_what_was_measured() -> None:
    known = [load(path_of(name)) for name in SECTIONS if path_of(name).exists()]
    assert (ROOT / "docs" / "benchmarks.md").read_text("utf-8") == page(known), (
        "python -m benchmarks.versus --page > docs/benchmarks.md"
    )


F1S = {"strict F1": 1, "lenient F1": 1}
TITLES = {"titles right": 0, "days right": 0}
IN_README: dict[str, tuple[str, dict[str, dict[str, int]]]] = {
    "events in real news": (
        "quality",
        {"clampdown, int8 as shipped": F1S, "spacy, dependency rules": F1S, "keyword rules, our registries": F1S},
    ),
    "text of 181": (
        "text",
        {
            "clampdown": {"F1": 3, "CPU": 1},
            "trafilatura, precision": {"F1": 3, "CPU": 1},
            "readability-lxml": {"F1": 3, "CPU": 0},
            "newspaper4k": {"F1": 3, "CPU": 0},
        },
    ),
    "titles and days": (
        "text",
        {"clampdown": TITLES, "newspaper4k": TITLES, "trafilatura, precision, metadata": TITLES},
    ),
    "expectations of": ("feeds", {"clampdown": {"all": 1}, "feedparser": {"all": 1}, "fastfeedparser": {"all": 1}}),
    "everyday pages": (
        "pipeline",
        {"clampdown, the whole pipeline": {"pages a second": 0}, "trafilatura": {"pages a second": 0}},
    ),
}
"""How a row of the README's table begins → the section that measured it, and whose figures it tells in which digits."""


@pytest.mark.parametrize("row", IN_README)
def test_the_readme_rounds_what_was_measured(row: str) -> None:
    (line,) = re.findall(rf"^\| {row}.*$", (ROOT / "README.md").read_text("utf-8"), re.MULTILINE)
    cells = " ".join(line.split("|")[2:4]).replace("newspaper4k", "")
    section, wanted = IN_README[row]
    table = load(path_of(section)).section.tables[0]
    told = []
    for subject, columns in wanted.items():
        (found,) = [one for one in table.rows if one.subject == subject]
        told += [f"{found.figures[column].median:.{digits}f}" for column, digits in columns.items()]
    assert re.findall(r"\d+(?:\.\d+)?", cells) == told


def test_each_kept_result_has_a_section_that_measures_it_anew() -> None:
    kept = sorted(path.stem for path in RESULTS.glob("*.json"))
    assert kept
    for name in kept:
        record = load(path_of(name))
        assert record.command == f"python -m benchmarks.versus {name}"
        assert record.rounds >= 1, "a quick look is no result"
        module = ast.parse((ROOT / f"{SECTIONS[name].replace('.', '/')}.py").read_text("utf-8"))
        defined = [node for node in module.body if isinstance(node, ast.FunctionDef)]
        assert [[argument.arg for argument in one.args.args] for one in defined if one.name == "measure"] == [
            ["rounds"]
        ]
        subjects = {row.subject for table in record.section.tables for row in table.rows}
        assert any(subject.startswith("clampdown") for subject in subjects)
        assert all(figure.low <= figure.median <= figure.high for figure in _figures(name)), name


def _figures(name: str) -> list[Figure]:
    tables = load(path_of(name)).section.tables
    return [one for table in tables for row in table.rows for one in row.figures.values()]


def test_each_other_benchmark_has_a_command_that_names_it() -> None:
    listed = list(benchmarks())
    assert len(listed) > 15
    for stem, command, told in listed:
        assert re.match(rf"python -m benchmarks\.{stem}\b", command)
        assert told
        assert "python" not in told


def test_a_figure_is_the_median_with_its_ends() -> None:
    assert figure([3.0, 1.0, 2.0, 9.0]) == Figure(2.5, 1.0, 9.0, 4)
    assert not exact(1.0).varies


def test_the_page_names_those_who_are_better_and_only_them() -> None:
    table = Table(
        "T",
        (FIXED, VARYING),
        (
            Row("clampdown", {"F1": exact(0.8), "time": figure([1.0, 2.0, 3.0])}),
            Row("better", {"F1": exact(0.9), "time": figure([0.5, 0.6])}),
            Row("within the spread", {"F1": exact(0.8), "time": figure([0.9, 1.5])}),
            Row("can't", {"F1": exact(0.1)}),
        ),
    )
    assert losses(table) == [
        "F1: better 0.900, ours 0.800",
        "time, s: better 0.6 (0.5–0.6), ours 2.0 (1.0–3.0)",
    ]
    assert [line.count("**") for line in table_lines(table, bold=True)] == [0, 0, 0, 4, 0, 0]


def test_a_worker_measures_and_outlives_what_it_calls() -> None:
    with Worker(OWN, cpu_seconds=1) as worker:
        answer = worker.call("math:sqrt", 9.0)
        assert answer.value == 3.0
        assert answer.peak_mb > 1
        assert sys.version.split()[0] == worker.call("platform:python_version").value
        with pytest.raises(Failed, match="ValueError"):
            worker.call("math:sqrt", -1.0)
        with pytest.raises(NotInstalled, match="no_such_module"):
            worker.call("no_such_module:f")
        with pytest.raises(Failed, match="ended with 3"):
            worker.call("os:_exit", 3)
        assert 1 < worker.call("resource:getrlimit", resource.RLIMIT_CPU).value[0] <= 4
        with pytest.raises(Hung, match="1 s of CPU"):
            worker.call("signal:raise_signal", signal.SIGXCPU)
        with pytest.raises(Hung, match=r"more than 0\.1 s"):
            worker.call("time:sleep", 60, seconds=0.1)
        assert worker.call("math:sqrt", 4.0).value == 2.0, "a new process takes over"


def test_an_environment_that_is_not_set_up_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotInstalled, match="make bench"):
        Worker(tmp_path / "python")


def test_the_lock_of_the_peers_pins_by_hash_and_names_no_registry() -> None:
    lock = (ROOT / "requirements-bench.lock").read_text("utf-8")
    pins = re.findall(
        r"^[a-z0-9][\w.-]*(?:\[[\w,-]+\])?==\S+.*\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)*)", lock, re.M
    )
    assert len(pins) > 50
    assert all(pins), "a pin without a hash"
    assert "://" not in lock
