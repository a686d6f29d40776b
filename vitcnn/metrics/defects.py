"""Defines the metrics of what a model finds on whole frames that it never saw, one sample for each seed.

`vitcnn/bench/found.py` says when a defect counts as found, and how the threshold is chosen.
"""

from __future__ import annotations

from vitcnn.metrics.trained import finding, score

FRAME_TILE_ACCURACY = score("frame_tile_accuracy", "defects on frames", finding("tile_accuracy"), rule="score")
"""Share of the frames' tiles whose class is right. Most are of none, so whoever finds nothing has a good one too."""

DEFECT_RECALL = score("defect_recall", "defects on frames", finding("recall"), rule="score")
"""Share of the defects that are found at one false alarm a frame."""

DEFECT_IOU = score("defect_iou", "defects on frames", finding("defect_iou"), rule="score")
"""Intersection over union of the masks of cracks, scratches and blobs, averaged over these: 0 where none is found."""

MASK_MIOU = score("mask_miou", "defects on frames", finding("miou"))
"""Intersection over union of the masks, averaged over the classes, none among them: a quarter where none is found."""
