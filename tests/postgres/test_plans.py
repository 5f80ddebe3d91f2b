"""Every statement goes by an index, however full its tables are and whenever its plan was made.

Statements are found by their files and sent as they stand there. The pool has one plan made for all
arguments (see libs/postgres/pool.py): it may be kept since there were no rows, be made before
Postgres has statistics, as for a view that has just been rebuilt, or with them. Plans for the
arguments at hand are tried too.
"""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from libs.eventlog.stream_identity import CREATE_TABLE
from libs.postgres import pool
from libs.postgres.migrate import migrate
from libs.postgres.pool import Connection, Database
from libs.postgres.statements import load
from tests.postgres.filled import PACKAGES, Filled, fill, make_tables
from tests.postgres.plans import MODES, Mode, Plan, explain, prepare
from tests.postgres.statement_arguments import ARGUMENTS, Arguments

ROOT = Path(__file__).parents[2]
MOST = 1_000  # rows that a statement may read or sort for its page of 50, or its batch of 99
# Statements that are there to read all of a table, or the better part of it.
WHOLE = {
    "read_plan": "the scheduler takes up all of it at its start",
    "read_deployments": "the inference service takes up all of them at its start",
    "all_keys": "a new key wraps all of them anew",
    "all_users": "administrators see everybody",
    "all_tokens": "administrators see everybody's",
    "has_administrator": "it ends at the first one",
    "has_enabled_administrator": "it ends at the first one",
    "count_devices": "few can wait at a time",
    "delete_expired_devices": "few can wait at a time",
    "all_subscriptions": "the sweep asks what each owner may still see",
    "deleted_subscriptions": "after a restore all their keys are destroyed once more",
    "count_dead_letters": "operators see how many there are",
}

Statement = tuple[str, str, tuple[object, ...]]  # name, text, representative arguments
Plans = dict[str, Plan]  # by the names of their statements


def statement_files() -> Iterator[tuple[str, str]]:
    """Package and module of each."""
    for path in sorted(
        [*ROOT.glob("libs/**/queries/*.sql"), *ROOT.glob("services/**/queries/*.sql")]
    ):
        if "build" not in path.parts:
            yield ".".join(path.parent.parent.relative_to(ROOT).parts), path.stem


def statements(package: str, only: str | None = None) -> Iterator[Statement]:
    """Of all modules of a package, or of one."""
    for of, module in statement_files():
        if of == package and only in (None, module):
            found = load(f"{package}.{module}")
            given: Arguments = ARGUMENTS[package].get(module, {})
            assert found.keys() == given.keys(), "each has arguments in statement_arguments.py"
            yield from ((name, found[name], given[name]) for name in found)


async def table_sizes(database: Database) -> dict[str, int]:
    tables = await database.fetch(
        """SELECT relname FROM pg_class
        WHERE relnamespace::regnamespace::text = $1 AND relkind IN ('r', 'p')""",
        database.schema,
    )
    return {
        name: await database.fetchval(f"SELECT count(*) FROM {name}")  # noqa: S608 - our own
        for (name,) in tables
    }


async def leave_without_statistics(database: Database) -> None:
    """Until a test says ANALYZE."""
    tables = await database.fetch(
        """SELECT relname FROM pg_class
        WHERE relnamespace::regnamespace::text = $1 AND relkind = 'r'""",
        database.schema,
    )
    for (name,) in tables:
        await database.execute(f"ALTER TABLE {name} SET (autovacuum_enabled = off)")


async def plans_of(connection: Connection, package: str, mode: Mode) -> Plans:
    """Made now, of every statement."""
    found = {}
    for name, query, args in statements(package):
        await prepare(connection, name, query, mode)
        found[name] = await explain(connection, name, args)
        await connection.execute(f"DEALLOCATE {name}")
    return found


def bad(plans: Plans, sizes: Mapping[str, int]) -> str:
    """What is wrong with them, for people; empty if nothing is."""
    return "\n\n".join(
        f"{name}: {'; '.join(problems)}\n{plan.text}"
        for name, plan in plans.items()
        if name not in WHOLE and (problems := plan.problems(sizes, MOST))
    )


@pytest.mark.parametrize("one", PACKAGES, ids=lambda one: one.package)
async def test_every_statement_goes_by_an_index_whenever_its_plan_was_made(
    dsn: str, one: Filled
) -> None:
    async with (
        pool.connect(dsn, one.schema, size=1) as writer,
        pool.connect(dsn, one.schema, size=1) as database,
        database.transaction() as connection,
    ):
        await make_tables(writer, one)
        await leave_without_statistics(writer)
        for name, query, args in statements(one.package):
            await prepare(connection, f"kept_{name}", query, "force_generic_plan")
            await explain(connection, f"kept_{name}", args)
        await fill(writer, one)
        sizes = await table_sizes(writer)
        assert max(sizes.values()) > MOST
        kept = {
            name: await explain(connection, f"kept_{name}", args)
            for name, _, args in statements(one.package)
        }
        assert not (found := bad(kept, sizes)), f"kept since there were no rows:\n{found}"
        for statistics in ("no statistics", "statistics"):
            for mode in MODES:
                found = bad(await plans_of(connection, one.package, mode), sizes)
                assert not found, f"{mode}, {statistics}:\n{found}"
            await writer.execute("ANALYZE")


async def test_a_view_is_rebuilt_by_index_from_its_first_row_on(dsn: str) -> None:
    """Plans are kept while it fills up, without the indexes that only reading needs."""
    views = PACKAGES[0]
    async with pool.connect(dsn, views.schema, size=1) as database:
        await make_tables(database, views, views.tables_only)
        sizes = dict.fromkeys(await table_sizes(database), MOST + 1)
        async with database.transaction() as connection:
            written = {}
            for name, query, args in statements(views.package, "projection"):
                await prepare(connection, name, query, "force_generic_plan")
                written[name] = await explain(connection, name, args)
        assert not (found := bad(written, sizes)), found


async def test_statements_on_the_log_s_own_tables_are_good_sql(dsn: str) -> None:
    """Their tables have a row a projection."""
    async with pool.connect(dsn, "log", size=1) as database:
        await migrate(database, "libs.vault")
        await database.execute(CREATE_TABLE)
        async with database.transaction() as connection:
            assert await plans_of(connection, "libs.eventlog", "force_generic_plan")


def test_every_file_of_statements_is_explained() -> None:
    packages = {package for package, _ in statement_files()}
    assert packages == {*ARGUMENTS}
    assert packages == {one.package for one in PACKAGES} | {"libs.eventlog"}
    names = {name for package in packages for name, _, _ in statements(package)}
    assert not WHOLE.keys() - names


def test_every_statement_is_sent_by_its_module() -> None:
    for package, module in statement_files():
        source = ROOT.joinpath(*package.split("."), f"{module}.py").read_text()
        sent = set(re.findall(r'_SQL\["(\w+)"\]', source))
        assert sent == load(f"{package}.{module}").keys(), f"{package}.{module}"


def test_no_statement_on_our_tables_stands_in_python() -> None:
    tables = {
        table
        for path in ROOT.glob("*/**/migrations/*.sql")
        for table in re.findall(r"^CREATE TABLE (\w+)", path.read_text(), re.MULTILINE)
    }
    command = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\b")
    on_ours = re.compile(rf"\b(FROM|JOIN|INTO|UPDATE|USING)\s+({'|'.join(tables)})\b")
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value.strip()}"
        for top in ("libs", "services")
        for path in ROOT.glob(f"{top}/**/*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
        if command.match(node.value) and on_ours.search(node.value)
    ]
    assert len(tables) > 10
    assert not found, "\n".join(found)
