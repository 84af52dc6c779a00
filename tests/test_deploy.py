"""The files for those who deploy it say what the program and its settings say."""

import re
import shutil
import subprocess
import tomllib
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import typer.main
import yaml
from conftest import ROOT

from clampdown.main import app
from flows.serving.supervisor import STOP_WITHIN
from pipeline.settings import load

DEPLOY = ROOT / "deploy"
UNITS = sorted(DEPLOY.glob("*.service"))
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))["services"]["clampdown"]
IMAGE = (DEPLOY / "Containerfile").read_text("utf-8")


class Unit(RawConfigParser):
    """A unit: of a key that stands there often, all values."""

    def __init__(self, text: str) -> None:
        super().__init__(strict=False, interpolation=None, delimiters=("=",))
        self.optionxform = str
        self.read_string(text)
        self.variables = dict(re.findall(r"^#?Environment=(\w+)=(.*)$", text, re.MULTILINE))


def command_of(words: list[str]) -> Any:
    command = typer.main.get_command(app)
    return command.commands[words[0]]


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_units_start_commands_with_settings_that_there_are(path: Path) -> None:
    unit = Unit(path.read_text("utf-8"))
    program, *words = unit["Service"]["ExecStart"].split()
    assert Path(program).name == "clampdown"
    options = {option for parameter in command_of(words).params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= options
    assert unit.variables["CLAMPDOWN_DATA_DIR"].startswith("/var/lib/" + unit["Service"]["StateDirectory"])
    given = {name: value for name, value in unit.variables.items() if name != "CLAMPDOWN_CONFIG"}
    assert load(environ=given).settings.data_dir == Path("/var/lib/clampdown/data")


def test_the_service_has_time_to_stop_in_order() -> None:
    service = Unit((DEPLOY / "clampdown.service").read_text("utf-8"))["Service"]
    # The runner and the server, one after the other.
    assert int(service["TimeoutStopSec"].removesuffix("s")) > 2 * STOP_WITHIN
    assert int(COMPOSE["stop_grace_period"].removesuffix("s")) > 2 * STOP_WITHIN


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_systemd_understands_the_units(tmp_path: Path) -> None:
    program = tmp_path / "clampdown"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    for path in [*UNITS, *DEPLOY.glob("*.timer")]:
        text = path.read_text("utf-8").replace("/opt/clampdown/bin/clampdown", str(program))
        # What is commented out is there to be used.
        (tmp_path / path.name).write_text(re.sub(r"^#(?=[A-Z]\w+=)", "", text, flags=re.MULTILINE))
    done = subprocess.run(
        ["systemd-analyze", "verify", *sorted(map(str, tmp_path.glob("clampdown*.*")))],
        capture_output=True, text=True, check=False, timeout=240,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_compose_file_has_settings_that_there_are_and_keeps_ports_at_home() -> None:
    named = [str(name) for name in COMPOSE["environment"]]
    named += re.findall(r"#(CLAMPDOWN_\w+):", (DEPLOY / "compose.yaml").read_text("utf-8"))
    assert named
    settings = load(environ={name: str(COMPOSE["environment"].get(name, "x")) for name in named}).settings
    assert settings.serve.host == "0.0.0.0"
    assert COMPOSE["ports"] == [
        f"127.0.0.1:{port}:{port}" for port in (settings.serve.port, settings.serve.status_port)
    ]
    assert COMPOSE["cap_drop"] == ["ALL"]
    assert COMPOSE["read_only"] is True


def test_the_image_has_all_that_the_wheel_is_made_of() -> None:
    built = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    wheel = built["tool"]["hatch"]["build"]["targets"]["wheel"]
    needed = {*wheel["packages"], *wheel["force-include"], "README.md", "hatch_build.py", "pyproject.toml"}
    copied = {word for line in re.findall(r"^COPY (?!--from)(.*) \S+$", IMAGE, re.MULTILINE) for word in line.split()}
    assert needed <= copied
    assert all((ROOT / name).exists() for name in copied)
    assert f"EXPOSE {load(environ={}).settings.serve.port} " in IMAGE


def test_nothing_names_a_registry() -> None:
    for path in DEPLOY.rglob("*.*"):
        assert not re.search(r"\w\.(io|com)/", path.read_text("utf-8")), path
