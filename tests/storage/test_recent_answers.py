"""What menus offer may be a minute old, and is never another workspace's."""

from llmtrack.domain.periods import day_of
from llmtrack.storage.dimensions import Kind
from llmtrack.storage.labels import KEPT_FROM_ROWS, choices
from llmtrack.storage.recent_answers import KEPT_MAX, RecentAnswers
from llmtrack.storage.scope import Scope
from llmtrack.storage.usage import UsageWriter
from tests.conftest import NOW_MS, World
from tests.events import make_event

DAY_MS = 86_400_000
DAYS = 30
MODELS = -(-KEPT_FROM_ROWS // DAYS)


async def store(world: World, workspace_id: int, models: list[str], days: int = DAYS) -> None:
    events = [
        make_event(workspace_id, model=model, timestamp_ms=NOW_MS - day * DAY_MS)
        for day in range(days)
        for model in models
    ]
    await world.database.write(lambda connection: UsageWriter().add(connection, events, 0))


async def offered(scope: Scope) -> set[str]:
    last = day_of(NOW_MS, scope.time_zone) + 1
    async with scope.reading() as reading:
        found = await choices(reading, Kind.MODEL, (last - DAYS - 1, last), most=50)
    return {label.text for label in found}


async def test_a_small_menu_is_read_anew(world: World) -> None:
    scope = await world.scope()
    await store(world, world.acme.id, ["model-0"])
    generation = world.database.generation
    assert await offered(scope) == {"model-0"}
    await store(world, world.acme.id, ["model-new"], days=1)
    world.database.generation = generation  # as after events, which do not change it
    assert await offered(scope) == {"model-0", "model-new"}


async def test_a_long_one_is_kept_until_anything_but_events_is_written(world: World) -> None:
    scope = await world.scope()
    names = [f"model-{number}" for number in range(MODELS)]
    await store(world, world.acme.id, names)
    generation = world.database.generation
    assert await offered(scope) == {*names}
    await store(world, world.acme.id, ["model-new"], days=1)
    world.database.generation = generation  # as after events, which do not change it
    assert await offered(scope) == {*names}
    assert await offered(await world.scope(world.charlie)) == set()
    world.database.recent.forget()  # as a minute later
    assert await offered(scope) == {*names, "model-new"}
    await store(world, world.acme.id, ["model-newer"], days=1)
    assert await offered(scope) == {*names, "model-new", "model-newer"}


def test_an_answer_is_kept_only_if_nothing_was_written_since_it_was_read() -> None:
    generation = 1
    answers = RecentAnswers(lambda: generation)
    answers.keep(7, "question", "old", seen_at=0)
    assert answers.get(7, "question") is None
    answers.keep(7, "question", "answer", seen_at=1)
    assert answers.get(7, "question") == "answer"
    assert answers.get(8, "question") is None
    generation = 2
    assert answers.get(7, "question") is None


def test_few_answers_are_kept() -> None:
    answers = RecentAnswers(lambda: 1)
    for number in range(KEPT_MAX + 1):
        answers.keep(7, number, "answer", seen_at=1)
    assert answers.get(7, 0) is None
    assert answers.get(7, KEPT_MAX) == "answer"
