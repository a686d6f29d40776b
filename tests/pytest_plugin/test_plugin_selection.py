"""Which cases a run collects: by --preset, --arch and --task. Collecting imports no torch."""

from pathlib import Path

import pytest

from vitcnn import AccuracyCase, AdaptationCase, LatencyCase
from vitcnn.pytest_plugin.selection import of_task, trained_as
from vitcnn.recipes import ask_for, recipe
from vitcnn.tasks import Tasks

CASES = """
    from vitcnn import AccuracyCase, LatencyCase, TiledCase

    CASES = (
        AccuracyCase(architecture="lenet", task="digits", recipe="digits_cnn"),
        LatencyCase(architecture="resnet18", px=28, batch=1),
        LatencyCase(architecture="vit_tiny", px=28, batch=1),
        LatencyCase(architecture="resnet18", px=224, batch=1, precision="bf16", preset="standard"),
        LatencyCase(architecture="vit_tiny", px=224, batch=1, precision="bf16", preset="full"),
    )


    def test_case(case, measure):
        measure(case)
"""
SMOKE = [
    "accuracy/lenet/digits/digits_cnn/fp32/eager",
    "latency/resnet18/28/b1/fp32/eager",
    "latency/vit_tiny/28/b1/fp32/eager",
]
STANDARD = "latency/resnet18/224/b1/bf16/eager"
FULL = "latency/vit_tiny/224/b1/bf16/eager"

NO_TORCH = """
    import sys

    pytest_plugins = ["vitcnn.pytest_plugin"]


    def pytest_unconfigure():
        heavy = {"torch", "torchvision", "timm", "peft"} & sys.modules.keys()
        print("HEAVY:", sorted(heavy))
"""


def test_in_the_place_of_another_an_architecture_trains_once_by_the_recipe_that_suits_it(suite):
    suite.write(
        "test_accuracy.py",
        """
        from vitcnn import AccuracyCase

        CASES = (
            AccuracyCase(architecture="lenet", task="digits", recipe="digits_cnn"),
            AccuracyCase(architecture="vit_micro", task="digits", recipe="digits_vit"),
        )

        def test_accuracy(case, measure): pass
        """,
    )
    assert suite.collect("--arch=coatnet_0,resnet50,vit_micro") == [
        "accuracy/coatnet_0/digits/digits_deep_vit/fp32/eager",
        "accuracy/resnet50/digits/digits_deep_cnn/fp32/eager",
        "accuracy/vit_micro/digits/digits_vit/fp32/eager",
    ]


CORRUPTED_AND_FEW = """
    from vitcnn import DataEfficiencyCase, RobustnessCase

    CASES = (
        *(RobustnessCase(architecture=name, task="digits", recipe="digits_cnn") for name in ("lenet", "resnet18")),
        *(
            DataEfficiencyCase(architecture="lenet", task="digits", recipe="digits_cnn", num_train=count)
            for count in (100, 5_000)
        ),
    )

    def test_case(case, measure): measure(case)
"""


def test_questions_on_accuracy_follow_arch_and_task_with_the_recipe_that_suits(suite):
    suite.write("test_cases.py", CORRUPTED_AND_FEW)
    assert suite.collect("--arch=vit_micro", "--task=shapes", "-k", "data_efficiency") == [
        f"data_efficiency/vit_micro/shapes/photos_vit/n{count}/fp32/eager" for count in (100, 5_000)
    ]
    assert suite.collect("--task=glyphs", "-k", "robustness") == [
        "robustness/lenet/glyphs/glyphs_cnn/fp32/eager",
        "robustness/resnet18/glyphs/glyphs_deep_cnn/fp32/eager",
    ]


@pytest.mark.parametrize("asked", ["digits", "glyphs", "shapes"])
def test_of_cases_on_several_tasks_those_on_the_one_that_is_asked_for_are_collected(asked):
    cases = {
        task: AccuracyCase(architecture="lenet", task=task, recipe="digits_cnn")
        for task in ("digits", "glyphs", "shapes")
    }
    assert of_task([*cases.values()], Tasks(Path("data")).task(asked)) == [cases[asked]]


ONLY_SMALL = """
    from dataclasses import replace

    from vitcnn.architectures import architectures
    from vitcnn.architectures.cnn import LENET

    pytest_plugins = ["vitcnn.pytest_plugin"]
    architectures()["only_small"] = replace(LENET, name="only_small", takes=None, resolutions={28: 28, 32: 32})
"""


@pytest.fixture(scope="module")
def cases(new_suite):
    return new_suite({"conftest.py": NO_TORCH, "test_cases.py": CASES})


@pytest.mark.parametrize(
    "options, expected",
    [
        ("--device=cpu", SMOKE),
        ("--preset=smoke", SMOKE),
        ("--preset=standard", [*SMOKE, STANDARD]),
        ("--preset=full", [*SMOKE, STANDARD, FULL]),
        ("--arch=lenet", SMOKE[:1]),
        ("--arch=resnet18 --preset=full", [SMOKE[1], STANDARD]),
        ("--arch=vit_tiny,lenet", [SMOKE[2], SMOKE[0]]),
        ("--arch=vit_tiny --arch=lenet", [SMOKE[2], SMOKE[0]]),
        (
            "--arch=vit_micro",
            ["accuracy/vit_micro/digits/digits_vit/fp32/eager", "latency/vit_micro/28/b1/fp32/eager"],
        ),
        ("--task=digits", SMOKE),
    ],
)
def test_what_is_collected(cases, options, expected):
    assert cases.collect(*options.split()) == expected


def test_collecting_imports_no_torch_and_leaves_no_run(cases):
    result = cases.run("--collect-only", "-q")
    assert "HEAVY: []" in result.out
    assert "3 tests collected" in result.out
    assert not result.folder.exists()


def test_an_architecture_that_no_case_names_takes_the_places_of_its_family_or_of_all(suite):
    text = """
        from vitcnn import {kind}

        CASES = tuple({kind}(architecture=name, px=28, batch=batch) for name in {names} for batch in (1, 2))

        def test_case(case, measure): pass
    """
    suite.write("test_both.py", text.format(kind="LatencyCase", names=("resnet18", "vit_tiny")))
    suite.write("test_only_cnn.py", text.format(kind="TrainingCase", names=("resnet18",)))
    for name in ("lenet", "vit_micro"):
        assert suite.collect(f"--arch={name}") == [
            f"{question}/{name}/28/b{batch}/fp32/eager" for question in ("latency", "training") for batch in (1, 2)
        ]


def test_a_resolution_that_an_architecture_does_not_take_is_skipped_with_the_reason(suite):
    suite.write("conftest.py", ONLY_SMALL)
    suite.write(
        "test_tiled.py",
        """
        from vitcnn import TiledCase

        CASES = (TiledCase(architecture="resnet18", batch=5), TiledCase(architecture="vit_tiny", batch=5))

        def test_tiled(case, measure): raise AssertionError("must not run")
        """,
    )
    result = suite.run("--arch=only_small")
    assert result.exit_code == 0, result.out
    (ended,) = result.run.cases
    assert ended.id == "tiled/only_small/3840x2160/t512/o10/b5/fp32/eager"
    assert ended.outcome == "skipped"
    assert ended.reason.startswith("only_small takes 28, 32 px, not 512 px: ")
    assert ended.reason.endswith(". Name another architecture for it")


def test_a_case_that_gives_an_architecture_what_it_does_not_take_is_refused(suite):
    suite.write("conftest.py", ONLY_SMALL)
    suite.write(
        "test_wrong.py",
        """
        from vitcnn import LatencyCase

        CASES = (LatencyCase(architecture="only_small", px=64, batch=1),)

        def test_it(case, measure): ...
        """,
    )
    result = suite.run()
    assert result.exit_code == pytest.ExitCode.INTERRUPTED, result.out
    assert (
        "px: 64 cannot be used. Allowed: what only_small takes, 28, 32 px. Correct latency/only_small/64" in result.out
    )


def test_files_whose_cases_belong_to_a_larger_preset_collect_nothing(suite):
    """pytest makes one `NOTSET` item of an empty list: it is no case, and two of them are no clash of ids."""
    text = """
        from vitcnn import LatencyCase

        CASES = (LatencyCase(architecture="lenet", px=28, batch={batch}, preset="standard"),)

        def test_latency(case, measure): raise AssertionError("must not run")
    """
    for batch in (1, 2):
        suite.write(f"test_{batch}.py", text.format(batch=batch))
    suite.write("test_small.py", "def test_small(measure): measure.time(lambda: sum(range(1000)))")
    result = suite.run("--preset=smoke")
    assert result.exit_code == 0, result.out
    assert result.outcomes == {"test_small": "passed"}
    assert "collected 1 item\n" in result.out


def test_a_case_of_an_unknown_architecture_names_the_nearest(suite):
    suite.write("test_cases.py", CASES.replace('"lenet"', '"lenett"'))
    result = suite.run()
    assert result.exit_code == pytest.ExitCode.INTERRUPTED
    assert "architecture: 'lenett' cannot be used" in result.out
    assert "Did you mean lenet" in result.out


def test_the_task_fixture_beside_a_case_without_a_task_says_so(suite):
    suite.write("test_cases.py", CASES.replace("(case, measure)", "(case, measure, task)"))
    result = suite.run("--arch=resnet18")
    (ended,) = result.run.cases
    assert ended.outcome == "failed"
    assert "task: 'latency/resnet18/28/b1/fp32/eager' cannot be used" in ended.reason


def test_each_case_that_trains_does_so_by_each_recipe_and_with_the_seeds_that_are_asked_for():
    cases = [
        AccuracyCase(architecture="lenet", task="digits", recipe="digits_cnn"),
        AccuracyCase(architecture="lenet", task="digits", recipe="digits_vit"),
        LatencyCase(architecture="lenet", px=28, batch=1),
    ]
    assert trained_as(cases) == cases
    assert [str(case) for case in trained_as(cases, ("digits_cnn", "digits_cnn,epochs=3"), 5)] == [
        "accuracy/lenet/digits/digits_cnn/s5/fp32/eager",
        "accuracy/lenet/digits/digits_cnn,epochs=3/s5/fp32/eager",
        "latency/lenet/28/b1/fp32/eager",
    ]


def test_recipes_that_start_from_weights_start_from_those_that_are_asked_for_and_the_others_at_random(tmp_path):
    cases = [
        AdaptationCase(
            architecture="lenet", task="digits", recipe="transfer_lora_cnn,epochs=2", adaptation="lora4_conv"
        ),
        AccuracyCase(architecture="lenet", task="digits", recipe="digits_cnn"),
    ]
    lora, plain = map(str, trained_as(cases, weights="hub"))
    assert lora == "adaptation/lenet/digits/transfer_lora_cnn,epochs=2,weights=hub/lora4_conv/fp32/eager"
    assert plain == str(cases[1])
    lora, _ = trained_as(cases, weights=f"file:{tmp_path}/a,b.safetensors")
    assert lora.recipe == "transfer_lora_cnn,epochs=2,weights=file:a,b.safetensors"
    assert recipe(lora.recipe).weights == f"file:{tmp_path}/a,b.safetensors"
    assert recipe(lora.recipe).epochs == 2
    ask_for([])


PRETRAINED = """
    from vitcnn import AdaptationCase

    CASES = tuple(
        AdaptationCase(architecture="lenet", task=task, recipe="transfer_head_cnn,weights=shapes", adaptation="head")
        for task in ("shapes", "digits")
    )

    def test_case(case, measure): pass
"""


def test_cases_that_the_weights_asked_for_do_not_fit_are_skipped_and_say_why(suite):
    suite.write("test_cases.py", PRETRAINED)
    result = suite.run("--weights=glyphs62", models=True)
    (name, outcome), (_, other) = sorted(result.outcomes.items())
    assert name == "adaptation/lenet/digits/transfer_head_cnn,weights=glyphs62/head/fp32/eager"
    assert (outcome, other) == ("not_measured", "skipped"), "its test does nothing"
    assert "images of shapes have 3 channels and those of glyphs62 1" in result.out
    assert result.run.selection.weights == "glyphs62"


def test_recipes_and_seeds_are_asked_for_on_the_command_line(suite):
    suite.write("test_cases.py", CASES)
    options = ("--recipe=digits_cnn,epochs=1", "--recipe=digits_vit", "--seeds=1", "--preset=smoke")
    assert suite.collect(*options)[:2] == [
        "accuracy/lenet/digits/digits_cnn,epochs=1/s1/fp32/eager",
        "accuracy/lenet/digits/digits_vit/s1/fp32/eager",
    ]


ADAPTED = """
    from vitcnn import AdaptationCase, LatencyCase

    def adapted(architecture, recipe, adaptation):
        return AdaptationCase(architecture=architecture, task="digits", recipe=recipe, adaptation=adaptation)

    CASES = (
        adapted("vit_micro", "transfer_full_vit,weights=random", "full"),
        adapted("vit_micro", "transfer_head_vit", "head"),
        adapted("vit_micro", "transfer_lora_vit", "lora8_qv"),
        adapted("vit_micro", "transfer_lora_vit", "lora8_linear"),
        adapted("vit_base", "study_b", "lora16_qkv"),
        adapted("lenet", "transfer_lora_cnn", "lora4_conv"),
        LatencyCase(architecture="vit_micro", px=28, batch=1, adaptation="lora4_qv"),
    )

    def test_case(case, measure): raise AssertionError(str(case))
"""
IN_THE_PLACE_OF_ALL = {
    "adaptation/{0}/{1}/transfer_head_deep_{2}/head/fp32/eager",
    "adaptation/{0}/{1}/transfer_lora_deep_{2}/lora8_linear/fp32/eager",
    "adaptation/{0}/{1}/transfer_lora_deep_{2}/lora4_conv/fp32/eager",
}
OF_ATTENTION = {
    "adaptation/{0}/{1}/transfer_lora_deep_{2}/lora8_qv/fp32/eager",
    "adaptation/{0}/{1}/study_b/lora16_qkv/fp32/eager",
    "latency/{0}/28/b1/lora4_qv/fp32/eager",
}


@pytest.mark.parametrize("name, kind, task", [("resnet50", "cnn", "glyphs"), ("coatnet_0", "vit", "digits")])
def test_an_adaptation_keeps_its_set_of_recipes_and_a_recipe_of_no_set(suite, name, kind, task):
    suite.write("test_adapted.py", ADAPTED)
    expected = {text.format(name, task, kind) for text in (*IN_THE_PLACE_OF_ALL, *OF_ATTENTION)}
    assert set(suite.collect(f"--arch={name}", f"--task={task}", models=True)) == expected


def test_changes_alone_are_made_to_each_cases_own_recipe(suite):
    suite.write("test_adapted.py", ADAPTED)
    found = suite.collect("--recipe=epochs=2", "-k", "lenet or head or random", models=True)
    assert set(found) == {
        "adaptation/vit_micro/digits/transfer_full_vit,epochs=2,weights=random/fp32/eager",
        "adaptation/vit_micro/digits/transfer_head_vit,epochs=2/head/fp32/eager",
        "adaptation/lenet/digits/transfer_lora_cnn,epochs=2/lora4_conv/fp32/eager",
    }


MY_IMAGES = """
    import numpy as np

    def data():
        images = np.arange(40 * 28 * 28, dtype=np.uint8).reshape(40, 28, 28)
        return [[(image, i % 2) for i, image in enumerate(images[part::2])] for part in (0, 1)]
"""


def test_on_a_users_own_images_an_adaptation_trains_on_all_of_them(suite):
    suite.write("test_adapted.py", ADAPTED.replace("adaptation=adaptation)", "adaptation=adaptation, num_train=100)"))
    suite.write("mine.py", MY_IMAGES)
    assert "adaptation/lenet/glyphs/transfer_lora_cnn/lora4_conv/n100/fp32/eager" in suite.collect(
        "--task=glyphs", models=True
    )
    of_mine = suite.collect("--task=mine.py:data", models=True)
    assert "adaptation/lenet/mine:data/transfer_lora_cnn/lora4_conv/fp32/eager" in of_mine


def test_on_another_task_alone_an_adaptation_keeps_its_recipe(suite):
    suite.write("test_adapted.py", ADAPTED)
    assert suite.collect("--task=glyphs", "-k", "lora8_linear or qkv", models=True) == [
        "adaptation/vit_micro/glyphs/transfer_lora_vit/lora8_linear/fp32/eager",
        "adaptation/vit_base/glyphs/study_b/lora16_qkv/fp32/eager",
    ]


def test_a_cnn_in_the_place_of_a_vit_is_skipped_where_it_has_no_such_layers(suite):
    suite.write("test_adapted.py", ADAPTED)
    result = suite.run("--arch=resnet50", models=True)
    skipped = {case.id: case.reason for case in result.run.cases if case.outcome == "skipped"}
    of_linear = "adaptation/resnet50/digits/transfer_lora_deep_cnn/lora8_linear/fp32/eager"
    assert set(skipped) == {of_linear, *(text.format("resnet50", "digits", "cnn") for text in OF_ATTENTION)}
    assert skipped["adaptation/resnet50/digits/transfer_lora_deep_cnn/lora8_qv/fp32/eager"] == (
        "resnet50 cannot be adapted by lora8_qv. This model has no layer of qv: choose other targets."
    )


def test_a_case_that_itself_names_attention_of_a_cnn_is_not_skipped(suite):
    suite.write("test_adapted.py", ADAPTED.replace('"vit_base"', '"resnet50"'))
    result = suite.run("--arch=resnet50", models=True)
    assert result.outcomes == {"adaptation/resnet50/digits/study_b/lora16_qkv/fp32/eager": "failed"}
