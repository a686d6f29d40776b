"""What only a CUDA device can show."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

from vitcnn import AccuracyCase, LatencyCase, MemoryCase, TiledCase, TrainingCase
from vitcnn.architectures import architecture
from vitcnn.bench import Bench
from vitcnn.cli import main
from vitcnn.device import CleanState, event_times, out_of_memory_as_case_error, peak_bytes, resolve
from vitcnn.device.arithmetic import peak
from vitcnn.device.copying import copy_bytes_per_s
from vitcnn.device.energy import energy_of, sampling
from vitcnn.device.kernels import busy_time_s
from vitcnn.device.meter import Unmetered, meter_of
from vitcnn.errors import Leaked, OutOfMemory
from vitcnn.inference import FullFrame, TileGrid, Tiler, resized, tiled
from vitcnn.inference.tiling import batch_within, prefetched
from vitcnn.measuring.runner import measure
from vitcnn.report.roofline import bound_of
from vitcnn.spec import InputShape, Split
from vitcnn.tasks import Tasks
from vitcnn.tracing.recording import record_trace, traced_of
from vitcnn.tracing.summary import summary_of_file
from vitcnn.training import Streamed

pytestmark = [
    pytest.mark.cuda,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device"),
]
MEGABYTE = 1 << 20


@pytest.fixture
def cuda():
    return resolve("cuda")


def stopwatch(run, *, rounds, calls, before_round=None, after_round=None):
    for _ in range(rounds):
        if before_round:
            before_round()
        for _ in range(calls):
            run()
        if after_round:
            after_round()
    return (0.5,) * rounds


def measured(case, device):
    """Return the record of `case`; it must leave nothing allocated."""
    clean = CleanState(device)
    bench = Bench(device=device, tasks=Tasks(Path("unused")), progress=lambda *_told: None)
    record = measure(case, bench=bench, stopwatch=stopwatch, floor_bytes=clean.floor_bytes)
    clean.check()
    return record


@pytest.mark.parametrize("precision", ["fp32", "bf16"])
def test_a_latency_case_has_event_time_and_peak_memory(cuda, precision):
    record = measured(LatencyCase(architecture="resnet18", px=224, batch=4, precision=precision), cuda)
    assert len(record.samples("event_time_s")) == record.settings["rounds"]
    assert all(0 < seconds < 1 for seconds in record.samples("event_time_s"))
    [peak_bytes] = record.samples("peak_allocated_bytes")
    weights_bytes = 11_181_642 * (2 if precision == "bf16" else 4)
    assert weights_bytes < peak_bytes < 40 * weights_bytes


def test_a_latency_case_says_what_held_the_clocks_back_or_that_it_is_unknown(cuda):
    clocks = measured(LatencyCase(architecture="resnet18", px=224, batch=4), cuda).settings["clocks"]
    assert clocks == "unknown" or (isinstance(clocks, list) and all(isinstance(name, str) for name in clocks))


@pytest.mark.parametrize("name", ["resnet18", "vit_tiny"])
def test_a_training_case_in_bf16_runs_and_leaves_nothing(cuda, name):
    record = measured(TrainingCase(architecture=name, px=32, batch=8, precision="bf16"), cuda)
    assert record.status == "ok"
    assert {"step_time_s", "images_per_s", "peak_allocated_bytes"} <= {m.metric for m in record.measurements}


@pytest.mark.parametrize("mode", ["eager", "compiled"])
def test_an_accuracy_case_learns_the_digits_and_leaves_nothing(cuda, mode):
    case = AccuracyCase(
        architecture="lenet", task="digits", recipe="digits_cnn", num_seeds=1, precision="bf16", mode=mode
    )
    record = measured(case, cuda)
    assert record.samples("test_accuracy")[0] > 0.9


def test_streamed_images_arrive_whole_with_their_labels(cuda):
    labels = np.arange(3_000)
    images = np.broadcast_to((labels % 251).astype(np.uint8)[:, None, None, None], (3_000, 3, 32, 32)).copy()
    streamed = Streamed.of(Split(images=images, labels=labels), cuda, num_classes=3_000)
    generator = torch.Generator(cuda.name).manual_seed(0)
    seen = []
    for block in streamed.shuffled(3_000, 256, generator, epoch=0):
        assert block.images.device == torch.device(cuda.name)
        assert torch.equal(block.targets, block.indices)
        assert bool((block.images == (block.targets % 251).to(torch.uint8)[:, None, None, None]).all())
        seen += block.targets.tolist()
    assert sorted(seen) == labels.tolist()


def test_training_takes_more_memory_than_inference(cuda):
    peaks = [
        measured(MemoryCase(architecture="resnet18", px=224, batch=8, phase=phase), cuda).samples(
            "peak_allocated_bytes"
        )[0]
        for phase in ("inference", "training")
    ]
    assert peaks[1] > peaks[0]


def test_peak_memory_repeats_to_a_percent(cuda):
    case = MemoryCase(architecture="resnet18", px=224, batch=8, phase="training")
    one, other = (measured(case, cuda).samples("peak_allocated_bytes")[0] for _ in range(2))
    assert other == pytest.approx(one, rel=0.01)


def test_a_tensor_larger_than_the_memory_is_out_of_memory_and_leaves_nothing(cuda):
    _, total_bytes = torch.cuda.mem_get_info()
    clean = CleanState(cuda)
    refused = pytest.raises(OutOfMemory, match="out of memory on cuda:0: CUDA out of memory")
    with refused, out_of_memory_as_case_error(cuda):
        torch.empty(total_bytes + 1, dtype=torch.uint8, device=cuda.name)
    clean.check()


def test_a_leaked_tensor_is_named(cuda):
    clean = CleanState(cuda)
    leak = torch.ones(512, 512, device=cuda.name)
    with pytest.raises(Leaked, match=r"1,048,576 bytes .*\(512, 512\) torch.float32 cuda:0"):
        clean.check()
    assert leak.nbytes == MEGABYTE


def test_event_time_grows_with_the_work(cuda):
    small, large = (torch.rand(size, size, device=cuda.name) for size in (256, 8192))
    event_times(lambda: large @ large, rounds=1, iterations=2)
    [short] = event_times(lambda: small @ small, rounds=1, iterations=10)
    [long] = event_times(lambda: large @ large, rounds=1, iterations=10)
    assert long > 10 * short


def test_kernels_fill_a_large_product_and_leave_a_gpu_waiting_in_small_ones(cuda):
    small, large = (torch.rand(size, size, device=cuda.name) for size in (16, 8192))
    [long] = event_times(lambda: large @ large, rounds=1, iterations=10)
    busy = busy_time_s(cuda, lambda: large @ large)
    if busy is None:
        pytest.skip("CUPTI shows no kernel here: it may be denied")
    assert 0.8 * long < busy < 1.1 * long

    def many():
        for _ in range(200):
            small.add_(1)

    many()
    [event] = event_times(many, rounds=1, iterations=3)
    assert busy_time_s(cuda, many) < 0.8 * event


def test_a_copy_is_no_faster_than_memory_and_no_slower_than_a_bus(cuda):
    assert 50e9 < copy_bytes_per_s(cuda) < 20e12


def test_the_peak_is_plausible_and_higher_in_bf16(cuda):
    fp32, bf16 = peak(cuda, "fp32"), peak(cuda, "bf16")
    for found in (fp32, bf16):
        assert 1e12 < found.matmul_flops_per_s < 10e15
        assert 1e12 < found.convolution_flops_per_s < 10e15
    assert bf16.flops_per_s > fp32.flops_per_s


def test_a_case_says_what_binds_it(cuda):
    record = measured(LatencyCase(architecture="resnet18", px=224, batch=4), cuda)
    found = bound_of(record)
    assert found is not None
    assert set(found.shares) >= {"compute", "bandwidth"}
    assert all(0 <= share < 5 for share in found.shares.values())


def test_the_energy_of_a_product_is_plausible_or_unknown_with_a_reason(cuda):
    large = torch.rand(4096, 4096, device=cuda.name)

    def run():
        return large @ large

    run()
    try:
        found = energy_of(run, cuda, run_s=0.01)
    except Unmetered as unmetered:
        pytest.skip(f"energy is unknown here: {unmetered}")
    told = found.settings()
    assert 10 < told["watts"] < 3000
    assert told["seconds"] >= 3
    assert told["samples"] >= 20
    assert all(sample.watts is None or 5 < sample.watts < 3000 for sample in found.samples)


def test_sampling_hardly_slows_what_runs_beside_it(cuda):
    large = torch.rand(4096, 4096, device=cuda.name)
    try:
        meter = meter_of(cuda)
    except Unmetered as unmetered:
        pytest.skip(f"energy is unknown here: {unmetered}")

    def median_s():
        return float(np.median(event_times(lambda: large @ large, rounds=100, iterations=5)))

    median_s()
    alone = median_s()
    with sampling(meter) as samples:
        beside = median_s()
    assert samples
    assert beside < 1.02 * alone


def test_frames_of_a_stream_arrive_whole_and_are_read_as_on_a_cpu(cuda):
    rng = np.random.default_rng(0)
    frames = [rng.integers(0, 256, (300, 400, 3), dtype=np.uint8) for _ in range(7)]
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(), nn.Conv2d(8, 4, 1)).eval()
    expected = [tiled(model, frame, "dense", tile_px=128, batch=4) for frame in frames]
    tiler = Tiler(model=copy.deepcopy(model).to(cuda.name), tile_px=128, batch=4)
    for frame, there, of_cpu in zip(frames, prefetched(iter(frames), cuda), expected, strict=True):
        assert there.device.type == "cuda"
        np.testing.assert_array_equal(there.permute(1, 2, 0).cpu().numpy(), frame)
        torch.testing.assert_close(tiler.dense(there).cpu(), of_cpu, atol=1e-4, rtol=1e-4)


def test_a_result_in_host_memory_is_that_on_the_device(cuda):
    model = nn.Conv2d(3, 4, 1).eval().to(cuda.name)
    frame = torch.randint(0, 256, (3, 200, 300), dtype=torch.uint8)
    tiler, out = Tiler(model=model, tile_px=64, batch=8), torch.empty(4, 200, 300)
    torch.testing.assert_close(tiler.dense(frame, out), tiler.dense(frame).cpu())


@pytest.mark.parametrize("way", ["tiles", "dense", "stream"])
def test_a_tiled_case_has_its_peak_memory(cuda, way):
    case = TiledCase(architecture="resnet18", width=1000, height=700, batch=6, precision="bf16", way=way)
    record = measured(case, cuda)
    [peak_bytes] = record.samples("peak_allocated_bytes")
    assert peak_bytes > 11_181_642 * 2, "the weights alone"


def test_the_budget_is_kept(cuda):
    model = resized(architecture("resnet18"), InputShape(px=256, channels=3, num_classes=10)).eval().to(cuda.name)
    grid = TileGrid(width=2560, height=2560, tile_px=256, overlap=0)
    budget = 500 * MEGABYTE
    batch = batch_within(budget, model, grid, cuda)
    tiles = torch.rand(batch, 3, 256, 256, device=cuda.name)
    with torch.inference_mode():
        assert tiles.nbytes + peak_bytes(cuda, lambda: model(tiles)) <= 1.1 * budget
    assert batch > 1


def test_strips_of_a_frame_answer_as_the_whole_frame(cuda):
    model = resized(architecture("resnet18"), InputShape(px=256, channels=3, num_classes=10)).eval().to(cuda.name)
    frame = torch.randint(0, 256, (3, 1500, 400), dtype=torch.uint8, device=cuda.name)
    whole, strips = (FullFrame(model, height=1500, width=400, strip_px=px) for px in (None, 800))
    assert len(strips.plan.strips) > 1
    torch.testing.assert_close(strips.frame(frame), whole.frame(frame), atol=1e-3, rtol=1e-3)


@pytest.mark.parametrize("name", ["resnet50", "vit_small", "convnext_tiny"])
def test_the_predicted_peak_of_a_training_step_is_near_the_measured_one(cuda, name):
    record = measured(MemoryCase(architecture=name, px=224, batch=32, phase="training"), cuda)
    [predicted], [peak_bytes] = (record.samples(metric) for metric in ("predicted_peak_bytes", "peak_allocated_bytes"))
    assert predicted == pytest.approx(peak_bytes, rel=0.05)


def test_fit_batch_confirms_its_answer_by_steps(cuda, capsys):
    assert main(["fit-batch", "resnet18", "--memory", "2GB", "--device", cuda.name]) == 0
    assert "Confirmed on this GPU: " in capsys.readouterr().out


def test_a_trace_of_a_training_step_divides_the_time_of_the_gpu(cuda, tmp_path):
    found = []

    def trace(subject):
        found.append(record_trace(traced_of(subject), device=cuda, folder=tmp_path, about={}))

    clean = CleanState(cuda)
    bench = Bench(device=cuda, tasks=Tasks(Path("unused")), progress=lambda *_told: None)
    case = TrainingCase(architecture="vit_tiny", px=32, batch=8, precision="bf16")
    measure(case, bench=bench, stopwatch=stopwatch, floor_bytes=clean.floor_bytes, trace=trace)
    clean.check()
    summary = summary_of_file(found[0])
    assert summary.on_gpu
    assert summary.calls > 100
    assert sum(summary.families.values()) == pytest.approx(summary.run_s)
    assert {"forward", "backward", "optimiser"} <= summary.phases.keys()
    assert summary.families["matrix product"] > 0
    assert summary.families["attention"] > 0
    assert any(name.endswith("blocks.0") for name in summary.parts_backward)
