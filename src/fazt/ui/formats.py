"""How pages write bytes, counts and moments: the Jinja filters."""

from __future__ import annotations

from markupsafe import Markup

from fazt.core.clock import DAY, HOUR, MINUTE, system_clock, to_datetime, to_iso

UNITS = ("bytes", "KB", "MB", "GB", "TB", "PB")
KILO = 1000
NEVER = Markup("&ndash;")
SHORT_COUNT = 10_000
CRON_FIELDS = 5
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
STEPS = ((365 * DAY, "year"), (30 * DAY, "month"), (7 * DAY, "week"), (DAY, "day"), (HOUR, "hour"), (MINUTE, "minute"))


def format_bytes(size: float) -> str:
    """`0 bytes`, `1 byte`, `12.3 KB`, `4 GB`: decimal units, at most one place."""
    value, unit = float(size), 0
    while abs(value) >= KILO - 0.05 and unit < len(UNITS) - 1:
        value, unit = value / KILO, unit + 1
    if unit == 0:
        return f"{size:.0f} {'byte' if size == 1 else 'bytes'}"
    return f"{value:.1f}".removesuffix(".0") + f" {UNITS[unit]}"


def format_count(number: float) -> str:
    """`9,999`, then `12.3k` and `4M`."""
    if abs(number) < SHORT_COUNT:
        return f"{number:,.0f}"
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(number) >= size * 0.99995:
            return f"{number / size:.1f}".removesuffix(".0") + letter
    return f"{number:,.0f}"


def plural(number: int, one: str, many: str = "") -> str:
    """`1 file`, `3 files`; `many` where adding an s is not enough."""
    return f"{format_count(number)} {one if number == 1 else many or one + 's'}"


def describe_distance(at: int, now: int) -> str:
    """`just now`, `3 minutes ago`, `in 2 days`: what is past has gone by in full, what is to come is rounded."""
    distance = abs(now - at)
    for size, name in STEPS:
        if distance >= size:
            if at <= now:
                return f"{plural(distance // size, name)} ago"
            return f"in {plural((distance + size // 2) // size, name)}"
    return "just now" if at <= now else "in a moment"


def format_ago(at: int | None, now: int | None = None) -> Markup:
    """A `<time>` that says how long ago `at` (ms) was; the page keeps it up to date. None is a dash."""
    if at is None:
        return NEVER
    said = describe_distance(at, system_clock() if now is None else now)
    exact = to_datetime(at).strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}" data-ago title="{}">{}</time>').format(to_iso(at), exact, said)


def format_date(at: int | None) -> Markup:
    """A `<time>` with the day and minute of `at` (ms), in UTC until the page puts it in local time."""
    if at is None:
        return NEVER
    said = to_datetime(at).strftime("%Y-%m-%d %H:%M UTC")
    return Markup('<time datetime="{}" data-date>{}</time>').format(to_iso(at), said)


def format_duration(milliseconds: float) -> str:
    """`12 ms`, `3.4 s`, `5 min`, `2 h`, `3 days`."""
    if milliseconds < 1_000:
        return f"{milliseconds:.0f} ms"
    if milliseconds < MINUTE:
        return f"{milliseconds / 1_000:.1f}".removesuffix(".0") + " s"
    if milliseconds < HOUR:
        return f"{milliseconds / MINUTE:.0f} min"
    return f"{milliseconds / HOUR:.0f} h" if milliseconds < 2 * DAY else f"{milliseconds / DAY:.0f} days"


def describe_schedule(schedule: str) -> str:
    """A plain cron schedule in words, `every day at 03:17`; "" where its five fields say more than fits into some."""
    fields = schedule.split()
    if len(fields) != CRON_FIELDS or fields[2:4] != ["*", "*"]:
        return ""
    minute, hour, day = fields[0], fields[1], fields[4]
    if day == "*" and hour == "*":
        every = minute.removeprefix("*/")
        if minute == "*" or every == "1":
            return "every minute"
        if every != minute and every.isdecimal():
            return f"every {every} minutes"
        return f"every hour at minute {int(minute)}" if minute.isdecimal() else ""
    if not (minute.isdecimal() and hour.isdecimal()):
        return ""
    if day == "*":
        return f"every day at {int(hour):02}:{int(minute):02}"
    known = day.isdecimal() and int(day) <= len(WEEKDAYS)
    return f"{WEEKDAYS[int(day) % len(WEEKDAYS)]}s at {int(hour):02}:{int(minute):02}" if known else ""


def spark_path(values: list[float], *, closed: bool = False) -> str:
    """Path data of `values` in a box of 100 by 30, lowest at the bottom; `closed` for filling."""
    if not values:
        return ""
    top = max(*values, 1e-9, 1e-9)
    step = 100 / max(len(values) - 1, 1)
    points = [f"{i * step:.2f} {29 - 28 * value / top:.2f}" for i, value in enumerate(values)]
    if len(points) == 1:
        points.append(f"100 {points[0].split()[1]}")
    line = "M" + "L".join(points)
    return f"{line}L100 30L0 30Z" if closed else line
