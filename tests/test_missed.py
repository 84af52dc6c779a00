"""What was missed while nobody served is made up for, ever later and not for ever."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import settings as examples
from hypothesis import strategies as st

from flows.serving.overdue import ATTEMPTS, PATIENCE, missed, occasions
from pipeline.flow_log import FlowRun, FlowStatus
from pipeline.settings import Settings
from pipeline.settings_sections import ServeSettings

NOW = datetime(2026, 11, 22, 12, 7, tzinfo=UTC)


def ran(flow: str, started: datetime, status: FlowStatus) -> FlowRun:
    ended = None if status in (FlowStatus.RUNNING, FlowStatus.LOST) else started + timedelta(minutes=1)
    return FlowRun(flow, "r", started, ended, status)


def test_what_was_missed() -> None:
    wanted = occasions(Settings(serve=ServeSettings(timezone="UTC")), NOW)
    assert wanted == {
        "ingest": datetime(2026, 11, 22, 12, 0, tzinfo=UTC),
        "maintain": datetime(2026, 11, 22, 3, 30, tzinfo=UTC),
        "digest": datetime(2026, 11, 22, 7, 0, tzinfo=UTC),
    }
    # A new site: what should have been before it was there is nobody's loss.
    assert [one.flow for one in missed(wanted, {}, None, NOW)] == ["ingest"]
    week_ago = NOW - timedelta(days=7)
    assert {one.flow for one in missed(wanted, {}, week_ago, NOW)} == {"ingest", "maintain", "digest"}
    # After a week's sleep each is missed once.
    old = {flow: [ran(flow, week_ago, FlowStatus.FINISHED)] for flow in wanted}
    assert [one.attempt for one in missed(wanted, old, week_ago, NOW)] == [0, 0, 0]
    done = {flow: [ran(flow, at, FlowStatus.FINISHED)] for flow, at in wanted.items()}
    assert missed(wanted, done, week_ago, NOW) == []
    # The scheduler has its time.
    assert not missed({"ingest": NOW - PATIENCE / 2}, {}, None, NOW)
    assert missed({"ingest": NOW - PATIENCE / 2}, {}, None, NOW, timedelta(0))


@examples(max_examples=30)
@given(
    st.lists(st.sampled_from([FlowStatus.LOST, FlowStatus.FAILED, FlowStatus.SKIPPED]), max_size=6),
    st.sampled_from(["ingest", "digest", "maintain"]),
)
def test_runs_that_came_to_nothing_are_made_up_for_ever_later_and_not_for_ever(
    ends: list[FlowStatus], flow: str
) -> None:
    at, now = NOW, NOW
    runs: list[FlowRun] = []
    for _ in range(60):
        now += timedelta(minutes=1)
        for one in missed({flow: at}, {flow: runs}, at - timedelta(days=1), now):
            assert one.attempt == len(runs)
            runs.insert(0, ran(flow, now, ends[len(runs)] if len(runs) < len(ends) else FlowStatus.FINISHED))
    starts = [run.started_at for run in reversed(runs)]
    assert len(starts) == min(len(ends) + 1, ATTEMPTS)
    gaps = [after - before for before, after in pairwise(starts)]
    assert gaps == sorted(gaps)
    assert all(gap >= timedelta(minutes=2) for gap in gaps)
