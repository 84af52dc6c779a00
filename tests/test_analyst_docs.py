"""What analysts are told – the dictionary, the worked queries, the notebook, the figures of trust – holds."""

import difflib
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT

from clampdown import cookbook, notebook
from warehouse import dictionary, entities, macro_notes
from warehouse.query import connect_snapshot, run_sql
from warehouse.reader import Reader

DOCS = ROOT / "docs"
NEARLY = 0.9
"""How like the committed page results must be where the sample was not read in quite the same way."""


@pytest.fixture(scope="module")
def reader(sample_snapshot: Path) -> Iterator[Reader]:
    with connect_snapshot(sample_snapshot) as opened:
        yield opened


def test_every_table_has_a_declared_key_which_no_two_rows_share(reader: Reader) -> None:
    assert set(entities.KEYS) == set(reader.tables())
    for table, key in entities.KEYS.items():
        if key:
            columns = ", ".join(f'"{column}"' for column in key)
            doubled = reader.rows(f"SELECT {columns} FROM {table} GROUP BY ALL HAVING count(*) > 1")
            assert doubled == [], f"{table} ({columns})"


@pytest.mark.parametrize("one", entities.REFERENCES, ids=lambda one: f"{one.table}.{one.column}")
def test_what_is_referred_to_is_there(one: entities.Reference, reader: Reader) -> None:
    ((stated, found, missing),) = reader.rows(
        f"""
        SELECT count({one.column}), count(*) FILTER ({one.column} IN (SELECT {one.to_column} FROM {one.to})),
            count(*) FILTER ({one.column} IS NULL)
        FROM {one.table}
        """
    )
    assert one.by_name or found == stated
    assert one.optional or missing == 0


def test_ids_are_declared_as_references(reader: Reader) -> None:
    """A column that is named like another table's key refers to it, unless it is known to do something else."""
    owners = {key[0]: table for table, key in entities.KEYS.items() if len(key) == 1 and key[0].endswith("_id")}
    owners |= {"entry_id": "entries", "source_id": "sources", "article_id": "articles"}
    declared = {(one.table, one.column) for one in entities.REFERENCES}
    told_elsewhere = {"changes": "ids as they were then", "decision_anchors": "mentions and articles as they were then"}
    for table in reader.tables():
        for column in reader.columns(table):
            owner = owners.get(column)
            if owner not in (None, table) and column != "run_id" and table not in told_elsewhere:
                assert (table, column) in declared, f"{table}.{column}"


def test_the_dictionary_sorts_all_and_names_nothing_that_is_not_there(reader: Reader) -> None:
    assert dictionary.ungrouped(reader) == []
    macros = {name for (name,) in reader.rows("SELECT function_name FROM duckdb_functions() WHERE NOT internal")}
    there = {*reader.tables(), *reader.views(), *macros}
    assert [name for group in dictionary.GROUPS for name in group.names if name not in there] == []
    assert set(macro_notes.EXAMPLES) == set(macro_notes.PARAMETERS) == macros


def test_the_notebook_runs_and_shows_what_it_did(sample_snapshot: Path) -> None:
    committed = json.loads((DOCS / "notebook.ipynb").read_text("utf-8"))
    made = notebook.render(notebook.cells(), sample_snapshot)
    refresh = "run `python -m clampdown.notebook > docs/notebook.ipynb`"
    assert [cell["source"] for cell in committed["cells"]] == [cell["source"] for cell in made["cells"]], refresh
    if committed["metadata"] == made["metadata"]:
        assert committed == made, refresh
    assert all(cell.get("outputs") is not None for cell in made["cells"] if cell["cell_type"] == "code")
    imported = {name.partition(".")[0] for cell in notebook.cells() for name in re.findall(r"import (\w+)", cell.text)}
    assert imported - {"os", "dataclass", "date"} == {"duckdb"}


def test_worked_queries_are_what_the_page_shows(reader: Reader) -> None:
    committed = (DOCS / "queries.md").read_text("utf-8")
    made = cookbook.render(reader, cookbook.recipes())
    refresh = "run `python -m clampdown.cookbook > docs/queries.md`"
    assert _without_results(committed) == _without_results(made), refresh
    model, read = re.search(rf"<!-- {cookbook.READING} (\S+) (\S+) -->", committed).groups()
    now_model, now_read = cookbook.reading(reader).split()
    assert model == now_model, refresh
    if read == now_read:
        assert committed == made, refresh
    else:  # the sample's usual ports were taken, or another processor rounds otherwise and a few words were misread
        assert difflib.SequenceMatcher(None, committed.splitlines(), made.splitlines()).ratio() > NEARLY


def _without_results(page: str) -> list[str]:
    return [line for line in page.splitlines() if line and not line.startswith(("| ", "<!-- ", "… and ", "No rows"))]


@pytest.mark.parametrize("recipe", cookbook.recipes(), ids=lambda recipe: recipe.name)
def test_a_query_explains_itself_and_gives_the_same_in_the_same_order(recipe: cookbook.Recipe, reader: Reader) -> None:
    assert recipe.title.endswith("?")
    assert any(paragraph.startswith("**Traps.** ") for paragraph in recipe.about)
    assert "ORDER BY" in recipe.sql
    assert run_sql(reader, recipe.sql) == run_sql(reader, recipe.sql)
    assert not re.search(r"\b(fetched_at|now\(|current_date|today\()", recipe.sql)


FIGURES = {
    "fields": (r"\| status right[^|]*\| ([\d.]+)", r"\| status \| ([\d.]+)", "model-card.md"),
    "country": (r"\| country right \| ([\d.]+)", r"\| country \| ([\d.]+)", "model-card.md"),
    "date": (r"\| date right[^|]*\| ([\d.]+)", r"\| date \| ([\d.]+)", "model-card.md"),
    "scope": (r"\| scope right \| ([\d.]+)", r"\| scope \| ([\d.]+)", "model-card.md"),
    "reasons": (r"\| reason classes[^|]*\| ([\d.]+)", r"\| reason classes[^|]*\| ([\d.]+)", "model-card.md"),
    "full record": (r"\| every field right \| ([\d.]+)", r"\| full record \| ([\d.]+)", "model-card.md"),
    "precision, all read": (r"gives ([\d.]+) and", r"\| strict precision \| ([\d.]+)", "model-card.md"),
    "recall, all read": (r"gives [\d.]+ and ([\d.]+)\)", r"\| strict recall \| ([\d.]+)", "model-card.md"),
    "no event": (
        r"Of (87) passages that hold no event (1) ",
        r"Of the (87) real\s+passages .* event (1) ",
        "model-card.md",
    ),
    "calibration": (
        r"err by ([\d.]+) points[^.]*by ([\d.]+) on ours",
        r"score is ([\d.]+) points[^.]*\s([\d.]+) on our test passages",
        "model-card.md",
    ),
    "annotators": (r"at F1 (85) to (89)", r"strict F1 0\.(85)–0\.(89)", "model-card.md"),
    "one event": (
        r"B³ F1 ([\d.]+) \(precision ([\d.]+), recall ([\d.]+)\)",
        r"1,109 happenings: B³ F1 ([\d.]+) \(precision ([\d.]+), recall\s+([\d.]+)\)",
        "decisions.md",
    ),
    "end to end": (
        r"is (62) % of the labelled mentions, B³ F1 is ([\d.]+)\.",
        r"finds (62) % of the labelled mentions, and over those B³ F1 is ([\d.]+) ",
        "decisions.md",
    ),
    "copies": (r"of (\d+) near copies among ([\d,]+) ", r"of (\d+) near copies among ([\d,]+) ", "decisions.md"),
    "copies of ours": (r"\((\d+) pairs\)", r"articles, (\d+) pairs in one story", "decisions.md"),
}
"""What it is → how docs/trust.md tells it, how the page from which it is taken does, and which page that is."""


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_is_the_same_where_it_comes_from(name: str) -> None:
    here, there, page = FIGURES[name]
    told, source = (
        re.search(pattern, " ".join((DOCS / file).read_text("utf-8").split()))
        for pattern, file in ((here, "trust.md"), (there, page))
    )
    assert told is not None, here
    assert source is not None, there
    assert told.groups() == source.groups()


def test_the_readme_rounds_the_same_rates() -> None:
    readme = " ".join((ROOT / "README.md").read_text("utf-8").split())
    told = re.search(r"(\d+) % of the events that it reports are right .* it finds (\d+) % of those", readme)
    assert told is not None
    rates = json.loads((ROOT / "benchmarks" / "frozen" / "real_dev.json").read_text("utf-8"))["rates"]
    assert told.groups() == (f"{rates['strict_precision']:.0f}", f"{rates['strict_recall']:.0f}")


def test_what_filtering_costs_is_what_was_measured() -> None:
    page = (DOCS / "trust.md").read_text("utf-8")
    frozen = ROOT / "benchmarks" / "frozen"
    passages = json.loads((frozen / "filtering.json").read_text("utf-8"))
    events = json.loads((frozen / "filtering_events.json").read_text("utf-8"))["events"]
    found = {(row["voices"], row["cut"]): row for row in events}
    for row in passages["real dev"]:
        of_all = found["any", row["cut"]]
        cells = (row["strict_precision"], row["strict_recall"], f"{of_all['events']:,}", of_all["right"])
        assert re.search(rf"^\| {row['cut']}\b[^|]*\| {re.escape(' | '.join(map(str, cells)))} \|$", page, re.MULTILINE)
    for voices, words in (("any", "any number of voices"), ("1", "1 voice"), ("2 or more", "2 voices or more")):
        row = found[voices, 0.24]
        assert f"| {words} | {row['events']:,} | {row['right']} |" in page
    whole = passages["real dev"][0]
    for rate in ("strict_precision", "strict_recall", "lenient_precision", "lenient_recall"):
        assert f"| {whole[rate]} |" in page, rate
    few = {row["cut"]: row["events"] for row in passages["real dev"]}
    assert f"({few[0.7]} at 0.7, {few[0.8]} at 0.8)" in page
    own = passages["own test"][0]
    assert f"precision is {own['strict_precision']} and recall {own['strict_recall']}" in page
    assert f"about {whole['strict_precision']:.0f} are right" in page
    assert f"{whole['strict_recall']:.0f} of 100 that are stated" in page
    assert f"{found['2 or more', 0.24]['right']:.0f} % of such events were right" in _query("06")
    assert f"one voice carries {found['1', 0.24]['right']:.0f} %" in " ".join(_query("06").split())


def _query(number: str) -> str:
    (path,) = (DOCS / "queries").glob(f"{number}-*.sql")
    return path.read_text("utf-8").replace("\n--", "")


def test_the_citation_names_the_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    cited = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"\nversion: {project['version']}\n" in cited
    assert f"\nlicense: {project['license']}\n" in cited
