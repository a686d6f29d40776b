"""The options of the plugin as pytest shows them: names, values and help."""

from __future__ import annotations

import pytest

from vitcnn.measuring.instructions import OPTION
from vitcnn.spec import PRESETS

ENERGY = "--energy"


def add_options(parser: pytest.Parser) -> None:
    """Add every option of the plugin."""
    more = "--trace DIR, behind the path, records a trace of each case: pytest's own --trace takes no value"
    group = parser.getgroup("vitcnn", f"vitcnn: Vision Transformers against CNNs ({more})")
    group.addoption(
        "--device",
        default="auto",
        metavar="NAME",
        help="The device to measure: auto, cpu, cuda or cuda:N. Default: auto, which is CUDA if torch finds a GPU.",
    )
    group.addoption(
        "--preset",
        metavar="NAME",
        help=f"How many cases to run: {', '.join(PRESETS)}. Default: smoke on a CPU, standard on CUDA.",
    )
    group.addoption(
        "--arch",
        action="append",
        default=[],
        metavar="NAME",
        help="Measure only this architecture: a name of `vitcnn list architectures`, timm/NAME for any timm model, or "
        "FILE.py:NAME for your own. If the suite has no cases for it, it replaces the architecture in all cases. "
        "Repeat the option, or separate names by commas.",
    )
    group.addoption(
        "--task",
        action="append",
        default=[],
        metavar="NAME",
        help="Use only this data set in the cases that have one: a name of `vitcnn list tasks`, folder:PATH for a "
        "folder that contains a folder of images for each class, or FILE.py:NAME for a function that returns a "
        "training and a test data set. Repeat the option, or separate names by commas.",
    )
    group.addoption(
        "--recipe",
        action="append",
        default=[],
        metavar="NAME",
        help="Train with this recipe instead of those of the cases: a name of `vitcnn list recipes`, FILE.py:NAME for "
        "your own, a variant such as digits_cnn,epochs=3,batch=64, or changes to the recipes of the cases, such as "
        "epochs=3. Repeat the option for several recipes.",
    )
    group.addoption(
        "--weights",
        metavar="VALUE",
        help="Start from these weights in the cases that start from pretrained ones: random, hub for timm's of the "
        "Hugging Face hub, file:PATH for a safetensors file in timm's layout, or the name of a task, such as glyphs62, "
        "on which the architecture is trained first.",
    )
    group.addoption(
        "--seeds",
        metavar="N",
        help="Train N seeds in each case that trains. Default: the number of each case, usually 3.",
    )
    group.addoption(
        "--data-root",
        metavar="DIR",
        help="The folder for data sets, in the layout of torchvision. Default: $VITCNN_DATA, or vitcnn/data in the "
        "user's cache folder.",
    )
    group.addoption(
        "--out",
        metavar="DIR",
        help="The folder for the results of this run; it must not contain another run. Default: .vitcnn/runs/<time> in "
        "the root directory.",
    )
    group.addoption(
        "--resume",
        metavar="RUN",
        help="Continue an interrupted run of the same command. RUN is its folder or its journal. Cases that passed are "
        "not measured again.",
    )
    group.addoption(
        "--gate",
        nargs="?",
        const="on",
        metavar="MODE",
        help="Compare this run with the stored baseline, and fail if a case got worse, is missing or new, or cannot be "
        "judged. MODE is on (default), allow-new (accept new cases), strict (also fail for better or inconclusive "
        "results) or counts (compare only counts, which have no noise, for a runner that others share).",
    )
    group.addoption(
        "--gate-reruns",
        default="2",
        metavar="N",
        help="The number of processes that measure suspected regressions again in each of up to four rounds. "
        "Default: 2.",
    )
    group.addoption(
        ENERGY,
        action="store_true",
        help="Also measure the energy of an image in inference, training and reading frames, in a pass of its own that "
        "takes about 4 s a case: of the whole GPU board by NVML, or of the processors by RAPL.",
    )
    group.addoption(
        OPTION,
        action="store_true",
        help="Also count the CPU instructions of small cases on a CPU with Callgrind, which takes one to two minutes.",
    )
