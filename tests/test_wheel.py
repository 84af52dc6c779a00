"""The wheel, installed into an empty environment outside the checkout, is whole."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True, text=True)
    (built,) = folder.glob("*.whl")
    return built


def test_the_wheel_holds_what_runs_and_nothing_else(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info/" not in name}
    assert tops == {"pipeline", "extractors", "flows", "warehouse", "reports", "clampdown"}
    assert any(name.startswith("clampdown/samples/articles/") for name in names)
    assert any(name.endswith(".onnx") for name in names)
    assert "pipeline/defaults/sources.toml" in names
    assert not any("/training/data/" in name for name in names)


@pytest.mark.timeout(600)
def test_the_installed_wheel_runs_the_sample(wheel: Path, tmp_path: Path) -> None:
    environment, python = tmp_path / "venv", tmp_path / "venv" / "bin" / "python"
    subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
    pip = [str(python), "-m", "pip", "--quiet", "--disable-pip-version-check", "install", "--no-deps", "--no-compile"]
    installed = subprocess.run(
        [*pip, "--require-hashes", "-r", str(ROOT / "requirements.lock")], capture_output=True, text=True, check=False
    )
    if installed.returncode:
        pytest.skip(f"no package registry within reach: {installed.stderr.strip().splitlines()[-1:]}")
    subprocess.run([*pip, str(wheel)], check=True)
    command = str(environment / "bin" / "clampdown")
    helped = subprocess.run([command, "--help"], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert "extract" in helped.stdout
    ran = subprocess.run([command, "run", "--sample"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert "DeepSeek" in ran.stdout
    assert (tmp_path / "sample-data" / "published" / "clampdown.duckdb").is_file()
