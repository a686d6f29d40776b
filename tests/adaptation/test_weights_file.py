import numpy as np
from safetensors.numpy import save_file

from vitcnn.adaptation.weights_file import WeightsFile


def test_a_file_is_no_pickle_whatever_the_length_of_its_header_is(tmp_path):
    """A file begins with that length; as first byte it can be 0x80, with which a pickle begins too."""
    starts = set()
    for num_more in range(0, 256, 8):
        path = tmp_path / f"{num_more}.safetensors"
        save_file({"weight": np.zeros(2, np.float32)}, path, {"more": "x" * num_more})
        starts.add(path.read_bytes()[:1])
        assert WeightsFile.read("weights", path).shapes == {"weight": (2,)}
    assert b"\x80" in starts
