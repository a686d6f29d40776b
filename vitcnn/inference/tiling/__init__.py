"""Tiling: a model on frames that are larger than its input. A grid, extraction, the forward, and what is kept of it."""

from vitcnn.inference.tiling.answers import detections as detections
from vitcnn.inference.tiling.answers import frame_logits as frame_logits
from vitcnn.inference.tiling.answers import heat_maps as heat_maps
from vitcnn.inference.tiling.budget import batch_within as batch_within
from vitcnn.inference.tiling.dense import Dense as Dense
from vitcnn.inference.tiling.dense import FeatureMap as FeatureMap
from vitcnn.inference.tiling.dense import dense_model as dense_model
from vitcnn.inference.tiling.grid import TileGrid as TileGrid
from vitcnn.inference.tiling.stream import prefetched as prefetched
from vitcnn.inference.tiling.tiler import Tiler as Tiler
from vitcnn.inference.tiling.tiler import tiled as tiled
from vitcnn.inference.tiling.timings import Timings as Timings
