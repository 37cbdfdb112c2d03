"""Windows time zones, as AT TIME ZONE and sys.time_zone_info know them, by way of IANA's."""

from __future__ import annotations

import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo

from tzlocal.windows_tz import win_tz

from .errors import SqlError, Unsupported
from .temporal import DAY, MINUTE, SECOND

_BY_LOWER = {name.lower(): (name, iana) for name, iana in win_tz.items()}
_FIRST_YEAR = 2000
_FIRST = (datetime.date(_FIRST_YEAR, 1, 1).toordinal() - 1) * DAY


def names() -> list[str]:
    """All Windows zone names."""
    return sorted(win_tz)


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    found = _BY_LOWER.get(name.rstrip(" ").lower())
    if found is None:
        raise SqlError(9820, f"The time zone parameter '{name}' provided to AT TIME ZONE clause is invalid.")
    return ZoneInfo(found[1])


def _check_era(name: str, ticks: int) -> None:
    # Windows keeps no older rules: it would apply those of later years, IANA the true ones.
    if ticks < _FIRST and _zone(name).key not in ("Etc/UTC", "UTC"):
        raise Unsupported(f"AT TIME ZONE before {_FIRST_YEAR}")


def _moment(ticks: int, zone: datetime.tzinfo | None) -> datetime.datetime:
    return datetime.datetime(1, 1, 1, tzinfo=zone) + datetime.timedelta(
        days=ticks // DAY, seconds=ticks % DAY // SECOND
    )


def _minutes(delta: datetime.timedelta | None) -> int:
    return 0 if delta is None else int(delta.total_seconds() // 60)


def utc_offset(name: str, utc_ticks: int) -> int:
    """Minutes ahead of UTC in the zone at a moment of UTC."""
    zone = _zone(name)
    _check_era(name, utc_ticks)
    return _minutes(_moment(utc_ticks, datetime.UTC).astimezone(zone).utcoffset())


def local_offset(name: str, local_ticks: int) -> tuple[int, int]:
    """Local time and its offset: a time that the spring change skips moves on, one that comes twice is the first."""
    zone = _zone(name)
    _check_era(name, local_ticks)
    naive = _moment(local_ticks, None)
    before = _minutes(naive.replace(tzinfo=zone, fold=0).utcoffset())
    after = _minutes(naive.replace(tzinfo=zone, fold=1).utcoffset())
    if before >= after:
        return local_ticks, before
    # In a gap fold 0 has the offset before the change, fold 1 the one after.
    return local_ticks + (after - before) * MINUTE, after


def current_offset(name: str, utc_ticks: int) -> tuple[str, bool]:
    """``current_utc_offset`` ('+01:00') and ``is_currently_dst`` of sys.time_zone_info."""
    from .temporal import offset_text

    local = _moment(utc_ticks, datetime.UTC).astimezone(_zone(name))
    return offset_text(_minutes(local.utcoffset())), bool(local.dst())
