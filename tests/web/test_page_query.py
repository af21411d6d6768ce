from hypothesis import given
from hypothesis import strategies as st

from llmtrack.domain.tags import KEY_CHARS_MAX, TAGS_MAX, tag_name
from llmtrack.domain.timeframes import NAMED
from llmtrack.storage.dimensions import Kind
from llmtrack.web.event_columns import COLUMNS
from llmtrack.web.page_query import DIMENSIONS, EXTRA_LENGTH_MAX, PageQuery, parse_page_query

NOW_MS = 1_795_000_000_000
words = st.text(min_size=1, max_size=30)


def parse(**given: str) -> PageQuery:
    return parse_page_query("/", given, NOW_MS, "Europe/Berlin")[0]


def test_no_query_is_the_last_30_days_by_model() -> None:
    query = parse()
    assert (query.period, query.by, query.kind, query.filters) == ("30d", "model", Kind.MODEL, {})
    assert query.url == "/"


def test_a_url_has_only_what_is_not_default_in_a_fixed_order() -> None:
    query = parse(status="error", by="key", model="gpt 5&x", period="7d")
    assert query.url == "/?period=7d&by=key&model=gpt+5%26x&status=error"
    assert query.without_filter("model").with_period("30d").url == "/?by=key&status=error"


def test_a_range_takes_the_place_of_a_period() -> None:
    query = parse(**{"from": "2026-11-01", "to": "2026-11-03", "period": "7d"})
    assert query.url == "/?from=2026-11-01&to=2026-11-03"
    assert query.with_period("90d").url == "/?period=90d"


def test_what_makes_no_sense_falls_back_and_is_named() -> None:
    query = parse(by="moon", period="1y", model="x" * 201, feature="a\0b")
    assert (query.by, query.period, query.filters) == ("model", "30d", {})
    assert len(query.problems) == 4
    for text in ("'moon'", "'1y'", "model", "feature"):
        assert any(text in problem for problem in query.problems)


def test_half_a_range_is_no_range() -> None:
    query = parse(**{"from": "2026-11-01"})
    assert query.url == "/"
    assert query.problems


def test_a_time_that_comes_twice_is_written_with_its_offset() -> None:
    fields = {"from": "2026-10-25T02:00", "to": "2026-10-25T03:00"}
    offsets = {"from_offset": "+01:00", "to_offset": "+01:00"}
    query = parse(**fields, **offsets)
    assert query.url == "/?from=2026-10-25T02%3A00%2B01%3A00&to=2026-10-25T03%3A00"
    assert query.timeframe(NOW_MS, "Europe/Berlin").text == "25 Oct 2026 CET, 02:00 to 03:00"
    # Whoever changes the field need not know of what is beside it.
    assert parse(**fields | {"from": "2026-10-24T02:00"}, **offsets).from_text == "2026-10-24T02:00"


def test_narrowing_shows_what_the_value_is_made_of() -> None:
    assert parse().narrowed_to("gpt-5").url == "/?by=feature&model=gpt-5"
    assert parse(by="feature").narrowed_to("chat").url == "/?feature=chat"
    kept = parse(by="feature", model="gpt-5").narrowed_to("chat")
    assert kept.url == "/?by=feature&model=gpt-5&feature=chat"


def split(by: str, sub: str, **filters: str) -> PageQuery:
    return PageQuery("/", by=by, filters=filters, extras={"sub": sub, "top": "3"})


def test_narrowing_keeps_a_split_that_still_tells_something() -> None:
    for by, sub, expected in (
        ("model", "customer", "/?by=feature&model=x&sub=customer&top=3"),
        ("model", "feature", "/?by=feature&model=x&top=3"),
        ("feature", "model", "/?feature=x&top=3"),
        ("provider", "feature", "/?provider=x&sub=feature&top=3"),
        ("model", "model", "/?by=feature&model=x&top=3"),
        ("model", "moon", "/?by=feature&model=x&sub=moon&top=3"),
    ):
        assert split(by, sub).narrowed_to("x").url == expected, (by, sub)
    by_customer = split("feature", "customer", model="m").narrowed_to("x")
    assert by_customer.url == "/?by=customer&model=m&feature=x&top=3"
    of_one = split("feature", "customer", model="m", customer="c").narrowed_to("x")
    assert of_one.url == "/?by=feature&model=m&feature=x&customer=c&top=3"


@given(
    st.sampled_from(list(NAMED)),
    st.sampled_from(list(DIMENSIONS)),
    st.dictionaries(st.sampled_from(list(DIMENSIONS)), words.filter(lambda text: "\0" not in text)),
)
def test_a_written_url_reads_back_the_same(period: str, by: str, filters: dict[str, str]) -> None:
    query = PageQuery("/", period, "", "", by, filters)
    assert parse(**dict(query.parameters)) == query


@given(st.dictionaries(st.sampled_from(["from", "to", "period", "by", "model"]), st.text()))
def test_any_query_string_is_answered(values: dict[str, str]) -> None:
    parse(**values)


def test_every_choice_of_columns_fits() -> None:
    tags = [tag_name("x" * KEY_CHARS_MAX)] * TAGS_MAX
    assert len(",".join([*COLUMNS, *tags])) <= EXTRA_LENGTH_MAX


def test_what_is_too_long_is_left_out_and_told() -> None:
    given = {"metadata": "x" * (EXTRA_LENGTH_MAX + 1), "min_cost": "1"}
    query, _ = parse_page_query("/w/x/events", given, NOW_MS, "UTC", ("metadata", "min_cost"))
    assert query.extras == {"min_cost": "1"}
    assert [problem.partition(" ")[0] for problem in query.problems] == ["metadata"]
