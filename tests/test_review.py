"""`clampdown review`: real files, a real warehouse, the real command; and what becomes of a decision that is killed."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import event_cases
import pytest
from conftest import ROOT
from review_material import ask, event_of, fill, tell, told, url_of

from clampdown.main import main
from extractors.training.data import read_passages
from flows.reviewing import decide
from pipeline.decision_archive import DecisionArchive
from pipeline.decision_types import Decision
from pipeline.matching import judge
from pipeline.types import Action
from warehouse.compare import content
from warehouse.query import connect_snapshot
from warehouse.reader import Reader

Cli = Callable[..., str]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("filled")
    fill(folder, "run-1", told())
    # Whatever the points of the day are, here is a pair that they leave open.
    with duckdb.connect(str(folder / "warehouse.duckdb")) as plain:
        plain.execute(
            """
            INSERT INTO unsure_pairs
            SELECT a.happening_id, b.happening_id, 'tiktok', '2025-02', 4.0, 'unsure: the same actor', a.mention_id,
                b.mention_id
            FROM event_mentions AS a JOIN mentions AS m USING (mention_id), event_mentions AS b
                JOIN mentions AS n ON n.mention_id = b.mention_id
            WHERE m.action = 'ban' AND n.action = 'investigate'
            """
        )
    fill(folder, "run-2", [])
    return folder


@pytest.fixture
def data(tmp_path: Path, filled: Path) -> Path:
    shutil.copytree(filled, tmp_path / "data", symlinks=True)
    return tmp_path / "data"


@pytest.fixture
def cli(data: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Cli:
    """Runs `clampdown review` on the data folder; returns what it prints, or with another code than 0 its error."""
    monkeypatch.chdir(data.parent)

    def run(*args: str, code: int = 0, command: str = "review") -> str:
        monkeypatch.setattr(sys, "argv", ["clampdown", "-d", str(data), command, *args])
        with pytest.raises(SystemExit) as end:
            main()
        printed = capsys.readouterr()
        assert (end.value.code or 0) == code, printed.err
        return printed.err if code else printed.out

    return run


def questions(cli: Cli, *args: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(cli("--json", *args))
    return found


def test_what_waits_is_listed_with_the_most_useful_first(data: Path, cli: Cli) -> None:
    found = questions(cli)
    assert {one["kind"] for one in found} == {"pair", "disagreement", "score"}
    assert [one["weight"] for one in found] == sorted((one["weight"] for one in found), reverse=True)
    pair = next(one for one in found if one["kind"] == "pair")
    assert [line["id"] for line in pair["events"]] == [event_of(data, "ban"), event_of(data, "investigate")]
    assert (pair["why"], pair["points"]) == ("the same actor", 4.0)
    (differing,) = next(one for one in found if one["kind"] == "disagreement")["differing"]
    assert differing == {"field": "date_value", "values": [["2025-02-05", 1], ["2025-02-06", 1]]}
    assert {one["kind"] for one in questions(cli, "--service", "Tik Tok")} == {"pair"}
    assert {one["kind"] for one in questions(cli, "--country", "Italy")} == {"score"}
    assert len(questions(cli, "--limit", "1")) == 1


@pytest.mark.parametrize("width", [80, 120])
def test_the_list_fits_into_a_terminal(data: Path, width: int) -> None:
    from clampdown.commands.review_shown import question_lines
    from warehouse.review import waiting

    with connect_snapshot(data / "published") as reader:
        lines = list(question_lines(waiting(reader), 20, width))
    assert all(line.cell_len <= width for line in lines)
    assert any(event_of(data, "ban")[:8] in line.plain for line in lines)
    assert any("same A B" in line.plain for line in lines)


def test_two_events_become_one_and_two_again(data: Path, cli: Cli) -> None:
    before = content(data / "warehouse.duckdb")
    ban, probe = event_of(data, "ban"), event_of(data, "investigate")
    said = cli("same", ban[:6], probe[:6], "--reason", "one decree", "--author", "Ada")
    assert "same  by Ada" in said
    ((event_id, why),) = ask(data, "SELECT event_id, why FROM events WHERE service_canonical = 'TikTok'")
    assert "Ada has said that they are one: one decree." in why
    assert "pair" not in {one["kind"] for one in questions(cli)}
    # Both ids lead to it, and the join is a step of its life.
    shown = [json.loads(cli(id_[:8], "--json", command="show")) for id_ in (ban, probe)]
    assert [one["event"]["id"] for one in shown] == [event_id, event_id]
    assert [one["grounds"] for one in shown[0]["mentions"]] == [None, "a person has said that they are one event"]
    ((detail,),) = ask(data, "SELECT detail FROM event_transitions WHERE kind = 'reviewed'")
    assert detail == "held to be one event with another – Ada: one decree"

    (logged,) = json.loads(cli("log", event_id[:8], "--json"))
    cli("undo", logged["id"][:8], "--reason", "two decrees after all")
    assert {id_ for (id_,) in ask(data, "SELECT event_id FROM events WHERE service_canonical = 'TikTok'")} == {
        ban,
        probe,
    }
    after = content(data / "warehouse.duckdb")
    for table in ("mentions", "event_mentions", "happenings", "event_edits"):
        assert after[table] == before[table]
    assert "taken back" in str(ask(data, "SELECT detail FROM event_transitions WHERE kind = 'reviewed'"))


def test_an_article_is_taken_out_of_its_event(data: Path, cli: Cli) -> None:
    block = event_of(data, "block")
    cli("different", block[:8], "--article", url_of(data, "2025-02-06"), "-r", "another order")
    rows = ask(data, "SELECT event_id, date_value FROM events WHERE action = 'block' ORDER BY date_value")
    assert [value for _, value in rows] == ["2025-02-05", "2025-02-06"]
    # They stay apart, and nobody is asked again.
    assert "pair" not in {one["kind"] for one in questions(cli, "--service", "DeepSeek")}
    again = tell(8, "alpha", "KR", "DeepSeek", "blocked", date(2025, 2, 8), Action.BLOCK, "2025-02-06")
    fill(data, "run-4", [again])
    assert len(ask(data, "SELECT event_id FROM events WHERE action = 'block'")) == 2
    # The machine holds them to be one: taking the decision back brings that back.
    (logged,) = json.loads(cli("log", "--json"))
    cli("undo", logged["id"], "-r", "one order")
    assert len(ask(data, "SELECT event_id FROM events WHERE action = 'block'")) == 1


def test_edits_are_shown_at_once_beside_what_the_machine_read(data: Path, cli: Cli) -> None:
    block = event_of(data, "block")
    cli("edit", block[:8], "date=2025-02-04", "country=Italy", "actor=Garante", "scope=", "-r", "its own notice")
    sql = "SELECT date_value, country, actor_canonical, actor_kind, scope FROM events WHERE action = 'block'"
    garante = "Garante per la protezione dei dati personali"
    assert ask(data, sql) == [("2025-02-04", "IT", garante, "data_protection", None)]
    assert ask(data, "SELECT field, machine_value, human_value FROM event_edits ORDER BY field") == [
        ("actor", "ministry: South Korea Ministry of National Defense",
         "data_protection: Garante per la protezione dei dati personali"),
        ("country", "KR", "IT"),
        ("date", ask(data, "SELECT machine_value FROM event_edits WHERE field = 'date'")[0][0], "2025-02-04"),
        ("scope", "workplace: all staff", None),
    ]  # fmt: skip
    assert "disagreement" not in {one["kind"] for one in questions(cli)}
    # More of the same is told: the edit stays.
    fill(data, "run-4", [tell(8, "alpha", "KR", "DeepSeek", "blocked", date(2025, 2, 8), Action.BLOCK, "2025-02-06")])
    assert ask(data, "SELECT country, articles FROM events WHERE action = 'block'") == [("IT", 3)]


def test_rejected_events_are_kept_and_asked_about_when_more_is_told(data: Path, cli: Cli) -> None:
    limit = event_of(data, "limit")
    cli("reject", limit[:8], "-r", "a plan, no restriction")
    assert ask(data, "SELECT dismissed FROM events WHERE action = 'limit'") == [(True,)]
    assert limit not in {line["id"] for one in questions(cli) for line in one["events"]}
    fill(
        data, "run-4", [tell(8, "beta", "IT", "DeepSeek", "restricted", date(2025, 2, 11), Action.LIMIT, "2025-02-09")]
    )
    (grown,) = (one for one in questions(cli) if one["kind"] == "grown")
    assert grown["events"][0]["id"] == limit
    cli("restore", limit[:8], "-r", "it is in the gazette")
    assert ask(data, "SELECT dismissed FROM events WHERE action = 'limit'") == [(False,)]
    assert "grown" not in {one["kind"] for one in questions(cli)}


def test_decisions_for_later_wait_in_the_archive(data: Path, cli: Cli) -> None:
    said = cli("reject", event_of(data, "limit")[:8], "-r", "a plan", "--later")
    assert "waits for the next run" in said
    assert ask(data, "SELECT count(*) FROM decisions") == [(0,)]
    cli("restore", event_of(data, "ban")[:8], "-r", "checked")
    assert ask(data, "SELECT count(*) FROM decisions") == [(2,)]
    assert ask(data, "SELECT dismissed FROM events WHERE action = 'limit'") == [(True,)]


def test_a_confirmed_event_is_not_asked_about(data: Path, cli: Cli) -> None:
    cli("restore", event_of(data, "limit")[:8], "-r", "checked")
    assert "score" not in {one["kind"] for one in questions(cli)}


def test_a_decision_survives_that_its_article_is_read_anew(data: Path, cli: Cli) -> None:
    """A newer model gives the mention another id; its words find it again. When they are gone, a person is told."""
    listed, read = told()[4]
    cli("reject", event_of(data, "limit")[:8], "-r", "a plan")
    once = replace(read.mentions[0], actor_canonical="Garante", scope=None, scope_class=None)
    assert once.id != read.mentions[0].id
    fill(data, "run-4", [(listed, replace(read, mentions=(once,)))])
    assert ask(data, "SELECT dismissed FROM events WHERE action = 'limit'") == [(True,)]
    assert ask(data, "SELECT state FROM decisions") == [("in_force",)]

    fill(data, "run-5", [(listed, replace(read, mentions=()))])
    assert questions(cli)[0]["kind"] == "lost"
    assert ask(data, "SELECT state FROM decisions") == [("lost",)]
    fill(data, "run-6", [(listed, read)])
    assert ask(data, "SELECT state FROM decisions") == [("in_force",)]
    assert ask(data, "SELECT dismissed FROM events WHERE action = 'limit'") == [(True,)]


def test_decisions_that_come_before_their_articles_do_the_same(data: Path, cli: Cli, tmp_path: Path) -> None:
    """A warehouse that is made anew, with the decisions taken over first, ends in the same tables."""
    block, ban, probe = (event_of(data, action) for action in ("block", "ban", "investigate"))
    cli("different", block[:8], "--article", url_of(data, "2025-02-06"), "-r", "another order")
    cli("same", ban[:8], probe[:8], "-r", "one decree")
    cli("edit", ban[:8], "status=announced", "-r", "not yet")
    cli("reject", event_of(data, "limit")[:8], "-r", "a plan")
    anew = tmp_path / "anew"
    shutil.copytree(data / "archive", anew / "archive")
    fill(anew, "run-1", told()[::-1], publish=False)
    expected, made = content(data / "warehouse.duckdb"), content(anew / "warehouse.duckdb")
    for table in ("events", "event_mentions", "event_transitions", "event_edits", "decisions", "decision_mentions"):
        assert made[table] == expected[table], table


def test_what_can_not_be_done_is_said_in_a_line(data: Path, cli: Cli) -> None:
    ban, block = event_of(data, "ban"), event_of(data, "block")
    assert "needs a reason" in cli("reject", ban[:8], code=2)
    assert "one event already" in cli("same", ban[:8], ban[:10], "-r", "x", code=2)
    assert "one event" in cli("different", ban[:8], ban[:10], "-r", "x", code=2)
    assert "either a second event or articles" in cli("different", ban[:8], "-r", "x", code=2)
    assert "https://alpha.example/news/3" in cli("different", block[:8], "-a", "https://x.example", "-r", "x", code=2)
    said = cli("different", ban[:8], "-a", "https://alpha.example/news/1", "-r", "x", code=2)
    assert "all of the event's articles" in said
    assert "no country" in cli("edit", ban[:8], "country=Atlantis", "-r", "x", code=2)
    assert "--new" in cli("edit", ban[:8], "service=Friendbook", "-r", "x", code=2)
    assert "FIELD=VALUE" in cli("edit", ban[:8], "service", "-r", "x", code=2)
    assert "no decision" in cli("undo", "abcd", "-r", "x", code=2)
    assert not (data / "archive").exists()
    cli("edit", ban[:8], "service=Friendbook", "--new", "-r", "it was renamed")
    assert ask(data, "SELECT count(*) FROM events WHERE service_canonical = 'Friendbook'") == [(1,)]
    (logged,) = json.loads(cli("log", "--json"))
    cli("undo", logged["id"], "-r", "no")
    assert "taken back already" in cli("undo", logged["id"], "-r", "x", code=2)


def test_while_a_run_holds_the_warehouse_the_decision_is_kept_for_it(
    data: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.reviewing.decide", lambda *args, **named: decide(*args, **named, patience=0.3))
    program = "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"
    holder = subprocess.Popen(
        [sys.executable, "-c", program, str(data / "warehouse.duckdb")],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert holder.stdout is not None
        holder.stdout.readline()
        said = cli("reject", event_of(data, "limit")[:8], "-r", "a plan", code=4)
    finally:
        holder.communicate("\n")
    assert "kept" in said
    assert "Nothing is lost" in said
    assert ask(data, "SELECT count(*) FROM decisions") == [(0,)]
    # The next review does it, as a run would.
    cli("restore", event_of(data, "ban")[:8], "-r", "checked")
    assert ask(data, "SELECT dismissed FROM events WHERE action = 'limit'") == [(True,)]
    assert ask(data, "SELECT count(*) FROM decisions") == [(2,)]


FAILPOINTS = (
    "decision.written",
    "decision.kept",
    "decide.stored",
    "decide.resolved",
    "decide.committed",
    "publish.renamed",
)

KILLER = """
import os, shutil, signal, sys
import clampdown.commands.review_shown, flows.reviewing, warehouse.query, warehouse.review
from clampdown.main import main
from pipeline import failpoints

folder, event, *names = sys.argv[1:]
for failpoint in names:
    child = os.fork()
    if child == 0:
        failpoints.arm(failpoint)
        sys.argv = ["clampdown", "-d", f"{folder}/{failpoint}", "review", "reject", event, "-r", "a plan"]
        main()
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL, (failpoint, status)
"""
"""Rejects an event once for each failpoint, in a process of its own. They are forked: imports are paid for once."""


def test_killed_anywhere_a_decision_is_whole_or_was_never_made(filled: Path, tmp_path: Path) -> None:
    for failpoint in FAILPOINTS:
        shutil.copytree(filled, tmp_path / failpoint, symlinks=True)
    done = subprocess.run(
        [sys.executable, "-c", KILLER, str(tmp_path), event_of(filled, "limit")[:8], *FAILPOINTS],
        cwd=ROOT, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    for failpoint in FAILPOINTS:
        data = tmp_path / failpoint
        made = failpoint != "decision.written"
        assert len(DecisionArchive(data / "archive").unread()[0]) == made, failpoint
        fill(data, "run-4", [], publish=False)
        with duckdb.connect(str(data / "warehouse.duckdb")) as plain:
            sql = "SELECT dismissed FROM events WHERE action = 'limit'"
            assert plain.execute(sql).fetchall() == [(made,)], failpoint
            for table in ("decisions", "event_transitions WHERE kind = 'reviewed'"):
                assert plain.execute(f"SELECT count(*) FROM {table}").fetchall() == [(made,)], failpoint


def test_decisions_are_exported_as_pairs_and_passages(data: Path, cli: Cli, tmp_path: Path) -> None:
    block, ban, probe = (event_of(data, action) for action in ("block", "ban", "investigate"))
    cli("same", ban[:8], probe[:8], "-r", "one decree")
    cli("different", block[:8], "-a", url_of(data, "2025-02-06"), "-r", "another order")
    pairs = tmp_path / "pairs.jsonl"
    assert "2 pairs" in cli("export", str(pairs))
    records = [json.loads(line) for line in pairs.read_text("utf-8").splitlines()]
    assert [one["label"] for one in records] == ["same", "different"]
    for one in records:
        sides = [one["a"], one["b"]]
        for side in sides:
            assert side["passage"][slice(*side["quotes"]["service"])] == side["service"]
        # They are what the resolver's golden cases are made of.
        judged = judge(*(event_cases.context(side, number) for number, side in enumerate(sides)))
        assert judged.points

    cli("reject", event_of(data, "limit")[:8], "-r", "a plan")
    cli("edit", ask(data, "SELECT event_id FROM events WHERE service_canonical = 'TikTok'")[0][0][:8],
        "country=Italy", "actor=", "-r", "x")  # fmt: skip
    passages = tmp_path / "passages.jsonl"
    assert "3 passages" in cli("export", str(passages), "--as", "passages")
    read = {one.text: one for one in read_passages(passages)}
    restricted = next(one for text, one in read.items() if "restricted" in text)
    assert restricted.events == ()
    banned = next(one for text, one in read.items() if "banned" in text)
    assert banned.raw[0]["country"] == "IT"
    assert "actor" not in banned.raw[0]
    assert {"trigger", "service", "scope", "date", "reason"} <= banned.events[0].spans.keys()
    assert "no form" in cli("export", str(passages), "--as", "letters", code=2)


def test_a_snapshot_from_before_reviews_is_told_from_a_new_one(
    data: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Reader, "tables", lambda self: ["manifest", "events"])
    assert "before there were reviews" in cli(code=2)


def test_a_damaged_record_is_told_and_stops_nobody(data: Path, cli: Cli) -> None:
    cli("reject", event_of(data, "limit")[:8], "-r", "a plan")
    (path,) = (data / "archive" / "decisions").rglob("*.json")
    (path.parent / "0123456789.json").write_text(path.read_text())
    cli("restore", event_of(data, "ban")[:8], "-r", "checked")
    assert [one["kind"] for one in json.loads(cli("log", "--json"))] == ["restore", "reject"]


def test_the_clock_may_go_back(data: Path, cli: Cli) -> None:
    """A decision always answers those before it, also where the clock says that it came first."""
    ban, probe = event_of(data, "ban"), event_of(data, "investigate")
    cli("same", ban[:8], probe[:8], "-r", "one")
    archive = DecisionArchive(data / "archive")
    ((first,), _) = archive.unread()
    ahead = replace(first, decided_at=first.decided_at.replace(year=first.decided_at.year + 1))
    assert isinstance(ahead, Decision)
    archive.keep(ahead)
    logged = [one["id"] for one in json.loads(cli("log", "--json"))]
    assert logged == [first.id]
    cli("restore", event_of(data, "limit")[:8], "-r", "checked")
    latest = archive.latest()
    assert latest is not None
    assert latest > ahead.decided_at
