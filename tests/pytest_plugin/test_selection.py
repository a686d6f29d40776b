"""Which cases a run collects, and which of them it skips, without a session."""

from dataclasses import replace
from types import SimpleNamespace

import pytest
from plugin_items import copied

from vitcnn import AccuracyCase, AdaptationCase, DefectsCase, LatencyCase, SequenceCase, SequenceLatencyCase
from vitcnn.architectures import architecture, architectures
from vitcnn.errors import UnknownName, UserError
from vitcnn.pytest_plugin.selection import (
    is_costly_control,
    kinds_given,
    of_architecture,
    of_task,
    on_task,
    require_known_names,
    select,
    suits,
    trained_as,
)
from vitcnn.tasks import Tasks

LENET = AccuracyCase(architecture="lenet", task="digits", recipe="digits_cnn")
MICRO = AccuracyCase(architecture="vit_micro", task="digits", recipe="digits_vit")
FAST = LatencyCase(architecture="lenet", px=28, batch=1)
FULL_CASE = AdaptationCase(architecture="lenet", task="digits", recipe="transfer_full_cnn", adaptation="full")
SUM = SequenceCase(architecture="sum_transformer", task="digit_sum_digits", recipe="sequences_vit")


@pytest.fixture
def tasks(tmp_path):
    return Tasks(tmp_path)


def options(tmp_path, *, asked=(), **given):
    none = {"preset": "smoke", "architectures": (), "recipes": (), "num_seeds": 0, "weights": ""}
    return SimpleNamespace(**{**none, "tasks": Tasks(tmp_path, asked=asked), **given})


def selected(cases, asked):
    return [parameter.id for parameter in select(cases, asked)]


def reasons(cases, asked):
    return {parameter.id: [mark.kwargs["reason"] for mark in parameter.marks] for parameter in select(cases, asked)}


def test_without_options_the_cases_of_the_preset_are_collected_as_they_are(tmp_path):
    large = replace(FAST, batch=8, preset="standard")
    found = select([MICRO, large, LENET], options(tmp_path))
    assert [(parameter.values, parameter.id, parameter.marks) for parameter in found] == [
        ((MICRO,), str(MICRO), []),
        ((LENET,), str(LENET), []),
    ]
    assert selected([FAST, large], options(tmp_path, preset="standard")) == [str(FAST), str(large)]


def test_architectures_come_in_the_order_in_which_they_are_asked_for(tmp_path):
    asked = options(tmp_path, architectures=("vit_micro", "lenet"))
    assert selected([LENET, FAST, MICRO], asked) == [str(MICRO), str(LENET), str(FAST)]


def test_cases_without_a_task_are_collected_once_however_many_tasks_are_asked_for(tmp_path):
    asked = options(tmp_path, asked=("glyphs", "digits"))
    assert selected([LENET, FAST], asked) == [
        "accuracy/lenet/glyphs/glyphs_cnn/fp32/eager",
        str(FAST),
        str(LENET),
    ]


def test_recipes_seeds_and_weights_apply_to_what_architectures_and_tasks_left(tmp_path):
    asked = options(tmp_path, asked=("glyphs",), recipes=("digits_vit",), num_seeds=5, architectures=("lenet",))
    assert selected([LENET, MICRO], asked) == ["accuracy/lenet/glyphs/digits_vit/s5/fp32/eager"]
    assert selected([FULL_CASE], options(tmp_path, weights="random")) == [
        "adaptation/lenet/digits/transfer_full_cnn,weights=random/fp32/eager"
    ]


@pytest.mark.parametrize(
    "case, field",
    [
        (replace(FAST, architecture="lenett"), "architecture"),
        (replace(LENET, task="digit"), "task"),
        (replace(LENET, recipe="digits_cn"), "recipe"),
        (replace(LENET, recipe="digits_cnn,epochs=3,weights=digitz"), "weights of digits_cnn"),
    ],
)
def test_a_name_that_nobody_knows_ends_the_collection_whatever_is_asked_for(tmp_path, tasks, case, field):
    for find in (lambda: require_known_names(case, tasks), lambda: select([MICRO, case], options(tmp_path))):
        with pytest.raises(UnknownName) as refused:
            find()
        assert refused.value.field == field


@pytest.mark.parametrize(
    "case, field, option",
    [
        (replace(FAST, architecture="nets.py:PLAIN"), "architecture", "--arch nets.py:PLAIN"),
        (replace(LENET, task="folder:photos"), "task", "--task folder:photos"),
        (replace(LENET, recipe="mine.py:SLOW,epochs=3"), "recipe", "--recipe mine.py:SLOW,epochs=3"),
    ],
)
def test_a_file_in_cases_is_refused_with_the_option_that_names_it(tmp_path, case, field, option):
    with pytest.raises(UserError, match=rf"^{field}: .* a name of `vitcnn list {field}s`") as refused:
        select([case], options(tmp_path))
    assert f"Write such a name there and run pytest with {option}, which takes its place." in str(refused.value)
    assert "FILE.py:NAME" not in str(refused.value)


def test_a_case_whose_architecture_does_not_take_its_input_ends_the_collection(tmp_path):
    with pytest.raises(UserError, match="architectures that take an image"):
        select([LENET, replace(LENET, architecture="sum_fc")], options(tmp_path))


def test_what_is_put_into_a_place_that_it_does_not_fit_is_skipped_and_says_why(tmp_path):
    found = reasons([MICRO, FULL_CASE], options(tmp_path, recipes=(",weights=shapes",)))
    reason = "images of digits have 1 channel and those of shapes 3: name others, such as --weights glyphs62"
    assert found == {
        "accuracy/vit_micro/digits/digits_vit,weights=shapes/fp32/eager": [reason],
        "adaptation/lenet/digits/transfer_full_cnn,weights=shapes/fp32/eager": [reason],
    }


def test_a_place_of_a_size_that_an_architecture_does_not_take_is_skipped_and_says_why(tmp_path, monkeypatch):
    small = replace(architecture("lenet"), name="only_small", takes=None, resolutions={28: 28})
    monkeypatch.setitem(architectures(), "only_small", small)
    wide = LatencyCase(architecture="vit_tiny", px=512, batch=1)
    ((name, (reason,)),) = reasons([wide], options(tmp_path, architectures=("only_small",))).items()
    assert name == "latency/only_small/512/b1/fp32/eager"
    assert reason.startswith("only_small takes 28 px, not 512 px: ")


def test_a_case_that_itself_names_what_does_not_fit_is_not_skipped_so_that_measuring_refuses_it(tmp_path):
    strange = replace(FULL_CASE, recipe="transfer_full_cnn,weights=shapes")
    assert reasons([strange], options(tmp_path)) == {str(strange): []}


def test_what_fits_its_place_is_not_skipped(tmp_path):
    assert reasons([LENET], options(tmp_path, architectures=("vit_micro",))) == {str(MICRO): []}


def test_an_architecture_that_cases_name_takes_no_other_places(tasks):
    larger = LatencyCase(architecture="vit_micro", px=28, batch=8)
    assert of_architecture([LENET, MICRO, FAST, larger], copied("lenet"), tasks) == [LENET, FAST]


def test_an_architecture_that_no_case_names_takes_the_places_of_all_once_by_its_own_recipes(tasks):
    assert of_architecture([LENET, MICRO, FAST], "resnet18", tasks) == [
        replace(LENET, architecture="resnet18", recipe="digits_deep_cnn"),
        replace(FAST, architecture="resnet18"),
    ]


def test_an_architecture_takes_the_places_of_its_input_alone(tasks):
    anchored = SequenceLatencyCase(architecture="anchor_fc", px=28, batch=1, length=10, anchored=True)
    plain = replace(anchored, architecture="sum_fc", anchored=False)
    cases = [LENET, SUM, FAST, anchored, plain]
    assert [str(case) for case in of_architecture(cases, "sum_of_digits", tasks)] == [
        "sequences/sum_of_digits/digit_sum_digits/sequences_cnn/fp32/eager",
        "sequence_latency/sum_of_digits/28/b1/n10/fp32/eager",
    ]
    assert [str(case) for case in of_architecture(cases, "anchor_matching", tasks)] == [
        "sequence_latency/anchor_matching/28/b1/anchor+n10/fp32/eager"
    ]
    assert [case.question for case in of_architecture(cases, "vit_micro", tasks)] == ["accuracy", "latency"]


def test_what_an_input_may_be_is_said_by_the_task_or_else_by_the_question(tasks):
    assert kinds_given(SUM, tasks) == ("sequence of images",)
    assert kinds_given(replace(SUM, task="digit_anchor_digits"), tasks) == ("anchor and sequence of images",)
    assert kinds_given(FAST, tasks) == ("image",)


def test_of_cases_on_several_tasks_those_on_one_stay_and_so_do_those_without_a_task(tasks):
    on_glyphs = replace(LENET, task=copied("glyphs"), recipe="glyphs_cnn")
    zipped = replace(LENET, task="shapes", recipe="photos_cnn")
    cases = [LENET, on_glyphs, FAST, zipped, replace(MICRO, task="shapes")]
    assert of_task(cases, tasks.task("glyphs")) == [on_glyphs, FAST]
    assert of_task(cases, tasks.task("digits")) == [LENET, FAST]


def test_a_task_that_no_case_names_takes_the_places_of_all_that_it_suits_once(tasks):
    cases = [LENET, replace(LENET, task="shapes", recipe="photos_cnn"), FAST, SUM]
    assert of_task(cases, tasks.task("glyphs")) == [replace(LENET, task="glyphs", recipe="glyphs_cnn"), FAST]
    assert of_task(cases, tasks.task("digit_sum_glyphs")) == [
        FAST,
        replace(SUM, task="digit_sum_glyphs", recipe="many_sequences_vit"),
    ]


@pytest.mark.parametrize("task, expected", [("digit_sum_glyphs", True), ("digit_anchor_digits", False)])
def test_a_question_about_every_kind_of_sequence_suits_the_kind_that_its_architecture_takes(tasks, task, expected):
    assert suits(SUM, tasks.task(task)) is expected


@pytest.mark.parametrize("task, expected", [("glyphs", True), ("digit_sum_digits", False)])
def test_a_question_about_images_suits_tasks_of_images(tasks, task, expected):
    assert suits(LENET, tasks.task(task)) is expected


def test_a_question_suits_only_tasks_that_have_what_it_needs(tasks):
    case = DefectsCase(architecture="resnet18", task="defects", recipe="photos_deep_cnn", num_train=100)
    assert [name for name in ("defects512", "digits") if suits(case, tasks.task(name))] == ["defects512"]


def test_an_architecture_must_take_the_kind_of_a_task_that_the_question_takes(tasks):
    assert not suits(replace(SUM, architecture="anchor_fc"), tasks.task("digit_sum_digits"))
    assert not suits(replace(LENET, architecture="sum_fc"), tasks.task("digit_sum_digits"))


def test_recipes_that_are_not_asked_for_stay_and_so_do_seeds():
    five = replace(LENET, num_seeds=5)
    assert trained_as([five, FAST, FULL_CASE]) == [five, FAST, FULL_CASE]
    assert trained_as([five, FAST], num_seeds=2) == [replace(LENET, num_seeds=2), FAST]
    assert trained_as([LENET, MICRO], ["digits_cnn"]) == [LENET, replace(MICRO, recipe="digits_cnn")]


def test_cases_that_become_the_same_are_collected_once():
    assert trained_as([LENET, replace(LENET, recipe="digits_vit")], ["digits_cnn"]) == [LENET]


def test_changes_behind_a_comma_are_made_to_each_cases_own_recipe():
    found = trained_as([LENET, MICRO], [",epochs=3", "glyphs_cnn"])
    assert [case.recipe for case in found] == ["digits_cnn,epochs=3", "glyphs_cnn", "digits_vit,epochs=3", "glyphs_cnn"]


def test_weights_replace_those_of_pretrained_recipes_alone():
    at_random, of_shapes = (replace(FULL_CASE, recipe=f"study_b,weights={name}") for name in ("random", "shapes"))
    assert [case.recipe for case in trained_as([LENET, FULL_CASE, of_shapes, at_random], weights="digits")] == [
        "digits_cnn",
        "transfer_full_cnn,weights=digits",
        "study_b,weights=digits",
        "study_b,weights=random",
    ]


def test_on_another_task_a_case_trains_by_the_recipe_that_suits_its_architecture(tasks):
    moved = on_task(replace(MICRO, num_seeds=5, recipe="digits_cnn,epochs=3"), tasks.task("shapes"))
    assert moved == replace(MICRO, num_seeds=5, task="shapes", recipe="photos_vit")


def test_an_architecture_that_takes_a_place_keeps_what_the_case_changes_of_its_recipe(tasks):
    [placed] = of_architecture([replace(MICRO, recipe="digits_vit,epochs=3,batch=32")], "resnet18", tasks)
    assert placed.recipe == "digits_deep_cnn,epochs=3,batch=32"


@pytest.mark.parametrize(
    "before, after",
    [
        ("transfer_full_cnn", "transfer_full_deep_cnn"),
        ("transfer_full_vit,epochs=2,batch=64", "transfer_full_deep_cnn,epochs=2,batch=64"),
        ("study_b", "study_b"),
        ("study_b,epochs=2", "study_b,epochs=2"),
    ],
)
def test_an_adaptation_keeps_its_set_of_recipes_its_changes_and_its_few_images(tasks, before, after):
    case = replace(FULL_CASE, architecture="resnet18", recipe=before, num_train=100)
    assert on_task(case, tasks.task("glyphs")) == replace(case, task="glyphs", recipe=after)


def test_on_a_users_own_images_an_adaptation_trains_on_all_of_them(tasks):
    own = replace(tasks.task("digits"), name="folder:mine")
    moved = on_task(replace(FULL_CASE, num_train=100), own)
    assert (moved.task, moved.num_train) == ("folder:mine", None)


@pytest.mark.parametrize(
    "recipe, expected",
    [
        ("transfer_full_deep_cnn,weights=random", True),
        ("transfer_full_deep_cnn", False),
        ("transfer_full_cnn,weights=random", False),
    ],
)
def test_a_deep_model_that_would_train_from_random_weights_takes_no_others_place(tasks, recipe, expected):
    control = replace(FULL_CASE, architecture="resnet18", recipe=recipe)
    assert is_costly_control(control) is expected
    placed = of_architecture([control], "resnet50", tasks)
    assert len(placed) == (0 if "weights=random" in recipe else 1)


def test_only_an_adaptation_is_a_control():
    assert not is_costly_control(replace(LENET, recipe="digits_deep_cnn"))
    assert not is_costly_control(FAST)
