"""Quiet hours: local wall times between which nobody is to be bothered. Pure."""

from datetime import datetime, time, timedelta, tzinfo


def quiet_until(quiet_from: time, quiet_to: time, now: datetime, zone: tzinfo) -> datetime | None:
    """Give the end of the quiet hours that `now` lies in, UTC; None outside them.

    Local wall time decides, so a night with a change of the clock is an hour shorter or longer.

    Args:
        quiet_from: their beginning.
        quiet_to: their end; the same as the beginning means none.
        now: the instant, UTC.
        zone: of the household.
    """
    local = now.astimezone(zone)
    clock = local.time()
    if quiet_from < quiet_to:
        if not quiet_from <= clock < quiet_to:
            return None
        days = 0
    else:
        if quiet_to <= clock < quiet_from or quiet_from == quiet_to:
            return None
        days = 1 if clock >= quiet_from else 0
    end = datetime.combine(local.date() + timedelta(days=days), quiet_to, tzinfo=zone)
    # An end that a clock change skips or repeats must still lie ahead.
    return max(end.astimezone(now.tzinfo), now + timedelta(seconds=1))


def day_start(now: datetime, zone: tzinfo) -> datetime:
    """Give the beginning of the local day that `now` lies in, UTC."""
    return datetime.combine(now.astimezone(zone).date(), time(0), tzinfo=zone).astimezone(
        now.tzinfo
    )
