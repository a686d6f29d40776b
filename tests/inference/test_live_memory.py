import torch
from torch import nn

from vitcnn.inference.live_memory import peak_live_bytes

MIB = 2**20


def floats(mib):
    return torch.zeros(mib * MIB // 4)


def test_what_lives_at_once_is_counted_and_what_was_freed_is_not():
    def run():
        first = floats(3)
        view = first.view(2, -1)[0]
        del first
        second = floats(2)  # 5: the view keeps the first alive
        del view
        third = floats(2)  # 4
        return second, third

    assert peak_live_bytes(run) == 5 * MIB
    assert peak_live_bytes(lambda: [floats(1) for _ in range(4)]) == 4 * MIB


def test_what_was_there_before_and_what_is_done_in_place_cost_nothing():
    before = floats(8)
    assert peak_live_bytes(lambda: before.add_(1).relu_().view(2, -1)) == 0
    assert peak_live_bytes(lambda: (before + 1).mul_(2)) == 8 * MIB


def test_a_chain_of_layers_holds_two_neighbours():
    layers = nn.Sequential(*(nn.Conv2d(4, 4, 1) for _ in range(5)))
    images = torch.zeros(1, 4, 256, 256)  # 1 MiB
    with torch.inference_mode():
        assert peak_live_bytes(lambda: layers(images)) == 2 * MIB
