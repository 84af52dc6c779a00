"""The wheel, installed into an empty environment outside the checkout, is whole."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterator
from email import message_from_bytes
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source distribution, and the wheel that is built from it alone."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    return folder


@pytest.fixture(scope="module")
def wheel(built: Path) -> Path:
    (found,) = built.glob("*.whl")
    return found


def test_the_wheel_holds_what_runs_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"pipeline", "extractors", "flows", "warehouse", "reports", "clampdown"}
    assert any(name.startswith("clampdown/samples/articles/") for name in names)
    assert any(name.endswith(".onnx") for name in names)
    assert "pipeline/defaults/sources.toml" in names
    assert {"reports/shapes/countries-50m.json", "reports/shapes/NOTICE"} <= set(names)
    assert not any("/training/data/" in name for name in names)


def test_the_wheel_from_the_source_distribution_lacks_nothing_of_the_checkout(wheel: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode:
        pytest.skip("this checkout is no git repository")
    names = set(zipfile.ZipFile(wheel).namelist())
    packages = ("pipeline/", "extractors/", "flows/", "warehouse/", "reports/", "clampdown/")
    ours = {
        name
        for name in listed.stdout.splitlines()
        if name.startswith(packages) and "extractors/training/data/" not in name and (ROOT / name).is_file()
    }
    assert len(ours) > 500
    assert ours <= names


def test_the_source_distribution_is_small_and_whole(built: Path) -> None:
    (archive,) = built.glob("*.tar.gz")
    assert archive.stat().st_size < 40_000_000
    with tarfile.open(archive) as sources:
        names = {name.partition("/")[2] for name in sources.getnames()}
    assert {"LICENSE", "README.md", "Makefile", "hatch_build.py", "requirements.lock", "tests/conftest.py"} <= names


def test_what_an_index_shows_reads_on_its_own(wheel: Path) -> None:
    held = zipfile.ZipFile(wheel)
    (name,) = [name for name in held.namelist() if name.endswith(".dist-info/METADATA")]
    told = message_from_bytes(held.read(name))
    assert told["License-Expression"] == "Apache-2.0"
    assert told.get_all("License-File") == ["LICENSE", "reports/shapes/NOTICE"]
    assert told["Requires-Python"] == ">=3.11"
    assert told["Description-Content-Type"] == "text/markdown"
    description = held.read(name).partition(b"\n\n")[2].decode()
    assert description.startswith("# Clampdown")
    assert re.findall(r"\]\((?!https?:)[^)]*\)", description) == [], "links that lead nowhere there"
    assert "docs/analyst.md" in description, "their words stay"


def locked() -> Iterator[Distribution]:
    """The packages that the lock names for this machine, as they are installed beside these tests."""
    for line in (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines():
        if line and line[0].isalnum():
            requirement = Requirement(line.removesuffix("\\"))
            if requirement.marker is None or requirement.marker.evaluate():
                found = distribution(requirement.name)
                assert requirement.specifier.contains(found.version, prereleases=True), requirement
                yield found


def link(package: Distribution, environment: Path) -> None:
    """Put the files of an installed package into another environment."""
    here = Path(sys.prefix)
    for file in package.files or ():
        source = Path(os.path.normpath(str(file.locate())))
        target = environment / source.relative_to(here)
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, target)
        except OSError:
            shutil.copy2(source, target)


def test_the_installed_wheel_runs_the_sample(wheel: Path, tmp_path: Path) -> None:
    """With what the lock names and nothing else: neither the checkout nor a tool of its developers is in reach."""
    environment = tmp_path / "venv"
    venv.create(environment, with_pip=False)
    for package in locked():
        link(package, environment)
    pip = [sys.executable, "-m", "pip", "--python", str(environment), "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "install", "--no-deps", "--no-compile", "--no-index", str(wheel)], check=True)
    command = str(environment / "bin" / "clampdown")
    helped = subprocess.run([command, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "extract" in helped.stdout
    ran = subprocess.run([command, "run", "--sample"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "DeepSeek" in ran.stdout
    assert (tmp_path / "sample-data" / "published" / "clampdown.duckdb").is_file()
