"""What `vitcnn adapt` says of the model that it adapted, on the terminal and in the README beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vitcnn.adaptations import Lora, adaptation
from vitcnn.folders import short
from vitcnn.quantity import quantity, significant
from vitcnn.recipes.parts import OF_FILE

KILO = 1e3

README = """\
# {architecture}, adapted to {task} by {adaptation}

{answer}

`card.json` holds the training data, the settings, the weights from which training started, and the results.{merged}

## To load it

With vitcnn, which prepares the images itself (floats -1..1, {channels} x {px} x {px} px):

```python
{ours}
```
{peft}"""

MERGED = " `merged.safetensors`\nholds all weights with the updates added, in timm's layout."

PEFT = """
With plain peft, `base` is any timm model of the same architecture and number of classes, with the weights from which
training started; `base_of` builds one. Its images have {channels} x {model_px} x {model_px} px. Scale them to 0 (black)
to 1 (white), subtract the mean ({mean}) and divide by the standard deviation ({std}):

```python
{lines}
```
"""


def answer(card: Mapping[str, Any]) -> str:
    """Return what was reached, and at what cost, in sentences."""
    data, results = card["data"], card["results"]
    low, high = (f"{100 * bound:.1f}" for bound in results["test_accuracy_95"])
    trained, of = results["num_trainable"], results["num_parameters"]
    reached = f"{100 * results['test_accuracy']:.1f} % of {data['num_test_images']:,} test images are right"
    is_twice = results["file_bytes"] != results["trained_bytes"]
    held = f", of which {results['trained_bytes'] / KILO:,.1f} kB are trained, the rest zeros" if is_twice else ""
    time = quantity(results["training_time_s"], "s")
    return (
        f"{reached} (95 % interval {low} to {high} %), after {time} of training on "
        f"{data['num_train_images']:,} images{_unseen(data)}. {trained:,} of {of:,} parameters trained "
        f"({significant(100 * trained / of, 2)} %). Their file has {results['file_bytes'] / KILO:,.1f} kB{held}."
    )


def _unseen(data: Mapping[str, Any]) -> str:
    """Return that some classes have no image among so few: each class has as many as any other, but for one."""
    given, classes = data["num_train_images"], data["num_classes"]
    return f", so that {classes - given} of {classes} classes have none" if given < classes else ""


def summary(card: Mapping[str, Any], out: Path) -> str:
    """Return what the command prints: the answer, where the files are, and how to load them."""
    of = f"{card['architecture']} with {card['adaptation']} on {card['data']['task']}, from {card['weights']['name']}"
    lines = [f"{of}: {answer(card)}", f"The result is in {short(out)}. To load it:", "", *_ours(card, short(out))]
    if is_lora(card):
        lines += ["", "or with plain peft:", "", *_peft(card, short(out))]
    return "\n".join(lines)


def readme_of(card: Mapping[str, Any], *, merged: bool) -> str:
    """Return the README of the folder; in its code the folder is `DIR`, since it may be moved."""
    images = card["images"]
    return README.format(
        architecture=card["architecture"],
        adaptation=card["adaptation"],
        task=card["data"]["task"],
        answer=answer(card),
        merged=MERGED if merged else "",
        ours="\n".join(_ours(card, "DIR")),
        peft=_peft_words(card) if is_lora(card) else "",
        channels=images["channels"],
        px=images["px"],
    )


def _peft_words(card: Mapping[str, Any]) -> str:
    images = card["images"]
    mean, std = (", ".join(f"{value:g}" for value in images[name]) for name in ("mean", "std"))
    return PEFT.format(**{**images, "mean": mean, "std": std}, lines="\n".join(_peft(card, "DIR")))


def is_lora(card: Mapping[str, Any]) -> bool:
    """Whether the folder is one that peft can load."""
    return isinstance(adaptation(card["adaptation"]), Lora)


def _arguments(card: Mapping[str, Any], folder: str) -> str:
    """Return the arguments of what loads the folder; a file of weights, which only its user has, is named."""
    of_file = card["weights"]["name"].startswith(OF_FILE) and adaptation(card["adaptation"]).kind != "full"
    file = f', weights="PATH/{card["weights"]["file"]}"' if of_file else ""
    own = ', architecture="FILE.py:NAME"' if ":" in card["architecture"] else ""
    return f'"{folder}"{file}{own}'


def _ours(card: Mapping[str, Any], folder: str) -> list[str]:
    return [
        "from vitcnn.adaptation.files import load_adapted",
        "",
        f"model = load_adapted({_arguments(card, folder)})  # images -1..1 -> logits",
    ]


def _peft(card: Mapping[str, Any], folder: str) -> list[str]:
    return [
        "from peft import PeftModel",
        "from vitcnn.adaptation.files import base_of",
        "",
        f"base = base_of({_arguments(card, folder)})",
        f'model = PeftModel.from_pretrained(base, "{folder}")',
    ]
