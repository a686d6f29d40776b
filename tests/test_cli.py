"""The `vitcnn` command, in this process and, for what it imports, in one of its own."""

import re
import shutil
import subprocess
import sys
import warnings
from pathlib import Path

import numpy
import pytest
from miniature import imported_by

from vitcnn.architectures import architectures
from vitcnn.cli import main
from vitcnn.durations.estimate import NOTHING_KNOWN
from vitcnn.errors import MissingData
from vitcnn.recipes import recipes
from vitcnn.suite import cases_in
from vitcnn.tasks import image_folder, tasks

ROOT = Path(__file__).parents[1]


@pytest.fixture(autouse=True)
def in_the_project(monkeypatch, tmp_path):
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("VITCNN_DATA", str(tmp_path / "data"))


def test_list_architectures_shows_all_with_their_sizes_and_where_asked_for_their_sources(capsys):
    assert main(["list", "architectures", "--sources"]) == 0
    whole = capsys.readouterr().out
    assert main(["list", "architectures"]) == 0
    out = capsys.readouterr().out
    assert all(f" {name} " in out for name in architectures())
    row = next(line for line in out.splitlines() if " resnet50 " in line)
    assert all(cell in row for cell in ("cnn", "25.56", "4.09", "224 px,", "every size from 224"))
    assert "1512.03385" in whole
    assert "1512.03385" not in out
    assert "--sources" in out
    assert "--sources" not in whole


def task_rows(out):
    """Return the first line of each task in the table."""
    first = (line for line in out.splitlines()[2:] if line.partition(" ")[0] in tasks())
    return {line.split()[0]: line for line in first}


def test_list_tasks_says_which_data_are_here(capsys, tmp_path):
    assert main(["list", "tasks"]) == 0
    rows = task_rows(capsys.readouterr().out)
    assert tasks().keys() == rows.keys()
    assert "no download" in rows["digits"]
    assert "not here" in rows["mnist"]
    for file in tasks()["mnist"].files:
        path = tmp_path / "data" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    main(["list", "tasks"])
    rows = task_rows(capsys.readouterr().out)
    assert "not here" not in rows["mnist"]
    assert "not here" in rows["cifar10"]


def test_list_tasks_says_what_a_sequence_is_and_that_its_images_are_those_of_another_task(capsys, tmp_path):
    main(["list", "tasks"])
    out = capsys.readouterr().out
    start = out.index("digit_anchor_published_mnist")
    row = [line[31:49].strip() for line in out[start:].splitlines()]
    assert " ".join(row[:3]) == "an anchor and up to 10 images of 1x28x28"
    assert "not here" in task_rows(out)["digit_sum_mnist"]
    assert "no download" in task_rows(out)["digit_sum_digits"]
    for file in tasks()["mnist"].files:
        path = tmp_path / "data" / file.path
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    main(["list", "tasks"])
    assert "not here" not in task_rows(capsys.readouterr().out)["digit_sum_mnist"]


def test_the_module_is_the_command_and_knows_its_version():
    done = subprocess.run([sys.executable, "-m", "vitcnn", "--version"], capture_output=True, text=True, check=True)
    assert re.fullmatch(r"vitcnn \d+\.\d+\.\d+\n", done.stdout)


def test_list_recipes_shows_all(capsys):
    assert main(["list", "recipes"]) == 0
    out = capsys.readouterr().out
    assert all(name in out for name in recipes())
    assert all(part.kind in out for entry in recipes().values() for part in entry.augmentation)


@pytest.mark.parametrize("preset", ["smoke", "standard", "full"])
def test_list_cases_lists_what_pytest_collects(capsys, preset):
    assert main(["list", "cases", "--preset", preset]) == 0
    *lines, total = capsys.readouterr().out.splitlines()
    listed = [line.split()[1] for line in lines]
    presets = {"smoke": ("smoke",), "standard": ("smoke", "standard"), "full": ("smoke", "standard", "full")}[preset]
    assert listed == [str(case) for case in cases_in(ROOT / "benchmarks") if case.preset in presets]
    assert total.startswith(f"{len(lines)} cases: ")


def test_listing_imports_nothing_heavy(tmp_path, monkeypatch):
    monkeypatch.setenv("VITCNN_DATA", str(tmp_path))
    code = (
        "from vitcnn.cli import main; [main(['list', what]) for what in ('architectures', 'tasks', 'recipes', 'cases')]"
    )
    assert imported_by(code, "torch", "torchvision", "timm", "peft", "sklearn") == set()


def test_the_command_is_installed():
    command = shutil.which("vitcnn", path=str(Path(sys.executable).parent))
    assert command, "pip install -e . installs it"
    done = subprocess.run([command, "--help"], capture_output=True, text=True, check=True)
    assert all(name in done.stdout for name in ("list", "doctor", "fetch"))


def test_doctor_is_green_where_smoke_can_run(capsys, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert main(["doctor", "--preset", "smoke", "--device", "cpu"]) == 0
    out = capsys.readouterr().out
    total = sum(case.preset == "smoke" for case in cases_in(ROOT / "benchmarks"))
    assert f"{total} of {total} cases of the preset can run on cpu-" in out
    for about in ("software", "processor", "GPU", "torch.compile", "memory", "data root", "hub weights"):
        assert about in out
    assert ", 3 threads (OMP_NUM_THREADS), " in out
    assert f"\n{total} cases take about " in out


def test_doctor_sees_folders_that_cannot_be_written_to(capsys):
    main(["doctor", "--preset", "smoke", "--device", "cpu", "--data-root", "/proc/data"])
    found = " ".join(capsys.readouterr().out.split())
    assert re.search(r"data root problem /proc/data cannot be written to \(/.*?[^.]\)\. Name another folder\.", found)


def test_doctor_says_of_what_energy_would_be_measured_or_why_not(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("vitcnn.device.rapl.ROOT", tmp_path)
    main(["doctor", "--preset", "smoke", "--device", "cpu"])
    assert re.search(r"\nenergy +ok +unknown to --energy: there is no RAPL counter", capsys.readouterr().out)
    package = tmp_path / "intel-rapl:0"
    package.mkdir()
    for name, content in {"name": "package-0", "max_energy_range_uj": "9", "energy_uj": "1"}.items():
        (package / name).write_text(content)
    main(["doctor", "--preset", "smoke", "--device", "cpu"])
    assert re.search(r"\nenergy +ok +--energy measures that of all processors", capsys.readouterr().out)


def test_doctor_does_not_guess_how_long_cases_take_that_nobody_measured(capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("vitcnn.durations.known.REFERENCE", tmp_path / "reference.json")
    (tmp_path / "reference.json").write_text("{}")
    main(["doctor", "--preset", "smoke", "--device", "cpu", "--suite", str(ROOT / "benchmarks")])
    assert NOTHING_KNOWN in " ".join(capsys.readouterr().out.split())


def test_doctor_is_red_where_data_and_weights_are_missing_and_says_what_to_do(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert main(["doctor", "--preset", "full", "--device", "cpu"]) == 1
    out = capsys.readouterr().out
    on_cifar = sum(getattr(case, "task", "") == "cifar10" for case in cases_in(ROOT / "benchmarks"))
    assert on_cifar > 0
    assert f"{on_cifar} skipped: cifar10 is not under" in out
    assert "run `vitcnn fetch cifar10` where there is a network" in out
    each_once = "Run `vitcnn fetch cifar10 mnist fashion_mnist` where there is a network"
    assert each_once in " ".join(out.split()), "sums and anchors of MNIST's digits are made from the files of mnist"
    [names] = re.findall("Run `vitcnn fetch --weights (.*?)` where there is a network", " ".join(out.split()))
    assert {"vit_base", "resnet50", "efficientnet_b0"} <= set(names.split())


def test_doctor_finds_weights_in_the_hubs_cache(capsys, monkeypatch, tmp_path):
    folder = tmp_path / "models--timm--resnet50.a1_in1k"
    (folder / "refs").mkdir(parents=True)
    (folder / "refs" / "main").write_text("0" * 40)
    (folder / "snapshots" / ("0" * 40)).mkdir(parents=True)
    (folder / "snapshots" / ("0" * 40) / "model.safetensors").touch()
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    main(["doctor", "--preset", "smoke", "--device", "cpu"])
    assert re.search(r"hub weights +ok +here: resnet50, of 13", capsys.readouterr().out)


def test_fetch_of_weights_checks_and_names_them(capsys, monkeypatch, tmp_path):
    import timm
    from hub_builders import put_into_cache
    from safetensors.torch import save

    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    content = save(timm.create_model("test_resnet").state_dict())
    blob = put_into_cache(tmp_path, "test_resnet.r160_in1k", content).resolve()
    assert main(["fetch", "--weights", "timm/test_resnet"]) == 0
    size = f"{len(content) / 1e6:,.0f} MB"
    said = f"timm/test_resnet: timm/test_resnet.r160_in1k, {size}, SHA-256 {blob.name}\n"
    assert capsys.readouterr().out == said


def test_weights_that_cannot_be_fetched_are_a_line_each_and_status_1(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    assert main(["fetch", "--weights", "vit_base", "resnet50"]) == 1
    first, second = capsys.readouterr().err.splitlines()
    assert first.startswith("vitcnn: weights of vit_base cannot be downloaded: timm/vit_base_patch16_224.augreg2_in21k")
    assert first.endswith("--weights vit_base` where there is a network, and copy the hub's cache ($HF_HOME)")
    assert second.startswith("vitcnn: weights of resnet50 cannot be downloaded: timm/resnet50")


def test_doctor_is_red_without_a_compiler(capsys, monkeypatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("CXX", raising=False)
    assert main(["doctor", "--preset", "smoke", "--device", "cpu"]) == 1
    out = capsys.readouterr().out
    assert "1 skipped: torch.compile needs a C++ compiler" in out
    assert "problem  no C++ compiler" in out


def test_fetch_makes_or_reads_what_needs_no_download(capsys, tmp_path):
    assert main(["fetch", "digits"]) == 0
    out = capsys.readouterr().out
    assert out.splitlines() == [
        "digits: 1,442 training and 355 test images of 1x28x28, 10 classes",
        f"Data root: {tmp_path / 'data'}",
    ]


def test_warnings_of_the_package_are_shown_without_its_code(monkeypatch):
    ours, theirs = image_folder.__file__, numpy.__file__

    def shown():
        return [
            warnings.formatwarning("mind this", category, file, 7)
            for category, file in ((UserWarning, ours), (UserWarning, theirs), (RuntimeWarning, ours))
        ]

    found = []
    monkeypatch.setattr("vitcnn.commands.fetch._data", lambda *_asked: found.extend(shown()))
    usual = shown()
    assert main(["fetch", "digits"]) == 0
    assert found == ["vitcnn: mind this\n", *usual[1:]]
    assert shown() == usual
    assert usual[0].startswith(f"{ours}:7: UserWarning: mind this\n")


def test_fetch_counts_sequences(capsys):
    assert main(["fetch", "digit_sum_digits", "digit_anchor_published_digits"]) == 0
    anchored = "sequences of an anchor and up to 10 images of 1x28x28"
    assert capsys.readouterr().out.splitlines()[:2] == [
        "digit_sum_digits: 1,442 training and 355 test sequences of up to 10 images of 1x28x28",
        f"digit_anchor_published_digits: 1,431 training and 344 test {anchored}",
    ]


def test_fetch_refuses_a_data_root_that_cannot_keep_anything(capsys, tmp_path):
    (tmp_path / "file").touch()
    assert main(["fetch", "digits", "--data-root", str(tmp_path / "file" / "data")]) == 2
    assert "data' cannot be used. Allowed: a folder that can be written to" in capsys.readouterr().err


@pytest.mark.parametrize("columns", [110, 150])
def test_tables_take_the_width_of_the_terminal(capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    main(["list", "tasks", "--sources"])
    *table, _data_root = capsys.readouterr().out.splitlines()
    assert columns - 40 < max(map(len, table)) <= columns


def test_what_cannot_be_fetched_is_named_and_the_rest_is_fetched(capsys, monkeypatch):
    def no_network(task, _data_root, _progress):
        if task.name == "mnist":
            raise MissingData(task.name, f"{task.name}: no network: run `vitcnn fetch {task.name}` where there is one")

    monkeypatch.setattr("vitcnn.tasks.download.fetch", no_network)
    assert main(["fetch", "mnist", "digits"]) == 1
    said = capsys.readouterr()
    assert said.err == "vitcnn: mnist: no network: run `vitcnn fetch mnist` where there is one\n"
    assert said.out.startswith("digits: 1,442 training and 355 test images")


def test_an_interrupted_fetch_says_that_it_can_go_on(capsys, monkeypatch):
    def interrupted(_task, _data_root, _progress):
        raise KeyboardInterrupt

    monkeypatch.setattr("vitcnn.tasks.download.fetch", interrupted)
    assert main(["fetch", "mnist"]) == 130
    assert capsys.readouterr().err == "vitcnn: interrupted\n"


@pytest.mark.parametrize(
    "arguments, message",
    [
        (["fetch", "mnst"], "vitcnn: task: 'mnst' cannot be used. Allowed: .*Did you mean mnist"),
        (["doctor", "--device", "tpu"], "vitcnn: --device: 'tpu' cannot be used"),
        (
            ["list", "cases", "--suite", "docs"],
            "vitcnn: --suite: 'docs' cannot be used.*Run this in the project's root",
        ),
        (["list", "tasks", "--data-root", "README.md"], "vitcnn: --data-root: .*README.md' cannot be used"),
    ],
)
def test_what_cannot_be_used_is_one_line_and_status_2(capsys, arguments, message):
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert re.match(message, error)


@pytest.mark.parametrize("command", ["baseline record", "noise", "compare HEAD HEAD"])
@pytest.mark.parametrize("argument", ["--gate", "--gate=strict", "--out=x", "-n2", "-n", "--collect-only", "--resume"])
def test_what_the_runs_of_a_command_cannot_have_is_refused_before_any_begins(capsys, command, argument):
    assert main([*command.split(), "--", "-k", "a", argument]) == 2
    assert capsys.readouterr().err.startswith(f"vitcnn: --: '{argument}' cannot be used. Allowed: ")


def test_run_passes_all_that_follows_to_pytest_and_returns_its_status(monkeypatch):
    called = []
    monkeypatch.setattr(pytest, "main", lambda arguments: called.append(arguments) or 5)
    monkeypatch.setattr("vitcnn.processes.session.session_arguments", lambda *given: list(given[:2]))
    assert main(["run", "-k", "latency", "--preset=smoke", "--", "x"]) == 5
    assert called == [[Path("benchmarks"), ["-k", "latency", "--preset=smoke", "--", "x"]]]


@pytest.mark.parametrize("arguments", [[], ["list"], ["list", "dogs"], ["fetch"], ["doctor", "--preset", "huge"]])
def test_usage_errors_are_status_2(capsys, arguments):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: vitcnn" in capsys.readouterr().err


def test_a_benchmark_file_that_does_not_import_is_named(capsys, tmp_path):
    (tmp_path / "test_broken.py").write_text("import nothing_of_that_name\n")
    assert main(["list", "cases", "--suite", str(tmp_path)]) == 2
    assert "test_broken.py' cannot be used" in capsys.readouterr().err
