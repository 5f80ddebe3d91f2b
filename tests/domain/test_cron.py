"""Cron expressions: what is understood, as what, and what is refused."""

from datetime import UTC, datetime
from itertools import islice

import pytest

from libs.domain import cron, zones
from libs.domain.errors import Rejected
from tests.domain.decider import START

# Sunday noon, 2026-03-01.
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def following(expression: str, after: datetime = NOON, count: int = 3) -> list[str]:
    """The next instants, in UTC, as `03-01 12:00:05`."""
    found = cron.parse(expression).after(after, zones.named("UTC"))
    return [f"{at:%m-%d %H:%M:%S}" for at in islice(found, count)]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        # five fields
        ("*/5 * * * *", ["03-01 12:05:00", "03-01 12:10:00", "03-01 12:15:00"]),
        ("42 * * * *", ["03-01 12:42:00", "03-01 13:42:00", "03-01 14:42:00"]),
        ("00 1 * * 0", ["03-08 01:00:00", "03-15 01:00:00", "03-22 01:00:00"]),
        ("00 1 * * 7", ["03-08 01:00:00", "03-15 01:00:00", "03-22 01:00:00"]),
        ("30 9 * * mon-fri", ["03-02 09:30:00", "03-03 09:30:00", "03-04 09:30:00"]),
        ("0 0 L * *", ["03-31 00:00:00", "04-30 00:00:00", "05-31 00:00:00"]),
        ("0 8 * * 5#2", ["03-13 08:00:00", "04-10 08:00:00", "05-08 08:00:00"]),
        ("0 0 31 * *", ["03-31 00:00:00", "05-31 00:00:00", "07-31 00:00:00"]),
        ("0 0 13 * fri", ["03-06 00:00:00", "03-13 00:00:00", "03-20 00:00:00"]),
        ("  5   4 * *  *\t", ["03-02 04:05:00", "03-03 04:05:00", "03-04 04:05:00"]),
        # commas behind the fields
        ("*/1, *, *, *, *", ["03-01 12:01:00", "03-01 12:02:00", "03-01 12:03:00"]),
        # a question mark is a star
        ("0 6 ? * 1", ["03-02 06:00:00", "03-09 06:00:00", "03-16 06:00:00"]),
        # six fields: seconds first
        ("* * * * * *", ["03-01 12:00:01", "03-01 12:00:02", "03-01 12:00:03"]),
        ("*/20 * * * * *", ["03-01 12:00:20", "03-01 12:00:40", "03-01 12:01:00"]),
        ("10,40 59 23 * * *", ["03-01 23:59:10", "03-01 23:59:40", "03-02 23:59:10"]),
        # six fields whose last is a year: seconds, minutes, hours, day, month, year
        ("0 30 12 1-15 4 2027", ["04-01 12:30:00", "04-02 12:30:00", "04-03 12:30:00"]),
        # seven
        ("5 0 0 1 1 * 2027,2029", ["01-01 00:00:05", "01-01 00:00:05"]),
        ("0 0 0 1 1 ? *", ["01-01 00:00:00", "01-01 00:00:00", "01-01 00:00:00"]),
        # macros
        ("@hourly", ["03-01 13:00:00", "03-01 14:00:00", "03-01 15:00:00"]),
        ("@daily", ["03-02 00:00:00", "03-03 00:00:00", "03-04 00:00:00"]),
        ("@midnight", ["03-02 00:00:00", "03-03 00:00:00", "03-04 00:00:00"]),
        (" @Weekly ", ["03-08 00:00:00", "03-15 00:00:00", "03-22 00:00:00"]),
        ("@monthly", ["04-01 00:00:00", "05-01 00:00:00", "06-01 00:00:00"]),
        ("@yearly", ["01-01 00:00:00", "01-01 00:00:00", "01-01 00:00:00"]),
        ("@annually", ["01-01 00:00:00", "01-01 00:00:00", "01-01 00:00:00"]),
    ],
)
def test_understood(expression: str, expected: list[str]) -> None:
    assert following(expression) == expected


def test_the_documents_year_example_fires_through_half_a_february() -> None:
    found = following("0 0 12 1-15 2 2024", datetime(2023, 7, 1, tzinfo=UTC), 100)
    assert found == [f"02-{day:02} 12:00:00" for day in range(1, 16)]


@pytest.mark.parametrize(
    ("expression", "years"),
    [
        ("0 0 29 2 *", [2028, 2032, 2036]),
        ("0 0 0 29 2 ? 2026-2035", [2028, 2032]),
        ("0 0 0 29 2 ? 2026,2032", [2032]),
        ("0 0 0 1 1 ? 2030-2031,2099", [2030, 2031, 2099]),
    ],
)
def test_years(expression: str, years: list[int]) -> None:
    found = cron.parse(expression).after(NOON, zones.named("UTC"))
    assert [at.year for at in islice(found, 3)] == years


@pytest.mark.parametrize(
    "expression",
    ["0 0 12 1-15 2 2024", "0 0 0 29 2 ? 2026", "0 0 0 29 2 ? 2099", "0 0 0 * * ? 1970-2025"],
)
def test_never_fires_again(expression: str) -> None:
    assert following(expression) == []


def test_the_last_instant_of_a_year_is_its_last() -> None:
    almost = datetime(2026, 12, 31, 23, 59, 58, tzinfo=UTC)
    assert following("* * * * * * 2026", almost) == ["12-31 23:59:59"]


@pytest.mark.parametrize(
    "expression",
    [
        "",
        "   ",
        "nonsense",
        "every five minutes please",
        "* * * *",
        "* * * * * * * *",
        "*/1,*,*,*,*",
        ", * * * *",
        ", * * * * *",
        "* , * * *",
        "60 * * * *",
        "* 24 * * *",
        "* * 0 * *",
        "* * 32 * *",
        "* * * 13 *",
        "* * * * 8",
        "60 * * * * *",
        "-1 * * * *",
        "1.5 * * * *",
        "*/0 * * * *",
        "*/-1 * * * *",
        "5-1 * * * *",
        "1- * * * *",
        "1,,2 * * * *",
        "* * * * monday",
        "* * * * 1#6",
        "²L * * * *",
        "* * * * ²L",
        "٣ * * * *",
        "* * * * * * year",
        "* * * * * * 2030-2026",
        "0 0 12 1-15 2 2030-2026",
        "* * * * * * 0000",
        "* * * * * * 9999",
        "* * * * * ٢٠٣٠",
        "0 0 30 2 *",
        "0 0 31 4,6,9,11 *",
        "@reboot",
        "@every 5m",
        "@",
        "* * * * *\0",
        "* * * * * # comment",
        "0 " * 4000,
    ],
)
def test_nonsense_is_refused_by_field_and_remedy(expression: str) -> None:
    with pytest.raises(Rejected) as caught:
        cron.parse(expression)
    assert caught.value.code == "invalid"
    assert caught.value.message.startswith("schedule: ")
    assert "give " in caught.value.message
    assert len(caught.value.message) < 1000


def test_a_tick_is_after_the_instant_never_at_it() -> None:
    exactly = datetime(2026, 3, 1, 12, 5, tzinfo=UTC)
    assert following("*/5 * * * *", exactly, 1) == ["03-01 12:10:00"]
    just_before = exactly.replace(minute=4, second=59, microsecond=999_999)
    assert following("*/5 * * * *", just_before, 1) == ["03-01 12:05:00"]
    assert following("* * * * * *", START.replace(microsecond=1), 1) == ["03-02 12:00:01"]


@pytest.mark.parametrize("year", [1, 2, 1800, 9997, 9998, 9999])
def test_at_the_ends_of_time(year: int) -> None:
    for zone in ("UTC", "Pacific/Kiritimati", "Pacific/Niue"):
        for instant in (
            datetime(year, 1, 1, tzinfo=UTC),
            datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC),
        ):
            found = list(islice(cron.parse("@daily").after(instant, zones.named(zone)), 3))
            assert all(at > instant for at in found)
            assert (len(found) == 3) == (
                year < 9997 or instant < datetime(9997, 12, 29, tzinfo=UTC)
            )


@pytest.mark.parametrize("expression", ["0 0 LW * */7", "0 0 0 LW * */7 *", "0 0 0 29 2 */7 2027"])
def test_what_never_fires_is_found_to(expression: str) -> None:
    assert following(expression) == []


def test_leap_days_on_a_weekday_are_found_across_a_century() -> None:
    """2100 has none: it is 40 years from one to the next."""
    found = cron.parse("0 0 */28 2 MON#5").after(
        datetime(2072, 3, 1, tzinfo=UTC), zones.named("UTC")
    )
    assert [f"{at:%Y-%m-%d}" for at in islice(found, 2)] == ["2112-02-29", "2140-02-29"]


@pytest.mark.parametrize(
    ("expression", "said"),
    [
        ("0 12 * * ? *", "'?' as the month.*give '0 0 12 * * ? *'"),
        ("15 10 ? * 6L 2026-2028", "'?' as the hour.*give '0 15 10 ? * 6L 2026-2028'"),
        ("0 12 * ? *", "'?' as the month.*give '*' there"),
        ("0 0 12 * ? ?", "'?' as the month.*give '*' there"),
        ("? ? ? ? ? ? ?", "'?' as the second"),
        ("* * * * * * ?", "'?' as the year"),
        ("0 0 1? * *", "'1?' is no day; give '?' alone"),
        ("*/61 * * * *", "steps over the whole minute.*at most 60"),
        ("0 */25 * * *", "steps over the whole hour.*at most 24"),
        ("0 0 */32 * *", "steps over the whole day.*at most 31"),
        ("0 0 1 2/13 *", "steps over the whole month.*at most 12"),
        ("0 0 * * 1-5/8", "steps over the whole weekday.*at most 7"),
        ("5,30/90 * * * * *", "steps over the whole second"),
        ("0 22-2 * * *", "backwards in the hour; give '22-23,0-2'"),
        ("0 0 1 nov-feb *", "backwards in the month; give 'NOV-12,1-FEB'"),
        ("0 0 * * sat-sun", "backwards in the weekday; give 'SAT,SUN'"),
        ("0 0 * * 7-1", "backwards in the weekday; give '7,0-1'"),
        ("0 0 12 * * * 2028-2026", "'2028-2026' is no year"),
        ("0 0 12 ? * 2", "the weekday '2' is another one where SUN is 1"),
        ("0 0 12 ? * 6L", "'6L' is another one"),
        ("0 0 12 ? * 6#3 2027", "'6#3' is another one"),
        ("15 10 ? * WED 2026", "'?' as the hour.*give '0 15 10 ? * WED 2026'"),
        ("15 10 * * MON-FRI *", "'MON-FRI' is no month.*give '0 15 10 * * MON-FRI *'"),
        ("0 0 30 2 * MON", "'30' is no hour; give 0 to 23"),
        ("0 0 31 2 *", "a day that none of the months has; give another day"),
        ("0 9 15W * *", "'15W' is no day; give 1 to 31, L or LW"),
        ("0 9 L-3 * *", "'L-3' is no day; give 1 to 31, L or LW"),
        ("0 9 L/2 * *", "'L/2' is no day; give 1 to 31, L or LW"),
        ("H/15 * * * *", "'H/15' is no minute; give 0 to 59"),
        ("60-5 * * * *", "'60-5' is no minute; give 0 to 59"),
        ("0 24-2 * * *", "'24-2' is no hour; give 0 to 23"),
        ("0 9 * January *", "'JANUARY' is no month; give 1 to 12, or JAN to DEC"),
        ("0 9 * * FRIL", "'FRIL' is no weekday; give 0 to 7, SUN to SAT"),
        ("0 9 * * MON#6", "'MON#6' is no weekday; give 0 to 7, SUN to SAT"),
        ("0,,5 * * * *", "'' is no minute; give 0 to 59"),
        ("*/0 * * * *", "'*/0' is no minute; give 0 to 59, a range, or '*'; with a step from 1"),
        ("10-10/15 * * * *", "in a range of one minute; give '10', or '10/15'"),
        ("0 0 * * TUE-2/3", "in a range of one weekday; give 'TUE', or 'TUE/3'"),
        ("0 9 * \u017fep *", "is none of cron's characters"),
        ("0 9\x1c* * *", "is none of cron's characters"),
        ("@reboot", "no macro; give one of @yearly"),
        ("0 9 * * 1-5 # weekdays", "a comment behind the fields; give the fields alone"),
        ("cron (0 9 * * ? *)", "brackets around the fields; give the fields alone"),
        ("TZ=UTC 0 9 * * *", "a zone among the fields; give it as the field 'zone'"),
        ("rate(5 minutes)", "give the fields alone"),
    ],
)
def test_other_dialects_are_refused_with_a_remedy(expression: str, said: str) -> None:
    with pytest.raises(Rejected) as caught:
        cron.parse(expression)
    before, _, after = said.partition(".*")
    assert before in caught.value.message
    assert after in caught.value.message
    assert "minute hour day month weekday" in caught.value.message
    assert "docs/schedules.md" in caught.value.message


@pytest.mark.parametrize(
    "remedy",
    ["0 22-23,0-2 * * *", "0 0 1 NOV-12,1-FEB *", "0 0 * * SAT,SUN", "0 0 * * 7,0-1"],
)
def test_the_remedy_for_a_range_is_one(remedy: str) -> None:
    assert len(following(remedy)) == 3


@pytest.mark.parametrize(
    "expression",
    ["0 0 12 ? * 1-7", "0 0 12 ? * 0-5", "0 0 12 ? * MON-FRI", "0 0 12 ? * */2", "0 6 ? * 1",
     "0 0 12 * * 2", "*/60 * * * *", "0 */24 * * *", "0 0 1 */12 *", "0 0 12 1 * ? 2027"],
)  # fmt: skip
def test_what_means_the_same_elsewhere_is_taken(expression: str) -> None:
    cron.parse(expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("0 12 * * ? *", ["03-01 12:12:00", "03-01 13:12:00", "03-01 14:12:00"]),
        ("?/20 * * * *", ["03-01 12:20:00", "03-01 12:40:00", "03-01 13:00:00"]),
        ("*/90 * * * *", ["03-01 13:00:00", "03-01 14:00:00", "03-01 15:00:00"]),
        ("0 0 12 ? * 2", ["03-03 12:00:00", "03-10 12:00:00", "03-17 12:00:00"]),
        ("0 0 0 1 1 * ?", ["01-01 00:00:00", "01-01 00:00:00", "01-01 00:00:00"]),
    ],
)
def test_i4_what_was_stored_means_what_it_meant(expression: str, expected: list[str]) -> None:
    found = cron.stored(expression).after(NOON, zones.named("UTC"))
    assert [f"{at:%m-%d %H:%M:%S}" for at in islice(found, 3)] == expected
