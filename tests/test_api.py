"""The Python API as its page tells it: the public surface, the examples, the notebook; texts in, events out."""

import doctest
import inspect
import json
import os
import pickle
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import chdir
from dataclasses import FrozenInstanceError
from pathlib import Path

import pytest
from conftest import ROOT
from in_process import clampdown as command

import clampdown
from clampdown import api_reference, notebook

DOCS = ROOT / "docs"
SURFACE = ROOT / "tests" / "golden" / "python_api.txt"
TEXT = "South Korea's trade ministry temporarily blocked DeepSeek on Wednesday over security concerns."


@pytest.fixture(scope="module")
def warehouse(sample_snapshot: Path) -> Iterator[clampdown.Warehouse]:
    with clampdown.open(sample_snapshot) as opened:
        yield opened


def test_the_public_surface_changes_by_decision_alone() -> None:
    refresh = "python -m clampdown.api_reference --surface > tests/golden/python_api.txt"
    assert SURFACE.read_text("utf-8") == api_reference.surface(), f"meant? Then tell it in CHANGELOG.md, and {refresh}"


def test_the_page_tells_of_all_that_is_public() -> None:
    told = [name for names in api_reference.GROUPS.values() for name in names]
    assert sorted([*told, "__version__"]) == sorted(clampdown.__all__)
    for name in told:
        one = getattr(clampdown, name)
        assert vars(one)["__doc__"] if inspect.isclass(one) else one.__doc__, name
    assert set(clampdown.__all__) <= set(dir(clampdown))
    with pytest.raises(AttributeError, match="Warhouse"):
        clampdown.Warhouse  # type: ignore[attr-defined]  # noqa: B018


def test_the_page_is_fresh() -> None:
    refresh = "run `python -m clampdown.api_reference > docs/python.md`"
    assert (DOCS / "python.md").read_text("utf-8") == api_reference.reference(), refresh


def test_the_examples_of_the_page_show_what_they_show(sample: tuple[Path, object], tmp_path: Path) -> None:
    (tmp_path / "sample-data").symlink_to(sample[0])
    blocks = re.findall(r"```pycon\n(.*?)```", (DOCS / "python.md").read_text("utf-8"), re.DOTALL)
    assert len(blocks) > 10
    runner, names = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS), {"clampdown": clampdown}
    failures: list[str] = []
    with chdir(tmp_path):
        for number, block in enumerate(blocks, 1):
            example = doctest.DocTestParser().get_doctest(block, {}, f"example {number}", "docs/python.md", 0)
            example.globs = names  # each goes on from the ones before, as its reader does
            runner.run(example, out=failures.append, clear_globs=False)
    assert failures == []


def test_the_program_that_follows_keeps_no_place_before_it_is_done(sample: tuple[Path, object], tmp_path: Path) -> None:
    (tmp_path / "clampdown-data").symlink_to(sample[0])
    (program,) = re.findall(r"```python\n(from pathlib.*?)```", (DOCS / "python.md").read_text("utf-8"), re.DOTALL)
    told: list[object] = []

    def tell(change: object) -> None:
        told.append(change)
        if len(told) == 3:
            raise InterruptedError

    with chdir(tmp_path), pytest.raises(InterruptedError):
        exec(program, {"print": tell})
    assert all(isinstance(one, clampdown.Change) for one in told)
    assert not (tmp_path / "place.json").exists()


def test_the_notebook_runs_and_shows_what_it_did(sample_snapshot: Path) -> None:
    committed = json.loads((DOCS / "api-notebook.ipynb").read_text("utf-8"))
    made = notebook.render(notebook.cells(DOCS / "api-notebook.py"), sample_snapshot)
    refresh = "run `python -m clampdown.notebook --source docs/api-notebook.py > docs/api-notebook.ipynb`"
    assert [cell["source"] for cell in committed["cells"]] == [cell["source"] for cell in made["cells"]], refresh
    if committed["metadata"] == made["metadata"]:
        assert committed == made, refresh
    shown = [output for cell in made["cells"] for output in cell.get("outputs", ())]
    assert sum("text/html" in output.get("data", {}) for output in shown) >= 4


def test_importing_it_costs_next_to_nothing() -> None:
    """Not even errors and classes are brought before they are asked for, and asking for those brings nothing heavy."""
    script = """
import sys
bare = set(sys.modules)
import clampdown
print(*{name.partition(".")[0] for name in set(sys.modules) - bare})
clampdown.Action, clampdown.ClampdownError, clampdown.Event, clampdown.Extractor(), clampdown.Warehouse
print(*{name.partition(".")[0] for name in set(sys.modules) - bare})
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    first, then = (set(line.split()) for line in done.stdout.splitlines())
    assert first - sys.stdlib_module_names == {"clampdown"}
    heavy = {"duckdb", "numpy", "onnxruntime", "tokenizers", "pydantic", "typer", "rich", "prefect", "aiohttp", "lxml"}
    assert not then & heavy
    assert "clampdown" in then


def test_an_extraction_is_what_the_command_prints(tmp_path: Path) -> None:
    (tmp_path / "text.txt").write_text(TEXT, "utf-8")
    printed = command("extract", "text.txt", "--published", "2025-02-06", "--json", cwd=tmp_path)
    found = clampdown.extract(TEXT, published="2025-02-06")
    assert found.to_dict("text.txt") == json.loads(printed.stdout)
    (event,) = found
    assert (event.action, event.country, event.service) == (clampdown.Action.BLOCK, "KR", "DeepSeek")
    stated = dict(event.quotes)
    assert {"trigger", "actor", "service", "date", "reason"} <= set(stated)
    assert all(TEXT[quote.start : quote.end] == quote.text for quote in stated.values())
    assert pickle.loads(pickle.dumps(found)) == found
    with pytest.raises(FrozenInstanceError):
        event.country = "IT"  # type: ignore[misc]
    with pytest.raises(TypeError):
        event.scores["trigger"] = 1.0  # type: ignore[index]


def test_an_extractor_loads_once_and_reads_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    extractor = clampdown.Extractor(threads=1, min_score=0.3)
    assert repr(extractor) == "<Extractor not loaded yet>"
    texts = ((text, "2025-02-06") for text in (TEXT, "Nothing happened.", TEXT))
    first, second, third = extractor.extract_many(texts, batch_size=2)
    assert [len(first), len(second)] == [1, 0]
    assert first == third
    assert extractor.revision in repr(extractor)
    assert os.environ["ORT_DISABLE_TELEMETRY"] == "1"
    again = pickle.loads(pickle.dumps(extractor))
    assert repr(again) == "<Extractor not loaded yet>"
    assert again.__reduce__() == extractor.__reduce__()


@pytest.mark.parametrize(
    ("call", "message", "hint"),
    [
        (lambda: clampdown.extract(TEXT, "yesterday"), "'yesterday' is no day", "2025-02-10"),
        (lambda: clampdown.extract(b"<p>"), "a text is a str, not bytes", "HTML"),  # type: ignore[arg-type]
        (lambda: clampdown.Extractor(min_score=90), "min_score=90 is no probability", "from 0 to 1"),
        (lambda: clampdown.Extractor(model="/nowhere").extract("."), "/nowhere", None),
        (lambda: clampdown.open("/nowhere"), "there is nothing at /nowhere", "clampdown run --sample"),
        (lambda: clampdown.Cursor.parse("{}"), "is no cursor", "Keep str"),
    ],
)
def test_a_mistake_is_an_error_with_its_way_out(call: "Iterator[object]", message: str, hint: str | None) -> None:
    with pytest.raises(clampdown.ClampdownError, match=re.escape(message)) as raised:
        call()  # type: ignore[operator]
    if hint is not None:
        assert hint in (raised.value.hint or "")
        assert any(hint in note for note in raised.value.__notes__), "a traceback shows the hint"
