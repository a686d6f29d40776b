"""A user's own data, from a function in a file: every kind of image and data set, and what each mistake says."""

import re
from textwrap import dedent

import numpy as np
import pytest

from vitcnn.errors import UnknownName, UserError
from vitcnn.spec import InputShape
from vitcnn.tasks import Tasks
from vitcnn.tasks.own import GROUP, own_task

MINE = """
    import numpy as np
    import torch
    from PIL import Image
    from torch.utils.data import TensorDataset

    from vitcnn import Data, InputShape, Split, Task

    DRAWN = np.random.default_rng(0).integers(0, 256, (12, 28, 28), dtype=np.uint8)
    LABELS = [0, 1] * 6


    class Items:
        def __init__(self, images, answers, **known):
            self.images, self.answers = images, answers
            vars(self).update(known)

        def __len__(self):
            return len(self.images)

        def __getitem__(self, number):
            return self.images[number], self.answers[number]


    def two(images, labels=LABELS, **known):
        return Items(images[:8], labels[:8], **known), Items(images[8:], labels[8:], **known)


    def arrays():
        return two(DRAWN)


    def named():
        return two(DRAWN, classes=["cat", "dog"])


    def tensors():
        images = torch.from_numpy(DRAWN)[:, None] / 255
        return TensorDataset(images[:8], torch.tensor(LABELS[:8])), TensorDataset(images[8:], torch.tensor(LABELS[8:]))


    def hugging_face():
        rows = [{"img": Image.fromarray(image), "label": label} for image, label in zip(DRAWN, LABELS)]
        return rows[:8], rows[8:]


    def colours():
        return two(DRAWN.reshape(12, 28, 28, 1).repeat(3, axis=3))


    def photographs():
        sizes = [(300, 200), (224, 224), (100, 500)] * 4
        return two([Image.new("RGB" if n % 2 else "L", size, n) for n, size in enumerate(sizes)], targets=None)


    def twice():
        return two(np.concatenate([DRAWN[:8], DRAWN[6:10]]))


    def is_one():
        return two(DRAWN)[0]

    def raises():
        return {}["key"]

    def empty():
        return [], []

    def streams():
        return iter(DRAWN), iter(DRAWN)

    def normalised():
        return two(DRAWN / 127.5 - 1)

    def odd_shape():
        return two(DRAWN[..., None].repeat(5, axis=3))

    def odd_sizes():
        return two([*DRAWN[:9], DRAWN[9][:20], *DRAWN[10:]])

    def words():
        return two(DRAWN, ["cat", "dog"] * 6)

    def fractions():
        return two(DRAWN, [0.5] * 12)

    def triples():
        return [(1, 2, 3)] * 4, [(1, 2, 3)] * 4

    def other_keys():
        return [{"x": 1, "y": 0}] * 4, [{"x": 1, "y": 0}] * 4

    def too_few_names():
        return two(DRAWN, [0, 1, 2] * 4, classes=["cat", "dog"])

    def never_tested():
        return two(DRAWN, [0, 1, 2, 0, 1, 2, 0, 1, 0, 1, 0, 1])

    def all_of_one_class_twice():
        return two(np.concatenate([DRAWN[:8], DRAWN[[0, 2, 4, 6]]]), [0, 1] * 4 + [0, 0, 0, 1])

    def same():
        return two(DRAWN)[0], two(DRAWN)[0]

    def one_class():
        return two(DRAWN, [0] * 12)

    def gaps():
        return two(DRAWN, [1, 5, 200] * 4)

    class Broken(Items):
        def __getitem__(self, number):
            raise OSError("no such image")

    class Augmented(Items):
        def __getitem__(self, number):
            image, label = super().__getitem__(number)
            return (np.random.default_rng().permutation(image) if number == 1 else image), label

    def augmented():
        return Items(DRAWN[:8], LABELS[:8]), Augmented(DRAWN[8:], LABELS[8:])

    def broken():
        return Broken(DRAWN, LABELS), Broken(DRAWN, LABELS)


    def task_of(images, labels):
        split = Split(images=images, labels=np.array(labels))
        return Task(
            name="x", shape=InputShape(px=28, channels=1, num_classes=2), classes=("a", "b"), recipes="digits",
            source="", loader=lambda root, progress: Data(train=split, test=split),
        )


    TASK = task_of(DRAWN[:, None], LABELS)
    OF_FLOATS = task_of(DRAWN[:, None] / 255, LABELS)
    OF_THREE = task_of(DRAWN[:, None], [0, 1, 2] * 4)
    BROKEN_TASK = task_of(None, LABELS)
    number = 3
"""
DRAWN = np.random.default_rng(0).integers(0, 256, (12, 28, 28), dtype=np.uint8)
SMALL = InputShape(px=28, channels=1, num_classes=2)


def silent(*_):
    pass


@pytest.fixture
def mine(tmp_path):
    """A function from a NAME to the reference to it."""
    path = tmp_path / "mine.py"
    path.write_text(dedent(MINE))
    return lambda name: f"{path}:{name}"


def loaded(mine, tmp_path, name):
    tasks = Tasks(tmp_path, asked=(mine(name),))
    (asked,) = tasks.asked
    return tasks.task(asked), tasks.data(asked, silent)


@pytest.mark.parametrize("name", ["arrays", "tensors", "hugging_face", "named", "TASK"])
def test_every_kind_of_small_image_is_the_same_task(mine, tmp_path, name):
    task, data = loaded(mine, tmp_path, name)
    assert (task.name, task.shape, task.recipes) == (f"mine:{name}", SMALL, "digits")
    assert task.classes == {"named": ("cat", "dog"), "TASK": ("a", "b")}.get(name, ("0", "1"))
    if name != "TASK":
        np.testing.assert_array_equal(data.train.images, DRAWN[:8, None])
        np.testing.assert_array_equal(data.test.images, DRAWN[8:, None])
        assert data.test.labels.tolist() == [0, 1, 0, 1]
    assert data.test.labels.dtype == np.int64


def test_images_in_colour_are_photographs(mine, tmp_path):
    task, data = loaded(mine, tmp_path, "colours")
    assert (task.shape, task.recipes) == (InputShape(px=28, channels=3, num_classes=2), "photos")
    np.testing.assert_array_equal(data.train.images, DRAWN[:8, None].repeat(3, axis=1))


def test_images_of_any_size_are_resized_and_cropped(mine, tmp_path):
    task, data = loaded(mine, tmp_path, "photographs")
    assert (task.shape.px, task.shape.channels) == (224, 3)
    assert data.train.images.shape == (8, 3, 224, 224)
    assert [np.unique(image).tolist() for image in data.train.images[[0, 2, 4]]] == [[0], [2], [4]]


def test_images_of_both_parts_are_left_out_of_training_and_counted(mine, tmp_path):
    _, data = loaded(mine, tmp_path, "twice")
    assert data.settings == {"num_images_of_both_parts": 2}
    assert (len(data.train.images), len(data.test.images)) == (6, 4)


@pytest.mark.parametrize(
    "name, said",
    [
        (
            "is_one",
            "two data sets, train and test. It returned an object of type Items.",
        ),
        ("raises", "Calling it raised KeyError: 'key' (mine.py, line "),
        ("empty", "Its train is empty."),
        ("streams", "Its train is an object of type iterator, which does not support len() and indexing."),
        ("normalised", "item 0 of train: 'float64 from -1 to 1' cannot be used."),
        ("odd_shape", "item 0 of train: 'ndarray of shape (28, 28, 5)' cannot be used."),
        ("odd_sizes", "item 1 of test: '28x20 px' cannot be used. Allowed: images of one size. The first has 28 px"),
        ("words", "item 0 of train: 'cat' cannot be used. Allowed: labels that are whole numbers from 0."),
        ("fractions", "item 0 of train: 0.5 cannot be used."),
        ("triples", "item 0 of train: '3 values' cannot be used."),
        ("other_keys", "item 0 of train: ['x', 'y'] cannot be used."),
        ("too_few_names", "--task mine:too_few_names: train: 2 cannot be used. Allowed: labels 0 to 1."),
        ("never_tested", "--task mine:never_tested: test: '2' cannot be used. Allowed: images of every class."),
        ("all_of_one_class_twice", "train: '0' cannot be used. Allowed: images of every class."),
        ("broken", "item 0 of train: 'none' cannot be used."),
        (
            "same",
            "train: 'no image' cannot be used. Allowed: images that the other part does not have. All of its images",
        ),
        ("one_class", "--task mine:one_class: 1 cannot be used. Allowed: two classes or more."),
        ("gaps", "There are none of 0, 2, 3 (198 of 201 classes), without images that both parts have. Add some"),
        ("number", "Allowed: a Task, or a function"),
        ("OF_FLOATS", "train: 'float64 (12, 1, 28, 28)' cannot be used. Allowed: uint8 (count, 1, 28, 28)."),
        ("OF_THREE", "train: 2 cannot be used. Allowed: labels 0 to 1."),
        ("BROKEN_TASK", "train: 'an object of type NoneType' cannot be used. Allowed: uint8 (count, 1, 28, 28)."),
        ("nothing", "'nothing' cannot be used. Allowed: "),
        (
            "augmented",
            "item 1 of test: 'another image at the second reading' cannot be used. Allowed: the same image each",
        ),
    ],
)
def test_each_mistake_is_one_error_that_names_the_item(mine, tmp_path, name, said):
    with pytest.raises(UserError, match=re.escape(said)) as caught:
        loaded(mine, tmp_path, name)
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("--task")


def test_two_files_of_one_name_are_refused(mine, tmp_path):
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "mine.py").write_text(dedent(MINE))
    asked = (mine("arrays"), f"{tmp_path}/other/mine.py:arrays")
    with pytest.raises(UserError, match="Allowed: folders and files of different names"):
        Tasks(tmp_path, asked=asked)


def test_an_unknown_task_offers_ones_own(tmp_path):
    with pytest.raises(UnknownName, match=r"FILE\.py:NAME or package\.module:NAME for your own data"):
        Tasks(tmp_path, asked=("no_such",))


def test_no_image_is_opened_for_labels_that_stand_apart(mine, tmp_path):
    path = tmp_path / "apart.py"
    path.write_text(
        "class Apart:\n"
        "    targets = [0, 1, 2]\n"
        "    def __len__(self):\n"
        "        return 3\n"
        "    def __getitem__(self, number):\n"
        "        import numpy\n"
        "        assert number == 0, 'only the first, for its shape'\n"
        "        return numpy.zeros((28, 28), numpy.uint8), 0\n"
        "def two():\n"
        "    return Apart(), Apart()\n"
    )
    assert own_task(f"{path}:two").classes == ("0", "1", "2")


def test_a_package_offers_a_task_by_a_name_of_its_own(mine, offering, tmp_path, monkeypatch):
    (tmp_path / "tasks_of_a_package.py").write_text(dedent(MINE))
    monkeypatch.syspath_prepend(tmp_path)
    offering(GROUP, drawn="tasks_of_a_package:arrays")
    tasks = Tasks(tmp_path, asked=("drawn", "digits"))
    assert tasks.asked == ("drawn", "digits")
    assert tasks.task("drawn").shape == SMALL
    offering(GROUP, digits="tasks_of_a_package:arrays")
    with pytest.raises(UserError, match="registers the same name: it must choose another one"):
        Tasks(tmp_path, asked=("digits",))
