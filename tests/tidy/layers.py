"""Who may import what. Each rule yields one line for each place that breaks it."""

from collections.abc import Iterator

from tests.tidy.source import Import, Module

LAYERS = ("domain", "formats", "storage", "services", "web", "cli")  # imports point to the left

# Root of an import -> where alone it may be used, and why.
OWNERS = {
    "sqlite3": ("llmtrack.storage", "only storage speaks SQL"),
    "aiosqlite": ("llmtrack.storage", "only storage speaks SQL"),
    "aiohttp.web": ("llmtrack.web", "only web is a server"),
    "aiohttp.web_exceptions": ("llmtrack.web", "only web is a server"),
    "aiohttp.web_request": ("llmtrack.web", "only web is a server"),
    "aiohttp.web_response": ("llmtrack.web", "only web is a server"),
    "argon2": ("llmtrack.domain.credentials", "one place decides how passwords are hashed"),
    "joserfc": ("llmtrack.services.id_tokens", "one place decides which signatures hold"),
    "webauthn": ("llmtrack.services.passkeys", "6 MB that are loaded when they are needed"),
    "click": ("llmtrack.cli", "only cli talks to a terminal"),
}


def is_within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def upward_imports(module: Module) -> Iterator[str]:
    for found in module.imports:
        target = found.target.split(".")
        if module.layer not in LAYERS or target[0] != "llmtrack" or len(target) < 2:
            continue
        if target[1] in LAYERS and LAYERS.index(target[1]) > LAYERS.index(module.layer):
            yield f"{module.at(found.line)}: {module.layer} is below {target[1]}"


SERVED = ("llmtrack.web.app", "llmtrack.web.server")


def cli_reaching_into_web(module: Module) -> Iterator[str]:
    for found in module.imports:
        if module.layer == "cli" and is_within(found.target, "llmtrack.web"):
            if module.name != "llmtrack.cli.serve":
                yield f"{module.at(found.line)}: only cli.serve starts the web"
            elif not any(is_within(found.target, name) for name in SERVED):
                yield f"{module.at(found.line)}: cli.serve knows web.app and web.server alone"


def config_read_below(module: Module) -> Iterator[str]:
    allowed = module.layer in ("cli", "config") or module.name == "llmtrack.web.app"
    for found in module.imports:
        if is_within(found.target, "llmtrack.config") and not allowed:
            yield f"{module.at(found.line)}: take plain values as arguments instead of config"


def libraries_out_of_place(module: Module) -> Iterator[str]:
    for found in module.imports:
        for library, (owner, reason) in OWNERS.items():
            if is_within(found.target, library) and not is_within(module.name, owner):
                yield f"{module.at(found.line)}: {library} outside {owner}: {reason}"


def lazy_imports(module: Module) -> Iterator[str]:
    """Lazy imports hide a cycle or a layer; the CLI alone starts faster by them."""
    if module.layer != "cli":
        for found in module.imports:
            if found.inside_function:
                yield f"{module.at(found.line)}: import at the top of the file"


def cycles(package: list[Module]) -> Iterator[str]:
    """Modules that reach themselves, each named once."""
    known = {module.name for module in package}
    edges = {
        module.name: {
            target
            for found in module.imports
            for target in [_module_of(found, known)]
            if target is not None and target != module.name
        }
        for module in package
    }
    for name in sorted(known):
        if name in _reachable(edges, name):
            yield f"{name}: imports itself through {', '.join(sorted(edges[name]))}"


def _module_of(found: Import, known: set[str]) -> str | None:
    """`from llmtrack.web import app` names a module, `from llmtrack.web.app import run` a name."""
    if found.target in known:
        return found.target
    parent = found.target.rpartition(".")[0]
    return parent if parent in known else None


def _reachable(edges: dict[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(edges[start])
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting.extend(edges[name])
    return seen
