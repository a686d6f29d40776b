import subprocess
import sys


def test_a_profiler_writes_nothing_to_the_error_stream():
    code = "import torch; from vitcnn.device.profiling import profiler\nwith profiler():\n    torch.ones(3) + 1"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (ran.stdout, ran.stderr) == ("", "")
