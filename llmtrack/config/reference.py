"""The settings as documentation: an example file, and the page docs/configuration.md."""

from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from llmtrack.config.kinds import COUNT, FLAG, PORT
from llmtrack.config.setting import Setting
from llmtrack.config.table import OTHER_VARIABLES, SECTIONS, SETTINGS

_HEAD = """\
# Configuration

<!-- Written by `make docs` from llmtrack/config/table.py. -->

A setting is taken from the first of: its flag, its environment variable, the file that the
variable with `_FILE` behind it names, systemd's credential of the setting's name, the
configuration file, its default. One configuration file is read, the first of:

1. `--config FILE` or `LLMTRACK_CONFIG` (it must exist)
2. `/etc/llmtrack/llmtrack.toml`
3. `~/.config/llmtrack/llmtrack.toml` (below `XDG_CONFIG_HOME` if that is set)
4. `llmtrack.toml` in the data directory

An unknown setting or `LLMTRACK_` variable, or a value of the wrong kind, is an error with
exit code 78 that names the file, the line and the nearest setting.

| command | does |
|---|---|
| `llmtrack config check [FILE]` | read everything, say what is wrong |
| `llmtrack config show --origin` | what is in force, and where each value comes from |
| `llmtrack config example` | a file with every setting at its default |
| `systemctl reload llmtrack` | put settings marked *reload* into force; others need a restart |

What the dashboard decides (workspaces, plans, keys, members, prices, retention) is in the
database and never in this file.
"""


def example() -> str:
    """A TOML file with every setting, commented out, at its default."""
    return "\n".join(_example_lines()) + "\n"


def _example_lines() -> Iterator[str]:
    yield "# LLMtrack's settings. What is commented out is the default."
    for section, title in SECTIONS.items():
        yield ""
        yield f"# --- {title} ---"
        if section:
            yield f"[{section}]"
        for setting in _of(section):
            yield ""
            for line in wrap(setting.text, 94, break_long_words=False):
                yield f"# {line}"
            yield f"#{setting.key.rpartition('.')[2]} = {_toml(setting)}"


def markdown() -> str:
    """The whole of docs/configuration.md."""
    return _HEAD + "\n".join(_markdown_lines()) + "\n"


def _markdown_lines() -> Iterator[str]:
    for section, title in SECTIONS.items():
        yield ""
        yield f"## {title}"
        for setting in _of(section):
            marks = "".join(
                f", {word}"
                for word, is_so in (("reload", setting.reloads), ("secret", setting.secret))
                if is_so
            )
            yield ""
            yield f"### `{setting.key}`"
            yield ""
            yield f"`{setting.variable}`, {setting.kind.name}{marks}. Default: `{_toml(setting)}`."
            yield ""
            yield from wrap(setting.text, 94, break_long_words=False, break_on_hyphens=False)
    yield ""
    yield "## Other environment variables"
    yield ""
    yield "| variable | |"
    yield "|---|---|"
    for name, text in OTHER_VARIABLES.items():
        yield f"| `{name}` | {text} |"


def _of(section: str) -> list[Setting[Any]]:
    return [setting for setting in SETTINGS if setting.key.rpartition(".")[0] == section]


def _toml(setting: Setting[Any]) -> str:
    """The default as TOML has it."""
    if setting.kind in (COUNT, PORT, FLAG):
        return setting.default
    if isinstance(setting.kind.from_text(setting.default), tuple):
        items = [f'"{item.strip()}"' for item in setting.default.split(",") if item.strip()]
        return f"[{', '.join(items)}]"
    return f'"{setting.default}"'
