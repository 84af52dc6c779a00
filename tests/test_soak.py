"""The soak: its world is the same for all who look, its curves are as steep as they are, its claims see faults.

The soak itself, also in its short form, takes a minute and more: `clampdown prove soak`.
"""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clampdown.proofs import soak, soak_plain
from clampdown.proofs.soak_curves import Reading, disk, slope
from clampdown.proofs.soak_report import Record
from clampdown.proofs.soak_tree import Part, Weight
from clampdown.proofs.soak_world import LEAST_STATES, World, build, moment
from clampdown.proofs.webserver import Hit, Reply
from pipeline.feeds import parse_feed

ORIGIN = "http://127.0.0.9:8000"


def answer(world: World, number: int, state: int, target: str) -> Reply:
    """What an outlet of a world answers."""
    route = world.routes(world.outlets[number], state, ORIGIN).get(target, Reply(404))
    return route if isinstance(route, Reply) else route(Hit(0.0, target, {}, 1))


def test_a_world_is_the_same_for_all_who_look() -> None:
    one, other = build(20), build(20)
    assert one == other
    for number in range(len(one.outlets)):
        assert answer(one, number, 13, "/feed").body == answer(other, number, 13, "/feed").body
    assert build(20, seed=8) != one


@pytest.mark.parametrize("states", [LEAST_STATES, 40])
def test_in_every_world_all_that_can_change_does(states: int) -> None:
    world = build(states)
    outlets, last = world.outlets, states - 1
    assert any(outlet.born for outlet in outlets), "outlets appear"
    assert any(outlet.silent is not None for outlet in outlets), "fall silent"
    assert any(answer(world, outlet.number, last, "/feed").status == 410 for outlet in outlets), "close"
    assert any(answer(world, outlet.number, last, "/feed").status == 301 for outlet in outlets), "move"
    assert any(outlet.format(0) != outlet.format(last) for outlet in outlets), "change their format"
    assert any(outlet.troubles for outlet in outlets), "fail"
    assert any(piece.edits for piece in world.pieces), "edit"
    assert any(piece.taken_back is not None for piece in world.pieces), "take back"
    assert any(piece.fails for piece in world.pieces), "have pages that fail"
    listed = [len(world.sources(state, [ORIGIN] * len(outlets))) for state in (0, last)]
    assert listed[0] < len(outlets) > listed[1], "come onto the source list, and off it"


def test_feeds_of_all_formats_list_the_same_articles() -> None:
    world = build(12)
    state = 8
    seen = set()
    for outlet in world.outlets:
        reply = answer(world, outlet.number, state, outlet.path(state))
        if reply.status != 200 or outlet.troubles.get(state):
            continue
        media_type = reply.headers["Content-Type"]
        feed = parse_feed(
            reply.body, url=ORIGIN + "/feed", source_id=outlet.id, content_type=media_type, now=moment(state)
        )
        mine = [one for one in world.pieces if one.outlet == outlet.number and one.appears <= state]
        kept = [one for one in mine if not (one.is_taken_back(state) and one.fate == "gone")][-12:]
        assert [entry.url for entry in feed.entries] == [ORIGIN + one.path for one in kept[::-1]]
        assert all(entry.published is not None for entry in feed.entries)
        seen.add(outlet.format(state))
    assert len(seen) == 3


def test_what_was_edited_or_taken_back_is_so_from_then_on() -> None:
    world = build(40)
    edited = next(one for one in world.pieces if one.edits and one.edits[-1] < 39 and not one.fails)
    before, after = (
        answer(world, edited.outlet, state, edited.path).body for state in (edited.appears, edited.edits[-1])
    )
    assert b"Update" not in before
    assert b"Update" in after
    for fate, status in (("gone", 410), ("notice", 200)):
        gone = next(one for one in world.pieces if one.fate == fate and one.taken_back is not None)
        assert gone.taken_back is not None
        assert answer(world, gone.outlet, gone.taken_back - 1, gone.path).status == 200
        assert answer(world, gone.outlet, gone.taken_back, gone.path).status == status


@pytest.mark.parametrize("wait", [3600 * 2**power for power in range(6)])
def test_no_wait_of_the_program_ends_near_a_change_of_state(wait: int) -> None:
    """Whether something is due must not depend on how long a killed flow took to come again."""
    step = (moment(1) - moment(0)).total_seconds()
    assert min(wait % step, step - wait % step) >= 3600


@given(st.floats(-5, 5), st.floats(-1e3, 1e3), st.integers(12, 40), st.integers(0, 1_000_000), st.floats(-1e4, 1e4))
def test_a_slope_is_that_of_the_line_whatever_one_reading_says(
    steep: float, start: float, count: int, where: int, wrong: float
) -> None:
    values = [start + steep * number for number in range(count)]
    values[where % count] = wrong
    assert slope(values) == pytest.approx(steep, abs=1e-6)


def test_too_few_readings_have_no_slope() -> None:
    assert slope([]) == slope([4.0]) == 0


def test_differing_and_doubled_rows_are_found() -> None:
    tables = {name: [("a", 1), ("b", 2)] for name in ("entries", "outcomes", "articles", "sources")}
    assert soak_plain.different(tables, tables) == soak_plain.doubled(tables) == []
    other = tables | {"articles": [("a", 1), ("b", 3)], "more": []}
    articles, more = soak_plain.different(tables, other)
    assert articles.startswith("articles: 1 rows lacking, 1 too many")
    assert more == "more is one too many"
    twice = tables | {"entries": [("a", 1), ("a", 1), ("b", 2)]}
    (entries,) = soak_plain.different(tables, twice)
    assert entries.startswith("entries: 0 rows lacking, 1 too many: has ('a', 1)")
    assert soak_plain.doubled(twice) == ["entries: 1 stand there twice"]


def test_disk_is_counted_by_folder_and_files_with_two_names_once(tmp_path: Path) -> None:
    (tmp_path / "archive").mkdir()
    (tmp_path / "archive" / "part").write_bytes(bytes(2_000_000))
    (tmp_path / "published").mkdir()
    (tmp_path / "published" / "one").hardlink_to(tmp_path / "archive" / "part")
    (tmp_path / "warehouse.duckdb").write_bytes(bytes(1_000_000))
    (tmp_path / ".lock").write_bytes(b"")
    found = disk(tmp_path)
    assert found["archive"] + found["published"] == 2
    assert found["warehouse"] == 1
    assert sum(found.values()) == 3


def record(folder: Path, *, grows: float = 0.0, opens: float = 0.0, renewed: int = 0) -> Record:
    """What a soak of a hundred cycles saw whose server grows by so many MB and files a cycle.

    It is started anew in the cycle `renewed`, and takes as much less as it took too much.
    """
    made = Record(folder / "soak.jsonl", 100, 1)
    for cycle in range(100):
        # What is shared swings with what others do.
        idle = Weight(memory=100 + cycle % 4 * 2, handles=20 + cycle % 2, own=80 + (cycle % 3) / 10)
        age = cycle - renewed if renewed and cycle >= renewed else cycle
        server = idle + Weight(memory=grows * age, handles=int(opens * cycle), own=grows * age)
        parts: dict[Part, Weight] = {"supervisor": idle, "server": server, "runner": idle}
        killed = ("flow",) if cycle == 7 else ()
        pid = 1 if age == cycle else 2
        made.read(Reading(cycle, 5.0, killed, 1, parts, idle, {"archive": cycle / 10, "prefect": 1.0}, server=pid))
    made.compare(100, [], "warehouse")
    made.plain_disk = {"archive": 9.0}
    made.stopped_in = 2.0
    return made


def test_a_soak_that_stays_flat_holds(tmp_path: Path) -> None:
    flat = record(tmp_path)
    assert [claim.text for claim in flat.claims() if not claim.holds] == []
    assert flat.slopes()["server memory"] == pytest.approx(0, abs=0.001)
    assert flat.slopes()["archive disk"] == pytest.approx(0.1)
    assert len((tmp_path / "soak.jsonl").read_text("utf-8").splitlines()) == 101


def test_what_grows_differs_or_stays_is_no_proof(tmp_path: Path) -> None:
    def broken(made: Record) -> list[str]:
        return [claim.text for claim in made.claims() if not claim.holds]

    assert broken(record(tmp_path, grows=0.2)) == ["memory of the server"]
    assert broken(record(tmp_path, opens=0.1)) == ["handles of the server"]
    other = record(tmp_path)
    other.compare(100, ["events: 1 rows lacking"], "published")
    assert broken(other) == ["tables that differ from those of undisturbed runs, or hold something twice"]
    other = record(tmp_path)
    other.fault("cycle 3 did not end")
    other.digests = (["2026-10-20"], [])
    other.left = 1
    other.plain_disk = {"archive": 1.0}
    assert len(broken(other)) == 4


def test_a_server_that_is_started_anew_is_measured_between_its_starts(tmp_path: Path) -> None:
    made = record(tmp_path, grows=0.2, renewed=60)
    assert made.renewed() == {60}
    assert [reading.cycle for reading in made.calm()] == list(range(18, 60))
    assert made.slopes()["server memory"] == pytest.approx(0.2, abs=0.01)
    (whole,) = [claim for claim in made.claims() if claim.text.startswith("memory when idle")]
    assert whole.measured.endswith("for its size: 1")
    assert whole.measured.startswith("330 MB at most")


def test_a_soak_that_saw_little_says_so(tmp_path: Path) -> None:
    claims = Record(tmp_path / "soak.jsonl", 100, 1).claims()
    assert not all(claim.holds for claim in claims)


def test_kills_fall_into_the_first_part_and_none_into_the_first_cycle() -> None:
    plan = soak.Plan()
    kills = soak.planned(plan)
    assert len(kills) == plan.kills
    assert min(kills) > 0
    assert max(kills) < plan.cycles * 3 / 5
    assert {kill.part for kill in kills.values()} == set(plan.targets)
    assert {state: (kill.part, kill.after) for state, kill in soak.planned(plan).items()} == {
        state: (kill.part, kill.after) for state, kill in kills.items()
    }
