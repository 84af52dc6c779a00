"""All promises in one table: what is run, kept, gone on with, shown and told by the exit status."""

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import pytest
from in_process import Done, clampdown

from clampdown import guarantees
from clampdown.proofs import results
from clampdown.proofs.apart import run_apart, run_here
from clampdown.proofs.claims import Claim, Proof
from clampdown.proofs.registry import BY_NAME, GUARANTEES, PROOFS, Entry
from clampdown.proofs.results import Result, State
from pipeline.errors import InputError

ROOT = Path(__file__).resolve().parent.parent
AT = datetime(2026, 11, 22, 7, 30, tzinfo=UTC)
CLAIMS = (Claim("rows lost", "0", "0", True), Claim("fetches | in vain", "2 <of 9>", "≤ 3", True))


def held(name: str, *, short: bool = True) -> Result:
    return Result(name, short, State.HOLDS, AT, 12.3, "2 cores", results.release(), CLAIMS)


def keep_all(folder: Path, *others: Result) -> Path:
    """A folder in which every proof has held, but for these."""
    folder.mkdir()
    for one in [held(entry.name) for entry in PROOFS] + list(others):
        results.keep(folder, one)
    return folder


def shown(folder: Path) -> Done:
    return clampdown("prove", "--list", "--to", "kept", cwd=folder.parent)


def test_every_promise_has_a_proof_and_every_proof_a_promise() -> None:
    assert [one.number for one in GUARANTEES] == list(range(1, 13))
    backed = {number for entry in PROOFS for number in entry.guarantees}
    assert backed == {one.number for one in GUARANTEES}
    for entry in PROOFS:
        assert find_spec(f"clampdown.proofs.{entry.module or entry.name}") is not None, entry.name
        assert entry.guarantees, entry.name


def test_what_broke_is_run_again_in_a_process_of_its_own_and_the_rest_is_not(tmp_path: Path) -> None:
    broke = results.unmeasured("ssrf", State.BROKE, "it ended with status -9", short=True, at=AT)
    folder = keep_all(tmp_path / "kept", broke)
    done = clampdown("prove", "--to", str(folder), "--json", cwd=tmp_path)
    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stderr
    assert "ssrf, 2 of" in done.stderr
    assert "hostile, 3 of" not in done.stderr
    by_name = {one["proof"]: one for one in told["proofs"]}
    assert by_name["ssrf"]["state"] == "holds"
    assert len(by_name["ssrf"]["claims"]) > 10
    assert by_name["crash"]["at"] == "2026-11-22T07:30:00+00:00", "what was kept"
    assert {one["state"] for one in told["guarantees"]} == {"holds"}
    assert results.kept_in(folder)["ssrf"].state is State.HOLDS, "kept as it ended"


def test_one_that_fails_is_told_with_its_claim_and_the_exit_status(tmp_path: Path) -> None:
    wrong = Claim("events lost", "3; first e1", "0", False)
    fails = replace(held("crash"), state=State.FAILS, claims=(*CLAIMS, wrong))
    done = shown(keep_all(tmp_path / "kept", fails))
    assert done.returncode == 1
    (line,) = [one for one in done.stdout.splitlines() if "events lost" in one]
    assert line.startswith("FAILS")
    assert "3; first e1" in line
    assert "2/3" in done.stdout
    assert "12 promises: 11 hold, 1 fail" in done.stdout


def test_what_is_not_possible_here_is_neither_held_nor_a_failure(tmp_path: Path) -> None:
    lacking = Entry("ssrf", (2,), "", (), needs=(("no_such_library", "no-such"),))
    result = run_here(lacking, lambda _: None, short=True)
    assert result.state is State.NOT_HERE
    assert result.why == "the library no_such_library is not installed (pip install no-such)"
    done = shown(keep_all(tmp_path / "kept", result))
    assert done.returncode == 0
    assert "12 promises: 11 hold, 1 can't be proved here" in done.stdout
    assert "no_such_library" in done.stdout


def test_a_proof_that_breaks_says_how_and_stops_nobody() -> None:
    result = run_apart(Entry("no-such-proof", (1,), "", ()), lambda _: None, short=True)
    assert result.state is State.BROKE
    assert result.why.startswith("it ended with status 1: KeyError")
    assert result.state.is_wrong


@pytest.mark.parametrize("width", [80, 120])
def test_the_table_fits_and_names_every_promise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    monkeypatch.setattr("clampdown.output.PIPE_WIDTH", width)
    done = shown(keep_all(tmp_path / "kept"))
    assert max(map(len, done.stdout.splitlines())) <= width
    words = " ".join(done.stdout.split())
    for entry in PROOFS:
        assert entry.name in words
    for one in GUARANTEES:
        assert f"{one.number}  {one.promise.replace('`', '')}" in done.stdout
    assert "rows lost" in words
    assert "12 promises: 12 hold" in words


def test_results_of_another_form_or_release_are_not_gone_on_with() -> None:
    assert results.is_current(held("ssrf"), short=True)
    assert not results.is_current(held("ssrf"), short=False)
    assert not results.is_current(replace(held("ssrf"), version="0.0.9"), short=True)


def test_options_before_a_name_are_refused(tmp_path: Path) -> None:
    done = clampdown("prove", "--short", "ssrf", cwd=tmp_path)
    assert done.returncode == InputError.exit_code
    assert "clampdown prove ssrf --short" in done.stderr
    assert done.stdout == ""


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other.json").write_text('{"a": 1}')
    done = clampdown("prove", "--list", "--to", str(tmp_path), cwd=tmp_path)
    assert done.returncode == InputError.exit_code
    assert "other.json is no result of a proof" in done.stderr


def test_results_come_back_as_they_were_kept(tmp_path: Path) -> None:
    one = replace(held("soak", short=False), left_out=("in a browser",), figures={"cycles": [1, 2]})
    results.keep(tmp_path, one)
    assert results.kept_in(tmp_path) == {"soak": one}
    assert results.kept_in(tmp_path / "soak.json") == {"soak": one}


def test_a_release_keeps_full_forms_alone_and_no_series(tmp_path: Path) -> None:
    full = replace(held("soak", short=False), figures={"cycles": [1, 2]})
    told = json.loads(results.release_with({"soak": full, "crash": held("crash")}))
    assert told["soak"]["claims"][0]["text"] == CLAIMS[0].text
    assert "figures" not in told["soak"]
    assert "crash" not in told or not told["crash"]["short"]


def test_the_page_of_promises_is_fresh() -> None:
    committed = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
    assert committed == guarantees.page(), "run `python -m clampdown.guarantees > docs/guarantees.md`"


def test_the_page_shows_what_was_kept_and_says_what_was_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    kept = tmp_path / "kept.json"
    kept.write_text("{}")
    monkeypatch.setattr(results, "KEPT", kept)
    assert guarantees.page().count("Not yet run in full.") == len(PROOFS)
    full = replace(held("crash", short=False), left_out=("a small disk: nothing may be mounted here",))
    kept.write_text(results.release_with({"crash": full}))
    page = guarantees.page()
    assert page.count("Not yet run in full.") == len(PROOFS) - 1
    assert "In full on 2026-11-22, in 12 s, on 2 cores; Clampdown" in page
    assert r"| fetches \| in vain | 2 &lt;of 9> | ≤ 3 | holds |" in page
    assert "Left out: a small disk" in page


def test_what_the_table_shows_of_a_proof_are_claims_that_it_makes() -> None:
    """By the figures that came with the release."""
    for name, one in results.released().items():
        for begin in BY_NAME[name].headline:
            assert any(re.match(re.escape(begin), claim.text.strip()) for claim in one.claims), f"{name}: {begin}"


def test_a_proof_without_claims_does_not_hold() -> None:
    assert results.measured("x", lambda: Proof("x", ()), short=True).state is State.FAILS
