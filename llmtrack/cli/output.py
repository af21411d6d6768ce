# ruff: noqa: PLC0415 - what a command needs is imported when it runs: --help must be quick
"""What commands print: tables for people, JSON for programs, both on stdout."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import click

CELL_CHARS_MAX = 60
"""Names may have 200 characters; --json has them whole."""

Row = Mapping[str, Any]


def print_rows(rows: Sequence[Row], *, columns: Sequence[str], as_json: bool, none: str) -> None:
    """A listing: all fields as a JSON array, or some columns as a table (`none` if empty)."""
    if as_json:
        print_json(list(rows))
    elif rows:
        click.echo(_table(rows, columns))
    else:
        click.echo(none, err=True)


def print_json(value: Any) -> None:
    click.echo(json.dumps(value, indent=2))


def print_fields(row: Row, *, as_json: bool) -> None:
    """One thing, a line for each field that it has."""
    if as_json:
        print_json(row)
    else:
        click.echo(field_lines(row))


def field_lines(row: Row) -> str:
    width = max(map(len, row)) + 2
    told = [(name, value) for name, value in row.items() if value is not None]
    return "\n".join(f"{_title(name):<{width}}{visible(value)}" for name, value in told)


def moment(timestamp_ms: int | None) -> str | None:
    from llmtrack.domain.periods import rfc3339

    return None if timestamp_ms is None else rfc3339(timestamp_ms)


def visible(value: Any) -> str:
    """Text for a terminal. Names come from outside, and must not send it control sequences."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "".join(
        char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in str(value)
    )


def _table(rows: Sequence[Row], columns: Sequence[str]) -> str:
    right = {name for name in columns if name.endswith("_usd") or _is_numeric(rows, name)}
    cells = [[_title(name) for name in columns]]
    cells += [[_shortened(visible(row[name])) for name in columns] for row in rows]
    widths = [max(len(line[place]) for line in cells) for place in range(len(columns))]
    lines = [
        "  ".join(
            cell.rjust(width) if name in right else cell.ljust(width)
            for name, cell, width in zip(columns, line, widths, strict=True)
        ).rstrip()
        for line in cells
    ]
    return "\n".join(lines)


def _shortened(text: str) -> str:
    if len(text) <= CELL_CHARS_MAX:
        return text
    return text[: CELL_CHARS_MAX - 1] + "\N{HORIZONTAL ELLIPSIS}"


def _is_numeric(rows: Sequence[Row], name: str) -> bool:
    kinds = {type(row[name]) for row in rows}
    return int in kinds and kinds <= {int, type(None)}


def _title(name: str) -> str:
    return name.replace("_", " ")
