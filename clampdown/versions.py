"""Which versions run here: of Clampdown, its model, Python and what the warehouse is kept in. Nothing is loaded."""

import json
import platform
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files


def versions() -> dict[str, str | None]:
    """Name → version, None where that can't be told. The model's are the bundled weights."""
    return {
        "clampdown": installed("clampdown"),
        "model": _model(),
        "python": platform.python_version(),
        "duckdb": installed("duckdb"),
        "platform": f"{platform.system()} {platform.machine()}",
    }


def version_lines() -> list[str]:
    """The same as what `--version` prints."""
    found = versions()
    return [
        f"clampdown {found['clampdown'] or 'unknown: not installed'}",
        f"model {found['model'] or 'missing: `clampdown doctor` says more'}",
        f"Python {found['python']}, DuckDB {found['duckdb'] or 'missing'}, {found['platform']}",
    ]


def installed(name: str) -> str | None:
    """The installed version of a distribution, without importing it."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _model() -> str | None:
    # Its packages take longer to import than all else of `--version`; what was measured of the weights names them.
    try:
        told = json.loads(files("extractors").joinpath("weights", "measured.json").read_bytes())
        return str(told["revision"])
    except (OSError, ValueError, KeyError):
        return None
