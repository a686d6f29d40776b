"""What the options mean and which are refused, by pytest's own parser and without a session."""

import re
from types import SimpleNamespace

import pytest
from plugin_configs import config_of as config_of
from plugin_configs import given_elsewhere

from vitcnn.device import resolve
from vitcnn.errors import UserError
from vitcnn.processes.fresh import Request
from vitcnn.pytest_plugin import options as module
from vitcnn.pytest_plugin import pytest_configure
from vitcnn.pytest_plugin.options import check_options, require_that_some_fit
from vitcnn.record import Selection
from vitcnn.tasks import Tasks


def worker(config):
    """Return a configuration as a worker of xdist has it."""
    config.workerinput = {}
    return config


def asked_by_vitcnn(config, **request):
    config.pluginmanager.register(Request(**request))
    return config


def test_without_options_each_case_has_its_own_and_the_whole_suite_is_meant(config_of, tmp_path):
    found = check_options(config_of())
    assert (found.device, found.preset) == (resolve("cpu"), "smoke")
    assert (found.architectures, found.tasks.asked, found.recipes, found.weights, found.num_seeds) == (
        (),
        (),
        (),
        "",
        0,
    )
    assert (found.gate, found.gate_reruns) == (None, 2)
    assert (found.request, found.resumed, found.trace) == (None, None, None)
    assert (found.count_instructions, found.energy) == (False, False)
    assert found.selection == Selection(preset="smoke")
    assert found.out.parent == tmp_path / ".vitcnn" / "runs"
    assert re.fullmatch(r"\d{8}T\d{6}Z-\d+", found.out.name)


@pytest.mark.parametrize(
    "arguments, expected",
    [
        (["--arch=lenet"], {"architectures": ("lenet",)}),
        (["--task", "digits"], {"tasks": ("digits",)}),
        (["--recipe=digits_cnn"], {"recipes": ("digits_cnn",)}),
        (["--recipe=epochs=3"], {"recipes": (",epochs=3",)}),
        (["--weights=random"], {"weights": "random"}),
        (["--seeds", "7"], {"num_seeds": 7}),
        (["-k", "bee"], {"keyword": "bee"}),
        (["-kbee"], {"keyword": "bee"}),
        (["-qk", "bee"], {"keyword": "bee"}),
        (["-m", "not slow"], {"markers": "not slow"}),
        (["-qmslow"], {"markers": "slow"}),
        (["test_mini.py::test_bee"], {"paths": ("test_mini.py::test_bee",)}),
    ],
)
def test_what_the_command_line_leaves_of_the_suite_is_recorded_and_what_a_file_leaves_is_not(
    config_of, tmp_path, arguments, expected
):
    (tmp_path / "test_mini.py").touch()
    assert check_options(config_of(*arguments)).selection == Selection(preset="smoke", **expected)
    assert check_options(given_elsewhere(config_of(*arguments))).selection == Selection(preset="smoke")


def test_other_options_on_the_command_line_are_not_taken_for_it(config_of):
    config = given_elsewhere(config_of("-k", "bee", "--arch=lenet"), "-q", "--archive=old")
    assert check_options(config).selection == Selection(preset="smoke")


def test_what_was_asked_for_is_measured_wherever_it_was_asked(config_of):
    arguments = ("--arch=lenet", "--task=digits", "--recipe=digits_cnn", "--seeds=2", "--weights= hub ")
    for config in (config_of(*arguments), given_elsewhere(config_of(*arguments))):
        found = check_options(config)
        assert (found.architectures, found.tasks.asked, found.recipes) == (("lenet",), ("digits",), ("digits_cnn",))
        assert (found.num_seeds, found.weights) == (2, "hub")


def test_what_a_run_may_go_on_from_is_asked_with_its_device_selection_and_folder(config_of, monkeypatch):
    monkeypatch.setattr(module, "resumed_run", lambda *asked: asked)
    found = check_options(config := config_of("--arch=lenet"))
    assert found.resumed == (config, found.device, found.selection, found.out)


def test_a_preset_is_part_of_the_selection_wherever_it_was_asked_for(config_of):
    found = check_options(given_elsewhere(config_of("--preset=full")))
    assert (found.preset, found.selection.preset) == ("full", "full")


def test_the_default_preset_is_that_of_the_device(config_of, monkeypatch):
    device = SimpleNamespace(default_preset="standard", is_cuda=True)
    monkeypatch.setattr(module, "resolve", {"cuda:1": device}.get)
    assert check_options(config_of(device="cuda:1")).preset == "standard"


def test_names_are_repeated_or_separated_by_commas_and_count_once(config_of):
    config = config_of("--arch= lenet , vit_tiny,", "--arch=lenet", "--arch=resnet18")
    assert check_options(config).architectures == ("lenet", "vit_tiny", "resnet18")


@pytest.mark.parametrize("option", ["--arch", "--task"])
def test_an_option_that_names_nothing_is_refused(config_of, option):
    with pytest.raises(UserError, match=f"{option}: '' cannot be used. Allowed: a name, or names separated by commas"):
        check_options(config_of(f"{option}= ,"))


def test_a_folders_path_may_hold_commas(config_of, tmp_path):
    for name in ("a", "b"):
        for number in range(2):
            (tmp_path / "cats,dogs" / name).mkdir(parents=True, exist_ok=True)
            (tmp_path / "cats,dogs" / name / f"{number}.png").touch()
    assert check_options(config_of("--task=folder:cats,dogs")).tasks.asked == ("folder:cats-dogs",)


REFUSED = {
    "--recipe digits_cn": ["--recipe:", "'digits_cn'", "Did you mean digits_cnn", "epochs=3"],
    "--weights glyphs6": ["--weights", "'glyphs6'", "random, hub, file:PATH", "Did you mean glyphs62"],
    "--weights file:nowhere": ["--weights", "'nowhere'", "a safetensors file that is there", "Check the path."],
    "--weights file:a_pickle": ["--weights", "'a_pickle'", "safetensors alone, since a zip file of torch.save"],
    "--recipe transfer_lora_cnn,weights=file:a_file": [
        "weights of transfer_lora_cnn: 'a_file'",
        "a whole safetensors file (",
    ],
    "--recipe transfer_lora_cnn,weights=mine": ["weights of transfer_lora_cnn: 'mine'", "random, hub, file:PATH"],
    "--recipe weights=mine": ["weights of the recipes: 'mine'", "random, hub, file:PATH"],
    "--seeds 0": ["--seeds: '0'", "1 to 1000. With three seeds the report shows"],
    "--seeds 1001": ["--seeds", "'1001'", "1 to 1000"],
    "--seeds=-1": ["--seeds", "'-1'", "1 to 1000"],
    "--seeds 1.5": ["--seeds", "'1.5'", "1 to 1000"],
    "--arch vit_tinny": ["--arch:", "'vit_tinny'", "Did you mean vit_tiny", "timm/NAME"],
    "--arch lenet,lenot": ["--arch:", "'lenot'", "Did you mean lenet"],
    "--arch lenet --task digit_sum_digits": [
        "--task: 'digit_sum_digits'",
        "input of digit_sum_digits is a sequence of images, which does not fit lenet",
    ],
    "--arch sum_fc,lenet --task digits": ["--arch: 'sum_fc'", "a sequence of images, which does not fit digits"],
    "--task digit": ["--task:", "'digit'", "Allowed: ", "Did you mean digits"],
    "--preset smok": ["--preset: 'smok'", "full, smoke, standard", "Did you mean smoke"],
    "--preset xyz": ["--preset", "'xyz'", "full, smoke, standard", "Check the spelling"],
    "--preset=": ["--preset", "''", "Allowed: full, smoke, standard"],
    "--device tpu": ["--device", "'tpu'", "auto, cpu, cuda, cuda:N", "Leave it out"],
    "--out a_file": ["--out", "a_file'", "a folder that can be written to", "Not a directory"],
    "--out a_file/below": ["--out", "a_file/below'", "a folder that can be written to", "Not a directory"],
    "--out=": ["--out", "''", "Perhaps a variable in the command is not set."],
    "--data-root=": ["--data-root", "''", "Perhaps a variable in the command is not set."],
    "--benchmark-json a_file/run.json": ["--benchmark-json", "a_file'", "Not a directory"],
    f"--benchmark-json {'x' * 300}": ["--benchmark-json", "File name too long"],
    "--benchmark-json .": ["--benchmark-json: '.'", "Allowed: the path of a file", "such as run.json"],
    "--benchmark-storage=": ["--benchmark-storage", "''", "Perhaps a variable in the command is not set."],
    "--benchmark-storage=ftp://x": ["--benchmark-storage", "'ftp://x'", "Allowed: file, elasticsearch+http"],
    f"--resume={'x' * 300}": ["--resume", "does not exist"],
    "--gate=maybe": ["--gate: 'maybe'", "Allowed: on, allow-new, strict, counts", "Put the path first"],
    "--gate benchmarks": ["--gate: 'benchmarks'", "Put the path first: pytest benchmarks --gate."],
    "--gate --collect-only": ["--collect-only: 'with --gate'", "there is nothing to judge"],
    "--gate --benchmark-compare=0003": [
        "--benchmark-compare: '0003'",
        "Allowed: no name, with --gate. The gate always uses",
    ],
    "--gate --benchmark-save=mine": [
        "--benchmark-save: 'with --gate'",
        "one of the two. The run would become part",
        "vitcnn baseline record",
    ],
    "--gate --benchmark-autosave": ["--benchmark-autosave: 'with --gate'", "vitcnn baseline record"],
    "--gate --benchmark-storage=elasticsearch+http://localhost/x": [
        "--benchmark-storage: 'elasticsearch+http://localhost/x'",
        "Allowed: a folder, with --gate. Leave out the option",
    ],
    "--data-root=a_file": ["--data-root", "a_file' cannot be used", "Allowed: a folder"],
    "--task=folder:nowhere": ["--task: 'folder:nowhere'"],
    "--task=folder:": ["--task: 'folder:'", "Allowed: folder:PATH"],
    "--task=folder:one": ["--task: 'folder:one'"],
    "--task=folder:a/pets --task=folder:b/pets": ["--task: 'folder:pets'", "Allowed: folders and"],
    "--trace runs": ["--trace: 'runs'", "behind the path of the suite"],
    "suite --trace suite": ["--trace: 'suite'", "pytest's own switch"],
    "suite --trace suite/test_own.py": ["--trace: 'suite/test_own.py'", "pytest's own switch"],
    "suite --trace a --trace b": ["--trace: 'a b'", "Allowed: once."],
    "suite --trace EMPTY": ["--trace: ''", "Perhaps a variable in the command is not set"],
    "suite --trace benchmarks/baselines/x": ["--trace", "without being recorded as one"],
    "--gate-reruns=-1": ["--gate-reruns: '-1'", "0 to 20. 2 are sufficient"],
    "--gate-reruns=two": ["--gate-reruns: 'two'", "0 to 20"],
    "--gate-reruns=21": ["--gate-reruns: '21'", "0 to 20"],
}


FILES = {
    "a_file": "text",
    "a_pickle": "PK\x03\x04",
    "suite/test_own.py": "",
    "one/only/1.png": "",
    **{f"{a_or_b}/pets/{kind}/{number}.png": "" for a_or_b in "ab" for kind in ("cat", "dog") for number in (1, 2)},
}


@pytest.mark.parametrize("options", REFUSED, ids=lambda options: options[:40].replace(" ", "-"))
def test_refusals_name_field_value_what_is_allowed_and_what_to_do(config_of, tmp_path, options):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(pytest.UsageError) as caught:
        pytest_configure(config_of(*["" if word == "EMPTY" else word for word in options.split()]))
    for part in REFUSED[options]:
        assert part in str(caught.value)
    assert caught.value.__suppress_context__
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("mode", ["on", "allow-new", "strict", "counts"])
def test_each_mode_of_the_gate_can_be_asked_for(config_of, mode):
    assert check_options(config_of(f"--gate={mode}")).gate == mode


def test_gate_alone_is_its_default_mode_and_judges_by_the_newest_recording(config_of):
    for arguments in (["--gate"], ["--gate", "--benchmark-compare"]):
        assert check_options(config_of(*arguments)).gate == "on"


@pytest.mark.parametrize("number", [0, 1, 20])
def test_reruns_are_counted_from_none(config_of, number):
    assert check_options(config_of("--gate", f"--gate-reruns={number}")).gate_reruns == number


@pytest.mark.parametrize("number", [1, 1000])
def test_seeds_are_counted_from_one(config_of, number):
    assert check_options(config_of(f"--seeds={number}")).num_seeds == number


@pytest.mark.parametrize("name", ["journal.jsonl", "run.json", "unjudged", "gate.md", "rerun-3"])
def test_a_folder_that_holds_a_run_is_refused_and_left_as_it_is(config_of, tmp_path, name):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / name).write_text("{}")
    with pytest.raises(UserError, match=r"--out: .*old' .*a folder that holds no run yet.*Name another folder"):
        check_options(config_of("--out=old"))
    assert [(path.name, path.read_text()) for path in (tmp_path / "old").iterdir()] == [(name, "{}")]


def test_a_worker_writes_where_the_session_that_started_it_does(config_of, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "journal.jsonl").touch()
    assert check_options(worker(config_of("--out=old"))).out == tmp_path / "old"


def test_a_folder_without_a_run_may_hold_other_files(config_of, tmp_path):
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "notes.txt").touch()
    assert check_options(config_of("--out=old")).out == tmp_path / "old"


def test_energy_is_refused_where_two_revisions_take_turns_and_nowhere_else(config_of):
    assert check_options(config_of("--energy")).energy
    assert check_options(asked_by_vitcnn(config_of("--energy"))).energy
    assert not check_options(asked_by_vitcnn(config_of(), turns=3)).energy
    with pytest.raises(UserError, match=r"--energy: 'with vitcnn compare' .*: a run that measures alone\. The counter"):
        check_options(asked_by_vitcnn(config_of("--energy"), turns=3))


def test_instructions_are_counted_by_the_session_that_measures_the_whole_suite(config_of, monkeypatch):
    looked_for = []
    monkeypatch.setattr(module, "require_valgrind", looked_for.append)

    def counts(config):
        return check_options(config).count_instructions

    assert not counts(config_of())
    assert looked_for == []
    assert counts(config_of("--count-instructions"))
    assert looked_for == [resolve("cpu")]
    assert counts(asked_by_vitcnn(config_of("--count-instructions")))
    assert not counts(asked_by_vitcnn(config_of("--count-instructions"), cases=frozenset(["bee"])))
    assert not counts(worker(config_of("--count-instructions")))


def test_what_vitcnn_asked_for_is_found_and_leaves_no_traces(config_of, tmp_path):
    (tmp_path / "suite").mkdir()
    alone = check_options(config_of("suite", "--trace", "traces"))
    assert (alone.request, alone.trace) == (None, tmp_path / "traces")
    asked = check_options(asked_by_vitcnn(config_of("suite", "--trace", "traces"), seed_block=2))
    assert (asked.request, asked.trace) == (Request(seed_block=2), None)


@pytest.fixture
def tree(tmp_path):
    """A suite with baselines and a folder in it, one in it that has baselines too, and a folder without any."""
    for folder in ("benchmarks/baselines", "benchmarks/part", "benchmarks/own/baselines", "other"):
        (tmp_path / folder).mkdir(parents=True)
    for file in ("benchmarks/test_a.py", "benchmarks/part/test_b.py", "other/test_c.py"):
        (tmp_path / file).touch()
    return tmp_path


@pytest.mark.parametrize(
    "arguments, expected",
    [
        ([], ()),
        (["benchmarks"], ()),
        (["other"], ()),
        (["benchmarks/own"], ()),
        (["benchmarks/part"], ("benchmarks/part",)),
        (["benchmarks/test_a.py"], ("benchmarks/test_a.py",)),
        (["./benchmarks/part/../test_a.py::test_x[a/b]"], ("benchmarks/test_a.py::test_x[a/b]",)),
        (["other/test_c.py", "benchmarks/part"], ("other/test_c.py", "benchmarks/part")),
        (["benchmarks/test_a.py", "benchmarks"], ()),
        (["benchmarks", "benchmarks/test_a.py"], ()),
    ],
)
def test_files_and_folders_of_a_suite_narrow_it_and_a_whole_suite_does_not(config_of, tree, arguments, expected):
    assert check_options(config_of(*arguments)).selection.paths == expected


def test_paths_are_those_seen_from_the_root(config_of, tree, monkeypatch):
    monkeypatch.chdir(tree / "benchmarks")
    assert check_options(config_of("test_a.py", tree / "other/test_c.py")).selection.paths == (
        "benchmarks/test_a.py",
        "other/test_c.py",
    )


def test_where_pytest_stands_in_a_part_of_a_suite_names_nothing(config_of, tree, monkeypatch):
    monkeypatch.chdir(tree / "benchmarks" / "part")
    assert check_options(config_of()).selection.paths == ()


def test_baselines_above_the_root_make_no_suite_of_what_is_below(config_of, tree, monkeypatch):
    config = config_of(tree / "benchmarks/part")
    config._rootpath = tree / "benchmarks" / "part"
    monkeypatch.setattr(type(config), "rootpath", config._rootpath)
    assert check_options(config).selection.paths == ()


@pytest.mark.parametrize(
    "architectures, tasks, field",
    [
        (["lenet"], [], ""),
        ([], ["digit_sum_digits"], ""),
        (["lenet", "sum_fc"], ["digits", "digit_sum_digits"], ""),
        (["lenet", "sum_fc"], ["digits"], "--arch: 'sum_fc'"),
        (["lenet"], ["digits", "digit_sum_digits"], "--task: 'digit_sum_digits'"),
        (["sum_fc"], ["digits"], "--task: 'digits'"),
    ],
)
def test_each_task_that_is_asked_for_needs_an_architecture_and_the_other_way_round(
    tmp_path, architectures, tasks, field
):
    asked = Tasks(tmp_path, asked=tasks)
    if not field:
        require_that_some_fit(architectures, asked)
        return
    with pytest.raises(UserError, match=field):
        require_that_some_fit(architectures, asked)
