"""The forward that is timed, and tiling for frames larger than a model's input."""

from vitcnn.inference.forward import for_inference as for_inference
from vitcnn.inference.forward import resized as resized
from vitcnn.inference.full_frame import FullFrame as FullFrame
from vitcnn.inference.tiling import TileGrid as TileGrid
from vitcnn.inference.tiling import Tiler as Tiler
from vitcnn.inference.tiling import tiled as tiled
