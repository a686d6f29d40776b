"""What sources publish of settings that cases of the suite repeat, as data: one entry a setting, found by `claims`.

Where a source contradicts itself or arithmetic, `note` says so; it is printed, not hidden.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import get_args

from vitcnn.adaptations import FULL
from vitcnn.spec import Mode, Precision


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A published number of what our `metric` measures, in its unit; `is_rough` where the source says "about".

    `digits` is how many significant digits the source gives where that are fewer than ours are shown with, else 0.
    """

    metric: str
    value: float
    unit: str
    is_rough: bool = False
    digits: int = 0


@dataclass(frozen=True, kw_only=True)
class Setting:
    """The architecture, task and recipe of cases of ours, and in what they differ from what was published, if at all.

    Of cases that adapt pretrained models the `adaptation` too, where it is not `full`. Of cases that train nothing the
    `axes` of their ids stand for task and recipe.

    `label` says so in few words, part by part, and `notes` in sentences.
    """

    architecture: str
    task: str = ""
    recipe: str = ""
    adaptation: str = FULL
    axes: tuple[str, ...] = ()
    label: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a source publishes of one setting, and the case that repeats it, at whatever precision and in either mode.

    `study` is its letter, or the name of what else it is; `question` is that of the cases. `class_accuracies` are
    shares, 0..1, by class. Without figures the claim is that nobody has published one. `variants` are settings that
    the figures are shown beside too, though they differ from the published one.
    """

    study: str
    question: str = "accuracy"
    architecture: str
    task: str = ""
    recipe: str = ""
    adaptation: str = FULL
    axes: tuple[str, ...] = ()
    figures: tuple[Figure, ...]
    hardware: str
    source: str
    note: str = ""
    class_accuracies: Mapping[str, float] = field(default_factory=dict, hash=False)
    variants: tuple[Setting, ...] = ()

    @property
    def settings(self) -> tuple[Setting, ...]:
        """The published setting, then its variants."""
        own = Setting(
            architecture=self.architecture,
            task=self.task,
            recipe=self.recipe,
            adaptation=self.adaptation,
            axes=self.axes,
        )
        return (own, *self.variants)

    @property
    def trains(self) -> bool:
        """Whether the claim is about what came of a training."""
        return not self.axes

    def setting_of(self, case: str) -> Setting | None:
        """Return the setting that the case of this id has, of the same question; None where it has none of them."""
        return next((one for one in self.settings if re.fullmatch(_ids(self.question, one), case)), None)

    def is_repeated_by(self, case: str) -> bool:
        """Whether the case of this id has one of the settings."""
        return self.setting_of(case) is not None


def _ids(question: str, setting: Setting) -> str:
    """Return the pattern of the ids of a setting's cases: of any number of seeds, on all training images."""
    how = f"({'|'.join(get_args(Precision))})/({'|'.join(get_args(Mode))})"
    if setting.axes:
        return rf"{re.escape('/'.join((question, setting.architecture, *setting.axes)))}/{how}"
    trained = re.escape("/".join((question, setting.architecture, setting.task, setting.recipe)))
    adapted = "" if setting.adaptation == FULL else f"/{re.escape(setting.adaptation)}"
    return rf"{trained}(/s\d+)?{adapted}/{how}"


def accuracy(value: float, *, metric: str = "test_accuracy") -> Figure:
    """Return a published accuracy, 0..1: of the last epoch, unless `metric` says of which."""
    return Figure(metric=metric, value=value, unit="1")


def best_accuracy(value: float) -> Figure:
    """Return a published accuracy, 0..1, of the epoch that was best on the test part."""
    return accuracy(value, metric="best_epoch_accuracy")


def training_time(seconds: float, *, is_rough: bool = False) -> Figure:
    """Return a published training time."""
    return Figure(metric="training_time_s", value=seconds, unit="s", is_rough=is_rough)


NOT_STATED = "hardware not stated"

STUDY_A = "MNIST ViT vs CNN Comparison, project page, 2025-12-08"

STUDY_A_VIT = Claim(
    study="A",
    architecture="vit_base",
    task="mnist_subset",
    recipe="study_a_vit",
    figures=(accuracy(0.9810), training_time(441.03)),
    hardware=NOT_STATED,
    source=STUDY_A,
    note="It names neither the ViT nor its weights, only that they are of ImageNet and that all are fine-tuned.",
)

STUDY_A_CNN = Claim(
    study="A",
    architecture="lenet",
    task="mnist_subset",
    recipe="study_a_cnn",
    figures=(accuracy(0.9150), training_time(3.76)),
    hardware=NOT_STATED,
    source=STUDY_A,
    note="It does not name its light CNN's layers.",
)

STUDY_C = "ViT vs ResNet - CIFAR-10 Comparison, project notes"
OF_ITS_BEST_EPOCH = "It reports the epoch that was best on the test part; our last epoch stands below it."

STUDY_C_VIT = Claim(
    study="C",
    architecture="vit_tiny",
    task="cifar10",
    recipe="study_c_vit",
    figures=(best_accuracy(0.8699), training_time(44 * 60)),
    hardware="one T4",
    source=STUDY_C,
    note=f"{OF_ITS_BEST_EPOCH} The mean of its classes, of 1,000 test images each, is 86.70 %, not 86.99 %. Its "
    "MLPs have 12 x 2 x 192 x 768 = 3.54 M weights, not 2.36 M; with 10 classes the model has 5.36 M parameters.",
    class_accuracies={
        "airplane": 0.897,
        "automobile": 0.949,
        "bird": 0.833,
        "cat": 0.684,
        "deer": 0.809,
        "dog": 0.818,
        "frog": 0.931,
        "horse": 0.923,
        "ship": 0.925,
        "truck": 0.901,
    },
)

STUDY_C_CNN = Claim(
    study="C",
    architecture="resnet18",
    task="cifar10",
    recipe="study_c_cnn",
    figures=(best_accuracy(0.9343), training_time(15 * 60, is_rough=True)),
    hardware="one T4",
    source=STUDY_C,
    note=f"The source calls this column typical: it did not measure it. {OF_ITS_BEST_EPOCH} Its 11.7 M parameters are "
    "those of 1,000 classes: with 10 classes and the 3x3 stem it is 11.17 M. Its head has 5,130, not 2.1 M.",
)

SPEED_RECORD = "Speed record"

SPEEDRUN_CNN = Claim(
    study=SPEED_RECORD,
    architecture="speedrun_cnn",
    task="cifar10",
    recipe="cifar_speedrun_cnn",
    figures=(accuracy(0.9401), training_time(2.59)),
    hardware="one A100",
    source="Jordan, airbench94_muon, 2024, mean of 200 runs",
    note="Its time holds the final test-time augmentation, ours does not; neither holds compilation. Other networks on "
    "one A100: 94 % in 1.99 s (hiverge, 2025-10), 96.0 % in 27.3 s (airbench96).",
)

SPEEDRUN_VIT = Claim(
    study=SPEED_RECORD,
    architecture="speedrun_vit",
    task="cifar10",
    recipe="cifar_speedrun_vit",
    figures=(),
    hardware="",
    source="",
    note="Nobody publishes a time-to-accuracy record of a ViT. Plain ones from scratch reach 80 % in 200 epochs "
    "and 89 % in 1,000.",
)

STUDY_B = "Preprints.org 183029, 2025-11-03"
STUDY_B_SHARES = {
    "vit_base": "It states 0.58 % of the parameters as trained. Rank 16 on query and value of 12 blocks is 589,824 "
    "parameters, with the head 597,514: 0.69 % of 86.40 M.",
    "resnet50": "It states 8.53 % of the parameters as trained. A linear head of 10 classes has 20,490, 0.09 %: its "
    "head must be a larger one, of about 2.19 M, which it does not describe. Ours is linear.",
    "efficientnet_b0": "It states 10.96 % of the parameters as trained. A linear head of 10 classes has 12,810, "
    "0.32 %: its head must be a larger one, of about 0.49 M, which it does not describe. Ours is linear.",
}
STUDY_B_NOTE = (
    "It reports one seed, and neither time nor memory. It flips digits and clothes too. Its rate and the strengths of "
    "its augmentations are not stated. The CNNs' features are computed once for each of five augmented views."
)


def study_b(architecture: str, task: str, share: float, f1: float, micro: float, macro: float) -> Claim:
    """Return what study B publishes of one of its nine cells: accuracy, F1 and the two areas under ROC curves."""
    adaptation = "lora16_qv" if architecture == "vit_base" else "head_views5"
    figures = {"test_accuracy": share, "f1_weighted": f1, "roc_auc_micro": micro, "roc_auc_macro": macro}
    return Claim(
        study="B",
        question="adaptation",
        architecture=architecture,
        task=task,
        recipe="study_b",
        adaptation=adaptation,
        figures=tuple(Figure(metric=metric, value=value, unit="1") for metric, value in figures.items()),
        hardware=NOT_STATED,
        source=STUDY_B,
        note=f"{STUDY_B_SHARES[architecture]} {STUDY_B_NOTE}",
    )


STUDY_B_MNIST_VIT = study_b("vit_base", "mnist", 0.9912, 0.9912, 1.0, 1.0)
STUDY_B_MNIST_RESNET = study_b("resnet50", "mnist", 0.9902, 0.9902, 0.9999, 0.9999)
STUDY_B_MNIST_EFFICIENTNET = study_b("efficientnet_b0", "mnist", 0.9882, 0.9882, 0.9999, 0.9999)
STUDY_B_FASHION_VIT = study_b("vit_base", "fashion_mnist", 0.9501, 0.9500, 0.9982, 0.9982)
STUDY_B_FASHION_EFFICIENTNET = study_b("efficientnet_b0", "fashion_mnist", 0.9231, 0.9229, 0.9960, 0.9960)
STUDY_B_FASHION_RESNET = study_b("resnet50", "fashion_mnist", 0.9202, 0.9201, 0.9953, 0.9953)
STUDY_B_CIFAR_VIT = study_b("vit_base", "cifar10", 0.9729, 0.9729, 0.9992, 0.9992)
STUDY_B_CIFAR_RESNET = study_b("resnet50", "cifar10", 0.8341, 0.8336, 0.9859, 0.9858)
STUDY_B_CIFAR_EFFICIENTNET = study_b("efficientnet_b0", "cifar10", 0.8048, 0.8038, 0.9806, 0.9805)

STUDY_C_FINETUNED = Claim(
    study="C",
    question="adaptation",
    architecture="vit_base",
    task="cifar10",
    recipe="study_c_finetune",
    figures=(Figure(metric="test_accuracy", value=0.98, unit="1", is_rough=True),),
    hardware="one T4",
    source=STUDY_C,
    note="The source claims that a ViT of ImageNet-21k passes 98 % after 10 epochs; it names neither its size nor its "
    "settings, and did not measure it. The weights here were tuned on ImageNet-1k too.",
)

STUDY_D = "ViT vs CNN: A Technical Deep Dive for High-Resolution Vision Tasks"
FRAME_OF_4K = ("3840x2160", "t512", "o10", "b45")
"""45 tiles of 512 px with 10 % overlap, all in one batch."""


def study_d(architecture: str, seconds: float, gigabytes: float, hardware: str) -> Claim:
    """Return what study D publishes of a 4K frame."""
    return Claim(
        study="D",
        question="tiled",
        architecture=architecture,
        axes=FRAME_OF_4K,
        figures=(
            Figure(metric="frame_time_s", value=seconds, unit="s", digits=2),
            Figure(metric="peak_allocated_bytes", value=gigabytes * 1e9, unit="B", digits=2),
        ),
        hardware=hardware,
        source=STUDY_D,
        note="It states neither precision nor batch, and compares the two models on different GPUs. It does not say "
        "whose memory it counts; ours is what torch had allocated.",
    )


STUDY_D_VIT = study_d("vit_large", 2.1, 24, "one A100")
STUDY_D_CNN = study_d("resnet152", 0.3, 8, "one V100")
STUDY_D_STREAM = Claim(
    study="D",
    question="tiled",
    architecture="resnet50",
    axes=(*FRAME_OF_4K, "stream"),
    figures=(Figure(metric="frames_per_s", value=45, unit="frame/s", digits=2),),
    hardware="one A100",
    source=STUDY_D,
    note="It names no architecture, only a CNN with hierarchical down-sampling at 4K, and does not say how it reads a "
    "frame: ours is a ResNet-50 on tiles, frames already decoded.",
)

STUDY_E = "github.com/kobybibas/vit_for_mnist, commit a1d445c, 2025-09-09"
OTHER_DIGITS = "The images of digits and of glyphs are not those of MNIST."
CORRECTED = (
    "Corrected models train by another recipe, on other sequences: fewer epochs, another optimiser, no flips, and in "
    "each epoch new sequences with balanced lengths and answers. They ignore the padding. The Transformer of sums adds "
    "up an answer for each image; the published one averages the images' vectors. The Transformer of anchors can "
    "answer that nothing matches. Their weights start at other values. To compare the models alone, measure them by "
    'study_e: --preset full -k "study_e and sequences".'
)
RECIPES = {"mnist": "many_sequences", "glyphs": "many_sequences", "digits": "sequences"}
"""How the recipes of the corrected settings begin, by the source of the images."""


def study_e(task: str, model: str, *, loss: Figure, share: float) -> Claim:
    """Return what study E publishes of a task, `sum` or `anchor`, and a model, `fc` or `transformer`.

    Variants are the same on other digits, and the corrected model on all.
    """
    published = [
        Setting(
            architecture=f"{task}_{model}_published",
            task=f"digit_{task}_published_{source}",
            recipe="study_e",
            label=(f"on {source}", "as published"),
            notes=(OTHER_DIGITS,),
        )
        for source in RECIPES
        if source != "mnist"
    ]
    corrected = [
        Setting(
            architecture=f"{task}_{model}",
            task=f"digit_{task}_{source}",
            recipe=f"{recipe}_{'vit' if model == 'transformer' else 'cnn'}",
            label=(f"on {source}", "corrected"),
            notes=(CORRECTED,) if source == "mnist" else (OTHER_DIGITS, CORRECTED),
        )
        for source, recipe in RECIPES.items()
    ]
    return Claim(
        study="E",
        question="sequences",
        architecture=f"{task}_{model}_published",
        task=f"digit_{task}_published_mnist",
        recipe="study_e",
        figures=(loss, Figure(metric="test_accuracy", value=share, unit="1", digits=2)),
        hardware=NOT_STATED,
        source=STUDY_E,
        note="What the source calls its validation part is our test part. It builds a mask of the padding and never "
        "applies it, flips digits in training and sets no seed. It pads to the longest sequence of each batch of 32, "
        "which is 10 in 97 % of the batches; here it is always 10.",
        variants=(*published, *corrected),
    )


def loss_of_sums(value: float) -> Figure:
    """Return a published mean squared error of sums of digits."""
    return Figure(metric="test_squared_error", value=value, unit="digit²", digits=3)


def loss_of_anchors(value: float) -> Figure:
    """Return a published binary cross-entropy."""
    return Figure(metric="test_cross_entropy", value=value, unit="nat", digits=2)


STUDY_E_SUM_FC = study_e("sum", "fc", loss=loss_of_sums(1.69), share=0.27)
STUDY_E_SUM_TRANSFORMER = study_e("sum", "transformer", loss=loss_of_sums(1.18), share=0.66)
STUDY_E_ANCHOR_FC = study_e("anchor", "fc", loss=loss_of_anchors(0.64), share=0.77)
STUDY_E_ANCHOR_TRANSFORMER = study_e("anchor", "transformer", loss=loss_of_anchors(0.12), share=0.92)


def claims() -> tuple[Claim, ...]:
    """Return every claim of this module, in its order."""
    return tuple(entry for entry in globals().values() if isinstance(entry, Claim))
