"""Settings: which of several sources wins, and that nothing misspelt is ignored."""

from datetime import timedelta
from pathlib import Path

import click
import pytest

from llmtrack import config as config_package
from llmtrack.cli.main import llmtrack
from llmtrack.config import kinds, loading, resource_dir
from llmtrack.config.loading import Config, ConfigUnusable, load, read_file
from llmtrack.config.reference import example, markdown
from llmtrack.config.setting import Setting
from llmtrack.config.table import (
    DATA_DIR,
    LISTEN,
    SECTIONS,
    SETTINGS,
    TLS_CERT_FILE,
    TRUSTED_PROXIES,
)

from .conftest import Processes, Program

ROOT = Path(__file__).parents[2]


@pytest.fixture(autouse=True)
def _no_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine that runs the tests may have an LLMtrack of its own."""
    monkeypatch.setattr(loading, "SYSTEM_FILE", tmp_path / "absent.toml")
    monkeypatch.setattr(loading, "SYSTEM_DATA_DIR", tmp_path / "absent")


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def refusal(text: str, tmp_path: Path) -> ConfigUnusable:
    with pytest.raises(ConfigUnusable) as caught:
        read_file(written(tmp_path / "x.toml", text))
    return caught.value


def test_a_checkout_has_its_templates_beside_the_package() -> None:
    assert resource_dir() == Path(config_package.__file__).parents[2]


def test_each_source_wins_over_the_next(tmp_path: Path) -> None:
    file = written(tmp_path / "a.toml", '[server]\nlisten = ["127.0.0.1:1", "127.0.0.1:2"]\n')
    by_file = {"LLMTRACK_SERVER_LISTEN_FILE": str(written(tmp_path / "v", "127.0.0.1:3\nrest"))}
    by_variable = {"LLMTRACK_SERVER_LISTEN": "127.0.0.1:4"}

    def told(config: Config) -> tuple[tuple[str, ...], str]:
        return config[LISTEN], config.told(LISTEN).origin.split(" ")[0]

    assert told(load({}, {})) == (("127.0.0.1:8080",), "default")
    assert told(load({}, {}, file=file)) == (("127.0.0.1:1", "127.0.0.1:2"), f"{file}:2")
    assert told(load({}, by_file, file=file)) == (
        ("127.0.0.1:3",),
        "LLMTRACK_SERVER_LISTEN_FILE",
    )
    assert told(load({}, by_variable, file=file)) == (("127.0.0.1:4",), "LLMTRACK_SERVER_LISTEN")
    assert told(load({LISTEN: "h:5"}, by_variable, file=file)) == (("h:5",), "flag")
    with pytest.raises(ConfigUnusable, match="both set"):
        load({}, by_file | by_variable)


def test_systemd_s_credential_is_a_source(tmp_path: Path) -> None:
    written(tmp_path / "tls.cert_file", "/c.pem\n")

    assert load({}, {"CREDENTIALS_DIRECTORY": str(tmp_path)})[TLS_CERT_FILE] == Path("/c.pem")


def test_one_file_is_read_and_it_is_the_first_that_is_there(tmp_path: Path) -> None:
    data_dir = {DATA_DIR: str(tmp_path / "data")}
    home = {"XDG_CONFIG_HOME": str(tmp_path / "home"), "LLMTRACK_CONFIG": ""}

    assert load(data_dir, home).file is None
    inner = written(tmp_path / "data" / "llmtrack.toml", "")
    assert load(data_dir, home).file == inner
    outer = written(tmp_path / "home" / "llmtrack" / "llmtrack.toml", "")
    assert load(data_dir, home).file == outer
    with pytest.raises(ConfigUnusable, match=r"no configuration file .*gone\.toml"):
        load(data_dir, home | {"LLMTRACK_CONFIG": str(tmp_path / "gone.toml")})


def test_the_data_directory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert load({}, {}).data_dir == Path("llmtrack-data")
    assert load({}, {"STATE_DIRECTORY": "/s/one:/s/two"}).data_dir == Path("/s/one")
    environ = {"LLMTRACK_DATA_DIR": "/b", "STATE_DIRECTORY": "/c"}
    assert load({}, environ).data_dir == Path("/b")
    assert load({DATA_DIR: "/a"}, environ).data_dir == Path("/a")
    monkeypatch.setattr(loading, "SYSTEM_DATA_DIR", tmp_path)
    assert load({}, {"LLMTRACK_DATA_DIR": "", "STATE_DIRECTORY": ""}).data_dir == tmp_path


def test_a_file_in_the_data_directory_cannot_move_it(tmp_path: Path) -> None:
    written(tmp_path / "llmtrack.toml", 'data_dir = "/elsewhere"\n')

    with pytest.raises(ConfigUnusable, match="inside it"):
        load({DATA_DIR: str(tmp_path)}, {})


@pytest.mark.parametrize(
    ("text", "place", "said"),
    [
        ("\n[server]\n\nlissten = []\n", ":4", "did you mean server.listen?"),
        ("[tsl]\ncert_file = 'a'\n", ":2", "did you mean tls.cert_file?"),
        ("server.public_ulr = 'a'\n", ":1", "did you mean server.public_url?"),
        ("server = {listne = []}\n", ":1", "did you mean server.listen?"),
        ("data_dir = 3\n", ":1", "must be a path, in quotes"),
        ("[tls]\nmode = 'of'\n", ":2", "must be one of auto, files"),
        ("[tls]\ntrusted_proxies = ['10.0.0.0/8', 'x']\n", ":2", "'x' is none"),
        ("[server]\nlisten = [1]\n", ":2", "must be a list"),
        ("a = 1\nb = = 2\n", ":2", "no TOML"),
        ("[backup]\ndir = 'a'\ndir = 'b'\n", ":3", "twice: keep one"),
        ("[backup]\n[log]\n[backup]\n", ":3", "make one of both"),
        ("[backup]\nmax_age = '0d'\n", ":2", "at least 1d"),
        ("[backup]\nmax_age = '99999999999d'\n", ":2", "at most 2,700,000 years"),
        ("[backup]\nheartbeat_url = 'beat.example'\n", ":2", "an address such as https://"),
        ("[mail]\nport = 0\n", ":2", "1 to 65535"),
        ("[mail]\nport = 70000\n", ":2", "1 to 65535"),
        ("[server]\nlisten = []\n", ":2", "at least one"),
        ("[server]\nlisten = '127.0.0.1:99999'\n", ":2", "is no HOST:PORT"),
        ("[server]\nplain_listen = ['::1:80']\n", ":2", "is unclear"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(
    text: str, place: str, said: str, tmp_path: Path
) -> None:
    error = refusal(text, tmp_path)

    assert f"x.toml{place}: " in str(error)
    assert said in f"{error} {error.fix}"


def test_an_unknown_variable_is_refused_and_a_client_s_is_not() -> None:
    with pytest.raises(ConfigUnusable, match="LLMTRACK_SERVER_LISTN") as caught:
        load({}, {"LLMTRACK_SERVER_LISTN": "x"})
    assert "LLMTRACK_SERVER_LISTEN" in str(caught.value.fix)
    load({}, {"LLMTRACK_API_KEY": "llmt_x", "LLMTRACK_BASE_URL": "http://x"})


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        (kinds.duration_from("1s"), "90s", timedelta(seconds=90)),
        (kinds.duration_from("35d"), "5w", timedelta(days=35)),
        (kinds.URL, "", ""),
        (kinds.URL, "http://[::1]:8/a?b=c", "http://[::1]:8/a?b=c"),
        (kinds.PORT, "65535", 65535),
        (kinds.ADDRESSES, ":1, [::]:2", (":1", "[::]:2")),
        (kinds.SIZE, "64MiB", 64 * 2**20),
        (kinds.TIME_OF_DAY, "03:15", 195),
        (kinds.TIME_OF_DAY, "", None),
        (kinds.COUNT, "7", 7),
        (kinds.FLAG, "off", False),
    ],
)
def test_kinds_read_what_people_write(kind: kinds.Kind[object], text: str, value: object) -> None:
    assert kind.from_text(text) == value


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (kinds.duration_from("1s"), "30"),
        (kinds.duration_from("1s"), "-1s"),
        (kinds.SIZE, "1.5GiB"),
        (kinds.TIME_OF_DAY, "24:00"),
        (kinds.COUNT, "-1"),
        (kinds.FLAG, "maybe"),
    ],
)
def test_kinds_refuse_the_rest(kind: kinds.Kind[object], text: str) -> None:
    with pytest.raises(ValueError, match=r"number|size|time|true"):
        kind.from_text(text)


def test_the_example_is_a_file_that_changes_nothing(tmp_path: Path) -> None:
    used = "\n".join(
        line if line.startswith("# ") else line.removeprefix("#") for line in example().splitlines()
    )
    found = read_file(written(tmp_path / "x.toml", used))

    assert set(found) == set(SETTINGS)
    for setting, value in found.items():
        assert value.value == setting.kind.from_text(setting.default), setting.key


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: str(setting.key))
def test_every_setting_has_a_section_and_a_usable_default(setting: Setting[object]) -> None:
    assert setting.key.rpartition(".")[0] in SECTIONS
    setting.kind.from_text(setting.default)


def test_the_documentation_is_what_the_code_says() -> None:
    written = (ROOT / "docs" / "configuration.md").read_text()

    assert written == markdown(), "run: make docs"


def test_show_says_where_a_value_comes_from(bare: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LLMTRACK_TLS_TRUSTED_PROXIES", "10.0.0.0/8")
    rows = {row["key"]: row for row in bare.json("config", "show", "--origin")}

    assert rows["data_dir"]["origin"] == "flag"
    assert rows[TRUSTED_PROXIES.key]["value"] == "10.0.0.0/8"
    assert rows[TRUSTED_PROXIES.key]["origin"] == "LLMTRACK_TLS_TRUSTED_PROXIES"
    [changed] = bare.json("config", "show", "--changed")[1:]
    assert changed["key"] == TRUSTED_PROXIES.key
    assert bare.ok("config", "get", "server.listen").stdout == "127.0.0.1:8080\n"
    assert "no setting" in bare.fails(3, "config", "get", "server.lisen")


def test_check_ends_with_78_and_the_line(bare: Program, tmp_path: Path) -> None:
    bad = written(tmp_path / "bad.toml", "[server]\nlisten = true\n")

    assert "bad.toml:2" in bare.fails(78, "config", "check", str(bad))
    assert "bad.toml:2" in bare.fails(78, "--config", str(bad), "users", "list")
    missing = written(tmp_path / "tls.toml", '[tls]\ncert_file = "/gone.pem"\n')
    assert "/gone.pem does not exist" in bare.fails(78, "config", "check", str(missing))
    good = written(tmp_path / "good.toml", bare.ok("config", "example").stdout)
    assert bare.json("config", "check", str(good))["ok"] is True


def test_every_command_has_a_help_text() -> None:
    context = click.Context(llmtrack)
    for name in llmtrack.list_commands(context):
        command = llmtrack.get_command(context, name)
        assert command is not None
        assert command.help, name


def test_a_home_of_another_user_is_passed_over(
    bare: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, processes: Processes
) -> None:
    """After runuser, and some sudo, HOME is still the first user's."""
    home = tmp_path / "home"
    home.mkdir(mode=0o000)
    monkeypatch.setenv("HOME", str(home))

    code, said = processes.run("-d", bare.directory, "users", "list")

    assert (code, str(bare.database) in said) == (3, True), said


@pytest.mark.parametrize(
    "url", ["llmtrack.example.com", "ftp://a.example", "https://", "https://a:b"]
)
def test_a_public_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(ConfigUnusable, match="public_url must be an address"):
        load({}, {"LLMTRACK_SERVER_PUBLIC_URL": url})


def test_what_is_in_an_address_to_sign_in_with_is_not_shown(
    bare: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LLMTRACK_PRICES_URL", "https://bob:hunter2@prices.example/data.json")

    assert "hunter2" not in bare.ok("config", "show").stdout
    assert "https://(secret)@prices.example/data.json" in bare.ok("config", "show").stdout
    assert "hunter2" in bare.ok("config", "show", "--show-secrets").stdout
