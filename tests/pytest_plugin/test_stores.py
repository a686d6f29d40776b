"""Where stored runs are looked for and JSON is written, and where a run may not write; without a session."""

import pytest
from plugin_configs import config_of as config_of

from vitcnn import suite
from vitcnn.device import Device
from vitcnn.errors import UserError
from vitcnn.pytest_plugin.storage import (
    prepare_json_folder,
    require_outside_stores,
    set_default_storage,
    storage_folder,
)

DEVICE = Device(name="cpu", key="cpu-test-1t")
ONE_FOLDER = (
    "paths: '.*/benchmarks .*/own' .* Allowed: one folder with baselines of its own.* Run pytest once for each of them"
)


def store_of(config):
    """Return where a session keeps its stored runs unless its user named a place."""
    set_default_storage(config, DEVICE)
    return storage_folder(config)


def with_baselines(*folders):
    for folder in folders:
        (folder / "baselines").mkdir(parents=True)


@pytest.mark.parametrize(
    "storage, place",
    [
        ("file://./mine", "mine"),
        ("mine", "mine"),
        ("file:///else/where", "/else/where"),
        ("/else/where", "/else/where"),
    ],
)
def test_a_place_that_the_user_names_is_seen_from_where_pytest_was_started(config_of, tmp_path, storage, place):
    assert store_of(config_of(f"--benchmark-storage={storage}")) == tmp_path / place


@pytest.mark.parametrize("scheme", ["elasticsearch+http", "elasticsearch+https"])
def test_runs_that_a_server_stores_are_in_no_folder(config_of, scheme):
    assert store_of(config_of(f"--benchmark-storage={scheme}://host/x")) is None


@pytest.mark.parametrize("storage", ["ftp://x", "files://x", "a://b://c"])
def test_no_other_place_is_known(config_of, storage):
    with pytest.raises(UserError, match=r"--benchmark-storage: .* Allowed: file, elasticsearch.*\. Name a folder\.$"):
        storage_folder(config_of(f"--benchmark-storage={storage}"))


@pytest.mark.parametrize("arguments", [(), ("benchmarks",), ("other",), ("benchmarks/test_a.py::test_x",)])
def test_by_default_runs_are_stored_in_the_projects_suite_below_the_key_of_the_device(config_of, tmp_path, arguments):
    (tmp_path / "other").mkdir()
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "test_a.py").touch()
    assert store_of(config_of(*arguments)) == tmp_path / "benchmarks" / "baselines" / "cpu-test-1t"


def test_a_suite_with_baselines_of_its_own_keeps_them(config_of, tmp_path):
    with_baselines(tmp_path / "benchmarks", tmp_path / "own")
    (tmp_path / "link").symlink_to("own")
    (tmp_path / "other").mkdir()
    store = tmp_path / "own" / "baselines" / "cpu-test-1t"
    for arguments in (["own"], [tmp_path / "own"], ["other", "own"], ["own", "./own"], ["own", "link"]):
        assert store_of(config_of(*arguments)) == store
    assert store_of(config_of("own", "--benchmark-storage=mine")) == tmp_path / "mine"


def test_two_suites_with_baselines_of_their_own_are_refused(config_of, tmp_path):
    with_baselines(tmp_path / "benchmarks", tmp_path / "own")
    with pytest.raises(UserError, match=ONE_FOLDER):
        store_of(config_of("benchmarks", "own"))


def test_what_is_measured_by_the_packages_own_suite_belongs_to_the_project(config_of, tmp_path, monkeypatch):
    with_baselines(tmp_path / "installed")
    monkeypatch.setattr(suite, "own_suite", lambda: tmp_path / "installed")
    assert store_of(config_of(tmp_path / "installed")) == tmp_path / "benchmarks" / "baselines" / "cpu-test-1t"


def test_the_folder_of_the_json_is_made(config_of, tmp_path):
    prepare_json_folder(config_of("--benchmark-json=new/folder/run.json"))
    assert [path.name for path in (tmp_path / "new" / "folder").iterdir()] == []
    prepare_json_folder(config_of("--benchmark-json=new/folder/run.json"))


def test_without_a_json_no_folder_is_made(config_of, tmp_path):
    prepare_json_folder(config_of())
    assert list(tmp_path.iterdir()) == []


def write_to(config, path, option):
    """Let a session write to `path` by an option, and elsewhere by the others; UserError where it may not."""
    elsewhere = dict.fromkeys(OPTIONS, config.rootpath / "elsewhere")
    paths = {**elsewhere, option: path}
    config.option.benchmark_json = paths["--benchmark-json"]
    require_outside_stores(config, out=paths["--out"], trace=paths["--trace"])


OPTIONS = ["--out", "--benchmark-json", "--trace"]


@pytest.mark.parametrize(
    "arguments, place",
    [
        ([], "benchmarks/baselines"),
        ([], "benchmarks/baselines/another-device/run"),
        ([], "link/run"),
        (["own"], "own/baselines/cpu-test-1t/run"),
        (["own"], "own/baselines/run"),
        (["own"], "benchmarks/baselines/run"),
        (["--benchmark-storage=mine"], "mine/run"),
        (["--benchmark-storage=mine"], "benchmarks/baselines/run"),
        (["--benchmark-storage=elasticsearch+http://host/x"], "benchmarks/baselines/run"),
    ],
)
def test_a_run_writes_into_no_store(config_of, tmp_path, arguments, place):
    with_baselines(tmp_path / "own", tmp_path / "benchmarks")
    (tmp_path / "link").symlink_to("benchmarks/baselines")
    config = config_of(*arguments)
    set_default_storage(config, DEVICE)
    for option in OPTIONS:
        with pytest.raises(
            UserError, match=f"{option}: '{tmp_path}/.* Allowed: a place outside the stored baselines. The run"
        ):
            write_to(config, tmp_path / place, option)


@pytest.mark.parametrize(
    "arguments, place", [([], "benchmarks/run"), (["own"], "own/run"), (["--benchmark-storage=mine/store"], "mine/run")]
)
def test_beside_a_store_it_may_write(config_of, tmp_path, arguments, place):
    with_baselines(tmp_path / "own", tmp_path / "benchmarks")
    config = config_of(*arguments)
    set_default_storage(config, DEVICE)
    for option in OPTIONS:
        write_to(config, tmp_path / place, option)


def test_a_run_without_json_and_traces_writes_its_folder_alone(config_of, tmp_path):
    require_outside_stores(config_of(), out=tmp_path / "out", trace=None)
