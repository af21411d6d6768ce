# ruff: noqa: S608 - statements are what these tests are made of
"""Random questions in SQL, of every form that has ever led around a filter.

Rows are compared as they come, so whatever limits or concatenates also says an order.
"""

import random
from collections.abc import Mapping, Sequence

Schema = Mapping[str, Sequence[str]]

JOINS = ("join", "left join", "cross join", "natural join", "natural left join", "using")
FUNCTIONS = ("count", "min", "max", "sum", "total", "count")
COMPARISONS = ("=", "<", ">", "is", "is not", "in")
LITERALS = ("0", "1", "2", "3", "7", "'a'", "'secret 1'", "'secret 2'", "x'78'", "null")


class Queries:
    def __init__(self, schema: Schema, source: random.Random) -> None:
        self._schema = schema
        self._tables = list(schema)
        self._source = source

    def next(self) -> str:
        pick = self._source.random()
        if pick < 0.55:
            return self._select(2)
        if pick < 0.7:
            return self._with_a_name_of_a_table()
        if pick < 0.85:
            return self._compound()
        return self._oracle()

    def _one(self, choices: Sequence[str]) -> str:
        return self._source.choice(choices)

    def _with_a_name_of_a_table(self) -> str:
        """A named query that is called like a table, and reads it."""
        name, inner = self._one(self._tables), self._one(self._tables)
        column = self._one(self._schema[inner])
        recursive = self._one(["", "recursive "])
        return (
            f'with {recursive}"{name}"(c) as (select "{column}" from "{inner}")'
            f' select count(*), min(c), max(c) from "{name}"'
        )

    def _compound(self) -> str:
        word = self._one(["union", "union all", "intersect", "except"])
        return f"select * from ({self._column()} {word} {self._column()}) order by 1"

    def _column(self) -> str:
        table = self._one(self._tables)
        return f'select "{self._one(self._schema[table])}" as c from "{table}"'

    def _oracle(self) -> str:
        """An error that depends on a value: it must not depend on a foreign one."""
        table = self._one(self._tables)
        column, other = self._one(self._schema[table]), self._one(self._schema[table])
        least = "-9223372036854775807-1"
        return (
            f'select count(*) from "{table}" where "{column}" = {self._one(LITERALS)}'
            f' and abs(case when "{other}" > {self._one(LITERALS)} then {least} else 1 end) = 1'
        )

    def _select(self, depth: int) -> str:
        table = self._one(self._tables)
        source = f'"{table}" a'
        aliases = {"a": table}
        if self._source.random() < 0.5:
            other = self._one(self._tables)
            aliases["b"] = other
            source += self._join(table, other)
        grouped = self._source.random() < 0.5
        columns = [self._value(aliases) for _ in range(self._source.randint(1, 3))]
        if grouped:
            columns = [f"{self._one(FUNCTIONS)}({column})" for column in columns]
        where = f" where {self._condition(aliases, depth)}" if self._source.random() < 0.7 else ""
        order = ", ".join(str(place + 1) for place in range(len(columns)))
        limit = self._one(["", "", " limit 3", " limit 2 offset 1"])
        return f"select {', '.join(columns)} from {source}{where} order by {order}{limit}"

    def _join(self, table: str, other: str) -> str:
        kind = self._one(JOINS)
        if kind == "using":
            common = [name for name in self._schema[table] if name in self._schema[other]]
            if common:
                return f' join "{other}" b using ("{self._one(common)}")'
            kind = "join"
        on = ""
        if kind in {"join", "left join"}:
            left, right = self._one(self._schema[table]), self._one(self._schema[other])
            on = f' on a."{left}" = b."{right}"'
        return f' {kind} "{other}" b{on}'

    def _value(self, aliases: Mapping[str, str]) -> str:
        alias = self._one(list(aliases))
        column = f'{alias}."{self._one(self._schema[aliases[alias]])}"'
        return self._one(
            [column, column, f"typeof({column})", f"length({column})", f"{column} + 1"]
        )

    def _condition(self, aliases: Mapping[str, str], depth: int) -> str:
        left = self._value(aliases)
        if depth and self._source.random() < 0.35:
            table = self._one(self._tables)
            column = self._one(self._schema[table])
            if self._source.random() < 0.5:
                return f'exists (select 1 from "{table}" c where c."{column}" = {left})'
            return f'{left} in (select "{column}" from "{table}" c)'
        comparison = self._one(COMPARISONS)
        right = self._one([*LITERALS, self._value(aliases)])
        return f"{left} in ({right}, 1)" if comparison == "in" else f"{left} {comparison} {right}"
