"""The flows as Prefect knows them, without its server: names, schedules, parameters, limits, retries and time-outs."""

import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
import yaml
from conftest import ROOT
from prefect import Task, task
from prefect.client.schemas.objects import TaskRun
from prefect.client.schemas.schedules import CronSchedule, IntervalSchedule
from prefect.flows import load_flow_from_entrypoint
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import Failed

from flows.serving.deadline import alarm, deadline, given_up
from flows.serving.deployed import EPOCH, deployments
from flows.serving.limits import EXTRACTING, limits, slot
from flows.tasks import AS_TASKS, may_heal
from pipeline.errors import (
    ClampdownError,
    EndpointError,
    ModelError,
    Overdue,
    WarehouseError,
    WarehouseLocked,
    WorkersUnavailable,
)
from pipeline.settings import Settings
from pipeline.settings_sections import ServeSettings, WarehouseSettings

FLOWS = ["ingest", "digest", "maintain", "publish", "reextract", "backfill"]


def served(**serve: object) -> Settings:
    return Settings(serve=ServeSettings.model_validate({"timezone": "Europe/Berlin", **serve}))


def test_each_flow_is_deployed_under_the_name_of_the_settings() -> None:
    found = deployments(served(name="north"))
    assert [one.full_name for one in found] == [f"{name}/north" for name in FLOWS]
    for one in found:
        assert one.entrypoint is not None
        assert load_flow_from_entrypoint(one.entrypoint).name == one.flow_name, "it is found by its module"
        assert one.description


def test_schedules_are_those_of_the_settings() -> None:
    found = deployments(served(ingest_every=600, digest_at="06:45", maintain_at="02:30"))
    ingest, digest, maintain, *others = ([schedule.schedule for schedule in one.schedules or []] for one in found)
    (every,) = ingest
    assert isinstance(every, IntervalSchedule)
    assert (every.interval, every.anchor_date) == (timedelta(minutes=10), EPOCH)
    for (daily,), at in ((digest, "45 6 * * *"), (maintain, "30 2 * * *")):
        assert isinstance(daily, CronSchedule)
        assert (daily.cron, daily.timezone) == (at, "Europe/Berlin")
    assert others == [[], [], []]
    assert deployments(served(digest_at=""))[1].schedules == []


def test_parameters_are_what_an_operator_would_type_and_are_explained() -> None:
    by_name = {one.flow_name: one._parameter_openapi_schema for one in deployments(served())}
    assert {name: list(schema.properties) for name, schema in by_name.items() if schema.properties} == {
        "ingest": ["poll_all"],
        "reextract": ["since"],
        "backfill": ["sources", "since", "until", "sitemaps", "max_pages", "undated", "again"],
    }
    assert by_name["backfill"].required == ["sources", "since"]
    assert all(one.get("description") for schema in by_name.values() for one in schema.properties.values())


def test_the_file_for_work_pools_deploys_the_same() -> None:
    told = yaml.safe_load((ROOT / "prefect.yaml").read_text("utf-8"))
    ours = {one.entrypoint: one for one in deployments(Settings(serve=ServeSettings(timezone="Etc/UTC")))}
    assert [one["entrypoint"] for one in told["deployments"]] == list(ours)
    for one in told["deployments"]:
        mine = ours[one["entrypoint"]]
        assert (one["name"], one["tags"]) == (mine.name, mine.tags)
        said = [schedule.get("cron", schedule.get("interval")) for schedule in one["schedules"]]
        meant = [schedule.schedule for schedule in mine.schedules or []]
        assert said == [
            schedule.cron if isinstance(schedule, CronSchedule) else schedule.interval.total_seconds()
            for schedule in meant
            if isinstance(schedule, CronSchedule | IntervalSchedule)
        ]
    for name in limits(Settings()):
        assert f"prefect gcl create {name}" in (ROOT / "prefect.yaml").read_text("utf-8")


def test_limits_have_one_writer_and_as_many_extractions_as_writers() -> None:
    assert limits(Settings()) == {"clampdown-warehouse": 1, EXTRACTING: 1}
    shared = Settings(serve=ServeSettings(name="north"), warehouse=WarehouseSettings(writer=2, writers=3))
    assert limits(shared) == {"north-warehouse": 1, EXTRACTING: 3}


def test_a_slot_that_can_not_be_had_costs_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    """Nobody listens at the port: the work is done all the same, and soon."""
    worked = False
    with temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}), slot("any", 0.5):
        worked = True
    assert worked
    assert "going on without a slot of the limit any" in caplog.text


@pytest.mark.parametrize(
    ("error", "again"),
    [
        (EndpointError("no answer"), True),
        (WarehouseError("the catalogue is restarting"), True),
        (WorkersUnavailable("no memory"), True),
        (WarehouseLocked("in use by ingest"), False),
        (ModelError("a byte is flipped"), False),
        (Overdue("too long"), False),
        (ValueError("a bug"), False),
    ],
)
def test_only_what_may_heal_is_tried_again(error: Exception, again: bool) -> None:
    run = TaskRun(task_key="any", dynamic_key="1", flow_run_id=None)
    step: Task[[], None] = task(lambda: None, name="any")
    assert may_heal(step, run, Failed(data=error)) is again


def test_each_stage_is_a_task() -> None:
    plain = {name for name in dir(type(AS_TASKS)()) if not name.startswith("_")}
    assert all(getattr(AS_TASKS, name).__module__ == "flows.tasks" for name in plain)


def test_work_that_takes_too_long_is_given_up() -> None:
    begun = time.monotonic()
    with pytest.raises(Overdue, match=r"ingest has taken longer than 0\.2 seconds"), deadline(0.2, "ingest"):
        threading.Event().wait(240)
    assert time.monotonic() - begun < 120
    assert isinstance(given_up(), Overdue)
    with deadline(60, "ingest"):
        assert given_up() is None


def test_a_step_in_another_thread_that_hangs_ends_the_run() -> None:
    over = threading.Event()

    def hang() -> None:
        with alarm(0.2, "fetch articles (3)"):
            over.wait(240)

    def wait_for_it() -> None:
        stage = threading.Thread(target=hang, daemon=True)
        stage.start()
        try:
            threading.Event().wait(240)
        finally:
            over.set()

    with pytest.raises(Overdue, match=r"fetch articles \(3\) has taken longer"), deadline(240, "ingest"):
        wait_for_it()
    assert issubclass(Overdue, ClampdownError)


def test_what_can_not_be_interrupted_is_ended_with_all_its_stacks() -> None:
    """A lock in the main thread that no signal reaches, as in a library."""
    code = (
        "import signal\nfrom flows.serving.deadline import deadline\n"
        "with deadline(0.1, 'ingest', grace=0.3):\n"
        "    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])\n"
        "    import threading\n    threading.Event().wait(240)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 1
    assert "Timeout" in done.stderr
    assert "wait" in done.stderr
