"""Data of a run: the user's own folder, data that cannot be had, data that are damaged."""

import pytest
from PIL import Image
from sklearn.datasets import load_sample_image

NO_NETWORK = """
    from dataclasses import replace

    from vitcnn.tasks import tasks

    pytest_plugins = ["vitcnn.pytest_plugin"]
    mnist = tasks()["mnist"]
    nowhere = tuple(replace(file, urls=("http://127.0.0.1:9/",)) for file in mnist.files)
"""
ON_MNIST = """
    from vitcnn import AccuracyCase, LatencyCase

    CASES = (
        *(AccuracyCase(architecture="lenet", task="mnist", recipe="glyphs_cnn", num_seeds=n) for n in (2, 3)),
        LatencyCase(architecture="lenet", px=28, batch=1),
    )


    def test_case(case, measure):
        measure(case)
"""
ON_DIGITS = """
    from vitcnn import AccuracyCase

    CASES = (
        AccuracyCase(architecture="lenet", task="digits", recipe="digits_cnn"),
        AccuracyCase(architecture="vit_micro", task="digits", recipe="digits_vit"),
    )


    def test_accuracy(case, measure):
        measure(case)
"""


@pytest.fixture(scope="module")
def photographs(tmp_path_factory):
    """Pieces of the two photographs that ship with scikit-learn, 32 of each, as a user would keep them."""
    folder = tmp_path_factory.mktemp("data") / "my photos"
    for name in ("china", "flower"):
        (folder / name).mkdir(parents=True)
        photograph = Image.fromarray(load_sample_image(f"{name}.jpg"))
        for number in range(32):
            left, top = 40 * (number % 8), 40 * (number // 8)
            photograph.crop((left, top, left + 300, top + 240)).save(folder / name / f"{number}.jpg")
    (folder / "china" / "broken.jpg").write_bytes(b"\xff\xd8\xff not a photograph")
    return folder


def test_a_folder_of_photographs_is_compared_on_and_its_content_recorded(suite, photographs, tmp_path):
    suite.write("test_accuracy.py", ON_DIGITS)
    result = suite.run(f"--task=folder:{photographs}", f"--data-root={tmp_path}", models=True)
    assert result.exit_code == 0, result.out
    assert result.outcomes == {
        "accuracy/lenet/folder:my-photos/photos_cnn/fp32/eager": "passed",
        "accuracy/vit_micro/folder:my-photos/photos_vit/fp32/eager": "passed",
    }
    for record in result.run.records:
        assert record.settings["task"] == "folder:my-photos"
        assert record.settings["classes"] == ["china", "flower"]
        assert record.settings["num_unreadable_images"] == 1
        assert record.settings["unreadable_images"] == ["china/broken.jpg"]
        assert (record.settings["num_train_images"], record.settings["num_test_images"]) == (52, 12)
        assert len(record.settings["data_sha256"]) == len(record.settings["content_sha256"]) == 64
        assert min(record.samples("test_accuracy")) > 0.5, "sky and roofs against petals"
    assert "broken.jpg" in result.out
    assert "accuracy on folder:my-photos: too few test images (12) to tell" in " ".join(result.out.split())
    assert str(photographs) not in result.run_json.read_text(), "a record travels: it names no place on this machine"


CANNOT_BE_HAD = """
    from vitcnn import AccuracyCase, DataEfficiencyCase, LatencyCase

    CASES = (
        *(AccuracyCase(architecture="lenet", task="mnist", recipe="glyphs_cnn", num_seeds=n) for n in (2, 3)),
        AccuracyCase(architecture="lenet", task="fashion_mnist", recipe="glyphs_cnn"),
        DataEfficiencyCase(architecture="lenet", task="digits", recipe="digits_cnn", num_train=5_000),
        LatencyCase(architecture="lenet", px=28, batch=1),
    )


    def test_case(case, measure):
        measure(case)
"""


def test_what_cannot_be_had_is_skipped_with_the_way_out_what_is_damaged_is_red_and_the_rest_goes_on(suite, tmp_path):
    suite.write("conftest.py", NO_NETWORK + '    object.__setattr__(mnist, "files", nowhere)\n')
    suite.write("test_cases.py", CANNOT_BE_HAD)
    raw = tmp_path / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    for part in ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1"):
        (raw / f"{part}-ubyte").write_bytes(b"\0\0\x08\x03")
    result = suite.run(f"--data-root={tmp_path}", models=True)
    assert result.exit_code == pytest.ExitCode.TESTS_FAILED, result.out
    assert list(result.outcomes.values()) == ["skipped", "skipped", "failed", "skipped", "passed"]
    *missing, damaged, too_few, _ = result.run.cases
    for case in missing:
        assert f"is not under {tmp_path} and cannot be downloaded" in case.reason
        assert "run `vitcnn fetch mnist` where there is a network" in case.reason
    assert "train-images-idx3-ubyte' cannot be used" in damaged.reason
    assert "Run `vitcnn fetch fashion_mnist` to download it again" in damaged.reason
    assert "digits has 1,442 training images, the case is on 5,000 of them" in too_few.reason


def test_data_asked_for_that_cannot_be_had_are_red(suite, tmp_path):
    suite.write("conftest.py", NO_NETWORK + '    object.__setattr__(mnist, "files", nowhere)\n')
    suite.write("test_mnist.py", ON_MNIST)
    result = suite.run(f"--data-root={tmp_path}", "--task=mnist", models=True)
    assert result.exit_code == pytest.ExitCode.TESTS_FAILED, result.out
    assert list(result.outcomes.values()) == ["failed", "failed", "passed"]
    assert "vitcnn fetch mnist" in result.run.cases[0].reason
    assert "During handling of" not in result.out


def test_a_comma_belongs_to_a_folders_path(suite, photographs, tmp_path):
    (tmp_path / "mine, yours").symlink_to(photographs)
    suite.write("test_accuracy.py", ON_DIGITS)
    assert suite.collect(f"--task=folder:{tmp_path / 'mine, yours'}", "--arch=lenet") == [
        "accuracy/lenet/folder:my-photos/photos_cnn/fp32/eager"
    ]
