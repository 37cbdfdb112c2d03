"""Configuration: what is wrong is told with file, key and remedy; no password is ever shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from notify.config import load_config
from notify.databases import Role
from notify.errors import ConfigError


def write(folder: Path, text: str) -> Path:
    file = folder / "notify.toml"
    file.write_text(text)
    return file


def test_relative_paths_count_from_the_file(tmp_path: Path) -> None:
    config = load_config(write(tmp_path, '[databases]\nqueue = "mssql+tsqlite:///q.db"\n'), {})
    assert config.urls[Role.QUEUE].database == str(tmp_path / "q.db")
    assert config.template_directories == (tmp_path / "templates",)


def test_the_environment_outweighs_the_file(tmp_path: Path) -> None:
    file = write(tmp_path, '[databases]\nqueue = "mssql+tsqlite:///q.db"\n')
    config = load_config(None, {"NOTIFY_CONFIG": str(file), "NOTIFY_QUEUE_URL": "mssql+tsqlite:////other/q.db"})
    assert config.urls[Role.QUEUE].database == "/other/q.db"


def test_the_replica_is_asked_for_read_intent(tmp_path: Path) -> None:
    url = "mssql+pyodbc://u:p@listener/shop?driver=ODBC+Driver+18+for+SQL+Server"
    config = load_config(write(tmp_path, f'[databases]\nreplica = "{url}"\nqueue = "{url}"\n'), {})
    assert config.urls[Role.REPLICA].query["ApplicationIntent"] == "ReadOnly"
    assert "ApplicationIntent" not in config.urls[Role.QUEUE].query


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    "rest",
    [
        "@host/db?driver=ODBC+Driver+17+for+SQL+Server",
        "@host/db?Driver=ODBC+Driver+17+for+SQL+Server",
        "u:p@name_of_a_dsn",
        "/?odbc_connect=DRIVER%3D%7BODBC+Driver+18+for+SQL+Server%7D%3BSERVER%3Dhost",
    ],
)
def test_a_url_that_names_its_driver_one_way_or_another(tmp_path: Path, rest: str) -> None:
    config = load_config(write(tmp_path, f'[databases]\nqueue = "mssql+pyodbc://{rest}"\n'), {})
    assert Role.QUEUE in config.urls


@pytest.mark.parametrize(("rest", "remedy"), [("", "?driver="), ("?Trusted_Connection=yes", "&driver=")])
def test_a_url_without_a_driver_is_told_how_to_name_one(tmp_path: Path, rest: str, remedy: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load_config(write(tmp_path, f'[databases]\nqueue = "mssql+pyodbc://u:hunter2@host/db{rest}"\n'), {})
    assert f"names no ODBC driver: append {remedy}ODBC+Driver+18+for+SQL+Server" in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n")
    gateway = '[[gateway]]\nname="m"\nkind="smtp"\nfrom_address="a@example.com"\npassword_file="secret"\n'
    url = '[databases]\nqueue = "mssql+pyodbc://u:hunter2@host/db?driver=ODBC+Driver+18+for+SQL+Server"\n'
    config = load_config(write(tmp_path, url + gateway), {})
    assert config.gateways[0].password == "hunter2"
    assert "hunter2" not in repr(config)
    assert "hunter2" not in config.databases()[Role.QUEUE].shown


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[databases", "not readable as TOML"),
        ('[database]\nqueue="x"', "unknown key; did you mean databases?"),
        ('[databases]\nqueu="x"', "databases.queu = 'x': unknown key; did you mean queue?"),
        ('[databases]\nqueue="x"', "the queue URL is not a URL"),
        ('[databases]\nqueue="postgresql://h/d"', "the queue URL names postgresql"),
        ("[cycle]\nworkers=0", "cycle.workers = 0: write a whole number of at least 1"),
        ('[cycle]\nworkers="4"', "cycle.workers = '4'"),
        ('[[gateway]]\nname="m"\nkind="smpt"', "gateway m.kind = 'smpt': write smtp or console"),
        ('[[gateway]]\nname="m"\nkind="smtp"', "gateway m.from_address"),
        ('[[gateway]]\nkind="console"', "gateway 1.name: is missing"),
        ('[[gateway]]\nname="m"\nkind="console"\npassword="p"', "does not belong in this file"),
        ('[[gateway]]\nname="m"\nkind="console"\npassword_env="NOPE"', "no environment variable NOPE is set"),
        ('[[gateway]]\nname="m"\nkind="console"\nmax_conections=2', "did you mean max_connections?"),
    ],
)
def test_what_is_wrong_is_told(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(ConfigError) as error:
        load_config(write(tmp_path, text), {})
    assert told in str(error.value)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    text = (
        '[databses]\n[databases]\nqueu = "x"\nprocessor = "oracle://h/d"\n[cycle]\nworkers = 0\n'
        '[[gateway]]\nname = "m"\nkind = "stmp"\nport = "x"\n[[gateway]]\nname = "n"\nkind = "smtp"\ntls = true\nstarttls = true\n'
    )
    with pytest.raises(ConfigError) as error:
        load_config(write(tmp_path, text), {})
    first, *problems = str(error.value).splitlines()
    assert first.endswith("notify.toml has 8 problems:")
    told = ("databses", "queu", "processor", "m.kind", "m.port", "n.from_address", "n.starttls", "workers")
    assert [word for word, problem in zip(told, problems, strict=True) if word not in problem] == []


def test_a_variable_that_nobody_reads_is_hinted_at(tmp_path: Path) -> None:
    environ = {"NOTIFY_PROCESOR_URL": "x", "NOTIFY_FOO_URL": "y", "NOTIFY_SMTP_PASSWORD": "z", "NOTIFY_QUEUE_URL": ""}
    foo, processor = load_config(write(tmp_path, ""), environ).hints
    assert "NOTIFY_FOO_URL is read by nobody; there are NOTIFY_SOURCE_URL" in foo
    assert "did you mean NOTIFY_PROCESSOR_URL?" in processor


def test_a_file_that_was_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no such file"):
        load_config(tmp_path / "absent.toml", {})


def test_a_role_without_a_url_says_how_to_give_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="set NOTIFY_QUEUE_URL, or queue under"):
        load_config(write(tmp_path, ""), {}).databases()[Role.QUEUE]
