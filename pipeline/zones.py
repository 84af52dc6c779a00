"""Time zones by name, and the machine's own."""

import difflib
import os
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

from pipeline.errors import SettingsError

LOCALTIME = Path("/etc/localtime")
NAMED = Path("/etc/timezone")
_UTC = "UTC"
_FOLDER = "zoneinfo/"


def zone_named(name: str) -> ZoneInfo:
    """The zone of that name in the IANA database; an empty name stands for the machine's.

    Raises ValueError with the nearest name where there is no such zone, SettingsError where the machine's can't be
    told.
    """
    if not name:
        return machine_zone()
    found = _zone(name)
    if found is None:
        raise ValueError(f"there is no such time zone{_nearest(name)}")
    return found


def machine_zone(environ: dict[str, str] | None = None, localtime: Path = LOCALTIME, named: Path = NAMED) -> ZoneInfo:
    """The machine's zone: $TZ, else what `localtime` links to, else what `named` says. A machine with none is on UTC.

    Raises SettingsError where `localtime` is a file of its own that nothing names: a schedule needs a name.
    """
    given = (os.environ if environ is None else environ).get("TZ", "").removeprefix(":")
    for name in (given, _linked(localtime), _written(named)):
        if name and (found := _zone(name.rpartition(_FOLDER)[2])) is not None:
            return found
        if name and name == given:
            break
    else:
        if not localtime.exists():
            return ZoneInfo(_UTC)
    raise SettingsError(
        f"this machine's time zone can't be told{f' from TZ={given}' if given else ''}",
        hint='Set serve.timezone, as in timezone = "Europe/Berlin".',
    )


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        # A folder of zones, such as "Europe", is an OSError.
        return None


def _linked(localtime: Path) -> str:
    target = os.path.realpath(localtime)
    return target.partition(_FOLDER)[2]


def _written(named: Path) -> str:
    try:
        return named.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


def _nearest(name: str) -> str:
    """What was meant, where that can be guessed: also by the city alone, and in small letters."""
    zones = {zone.lower(): zone for zone in sorted(available_timezones())}
    cities = {zone.rpartition("/")[2]: full for zone, full in zones.items() if "/" in zone}
    word = name.strip().replace(" ", "_").lower()
    near = difflib.get_close_matches(word, zones, n=1, cutoff=0.6)
    city = difflib.get_close_matches(word.rpartition("/")[2], cities, n=1, cutoff=0.8)
    found = cities[city[0]] if city else zones[near[0]] if near else None
    return f"; did you mean {found}?" if found else ", as in Europe/Berlin"
