"""Study E's fully connected model: (batch, length, channels, 28, 28) -> (batch, 1)."""

from __future__ import annotations

from torch import Tensor, nn

from vitcnn.architectures.layers.places import Places
from vitcnn.architectures.layers.sequence_encoders import DIM, WithHead, greyed, wide_head
from vitcnn.images import holds_image


class FullyConnected(WithHead):
    """Images encoded one by one, their vectors side by side, zeros where there is no image; fully connected layers.

    With `greys_padding`, as the study has it, empty places are grey images like any other.
    """

    def __init__(self, encoder: nn.Module, length: int, *, greys_padding: bool = False) -> None:
        super().__init__()
        self.encoder = encoder
        self.head = wide_head(length * DIM)
        self.greys_padding = greys_padding

    def forward(self, sequences: Tensor) -> Tensor:
        if self.greys_padding:
            sequences = greyed(sequences, ~holds_image(sequences))
        places = Places(sequences)
        return self.head(places.put(self.encoder(places.take(sequences))).flatten(1))
