"""`vitcnn tile`: a model on the tiles of a picture, a folder of pictures or a video of any size."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

from vitcnn.commands.adapt import require_new_folder
from vitcnn.commands.output import say, tell
from vitcnn.commands.paths import GivenPath
from vitcnn.errors import NotWritten, UserError
from vitcnn.fields import require_count, require_tiles
from vitcnn.media.listing import Kind, images_in, kind_of
from vitcnn.spec import Precision

if TYPE_CHECKING:
    from vitcnn.commands.tile.work import Work, Written

WHOLE, FAILED, INTERRUPTED = 0, 1, 130
AUTO = "auto"
"""A batch that is chosen by what memory is free and what tiles are measured to take."""

OUTPUTS, BLENDS, REDUCTIONS = ("tiles", "dense", "frame"), ("gaussian", "constant"), ("mean", "max", "logsumexp")


def add_to(commands: Any) -> None:
    """Add the grammar of `vitcnn tile` to the subparsers of `vitcnn`."""
    tile = commands.add_parser("tile", help="run a model on the tiles of an image, a folder of images or a video")
    what = "an image, a folder of images, or a video"
    tile.add_argument("input", metavar="INPUT", action=GivenPath, help=what)
    tile.add_argument("--arch", metavar="NAME", help="an architecture of the catalogue, timm/NAME or FILE.py:NAME")
    weights = "random, hub or file:PATH; the model answers in the classes of these weights"
    tile.add_argument("--weights", dest="own_weights", metavar="VALUE", help=weights)
    adapted = "a folder of `vitcnn adapt`, instead of --arch and --weights, which may then name its base"
    tile.add_argument("--adapted", action=GivenPath, metavar="DIR", help=adapted)
    tile.add_argument("--tile", type=int, default=512, metavar="PX", help="pixels a side of a tile; default: 512")
    overlap = "the share of a tile that the next one repeats, from 0 to below 1; default: 0.1"
    tile.add_argument("--overlap", type=float, default=0.1, metavar="SHARE", help=overlap)
    output = "tiles: a heat map and boxes; dense: a class for each pixel; frame: one answer; default: tiles"
    tile.add_argument("--output", choices=OUTPUTS, default="tiles", help=output)
    blend = "how overlapping tiles are weighted in a dense map; default: gaussian"
    tile.add_argument("--blend", choices=BLENDS, default="gaussian", help=blend)
    answer = "how the answer for the frame comes from its tiles' logits; default: mean"
    tile.add_argument("--frame-by", choices=REDUCTIONS, default="mean", help=answer)
    one = "the class that the heat map shows, by its name or number; default: the frame's answer"
    tile.add_argument("--class", dest="heat_class", metavar="NAME", help=one)
    classes = "a text file with the name of a class on each line, in the order of the logits"
    tile.add_argument("--classes", action=GivenPath, metavar="FILE", help=classes)
    batch = "tiles in one forward pass, or auto: as many as fit into half of the free memory; default: 8"
    tile.add_argument("--batch", default="8", metavar="N", help=batch)
    device = "the device: auto, cpu, cuda or cuda:N; default: auto"
    tile.add_argument("--device", default="auto", metavar="NAME", help=device)
    tile.add_argument("--precision", choices=get_args(Precision), default="fp32", help="default: fp32")
    data_root = "the folder of weights that vitcnn made; default: $VITCNN_DATA, or vitcnn/data in the user's cache"
    tile.add_argument("--data-root", action=GivenPath, metavar="DIR", help=data_root)
    out = "the folder to write overlays and results to; it must be absent or empty"
    tile.add_argument("--out", action=GivenPath, required=True, metavar="DIR", help=out)
    tile.set_defaults(run=run_tile)


def run_tile(options: argparse.Namespace) -> int:
    """Check all that was asked for, read each input, and say what came of it."""
    require_numbers(options)
    require_new_folder(options.out)
    kind = kind_of(options.input)
    paths = images_in(options.input) if kind == "folder" else (options.input,)

    from vitcnn.commands.tile.model import model_of
    from vitcnn.commands.tile.work import Work
    from vitcnn.device import numerics, out_of_memory_as_case_error, resolve

    device = resolve(options.device)
    with numerics(device), out_of_memory_as_case_error(device):
        known = model_of(options, device)
        for note in known.notes:
            tell(note)
        work = Work(options=options, device=device, known=known)
        return read_all(paths, work, kind)


def require_numbers(options: argparse.Namespace) -> None:
    """Raise UserError where a number is not one that tiles can have."""
    require_count("--tile", options.tile)
    if options.batch != AUTO:
        options.batch = int(options.batch) if options.batch.isdecimal() else options.batch
        require_count("--batch", options.batch)
    require_tiles(tile_px=options.tile, overlap=options.overlap, field="--overlap")


def read_all(paths: Sequence[Path], work: Work, kind: Kind) -> int:
    """Read each input; return 0, or 1 where one cannot be read whole, or 130 after Ctrl-C. What was done stays."""
    from vitcnn.commands.tile.video import read_video_file
    from vitcnn.commands.tile.words import summary
    from vitcnn.commands.tile.work import read_image_file, text_of

    read = read_video_file if kind == "video" else read_image_file
    done: list[Written] = []
    status = WHOLE
    try:
        for number, path in enumerate(paths):
            work.tell_progress(number, len(paths), f"{text_of(path)}, {number + 1} of {len(paths)}")
            try:
                done.append(read(path, work))
            except UserError as error:
                if kind != "folder":
                    raise
                work.end_progress()
                tell(str(error))
                status = FAILED
    except NotWritten as error:
        work.end_progress()
        tell(str(error))
        status = FAILED
    except KeyboardInterrupt:
        status = INTERRUPTED
    finally:
        work.end_progress()
    for written in done:
        if written.why:
            tell(written.why)
            status = INTERRUPTED if written.is_interrupted else FAILED
    if done:
        say(summary(done, work, num_inputs=len(paths)))
    if status == INTERRUPTED:
        tell("interrupted")
    return status
