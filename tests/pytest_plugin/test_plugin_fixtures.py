"""The fixtures device, task, architecture, model, data and measure in a user's own file. One process imports torch."""

import pytest

LATENCY = """
    def test_my_latency(measure, model, data):
        images = data.test.images[:8].float() / 255
        measure.time(lambda: model(images), images=8)
"""

FIXTURES = """
    import pytest
    import torch

    from vitcnn import Architecture, Task

    KEPT = []


    def test_fixtures(measure, device, task, architecture, model, data):
        assert device.name == "cpu" and device.kind == "cpu"
        assert isinstance(task, Task) and task.name == "digits"
        assert isinstance(architecture, Architecture) and architecture.name == "lenet"
        assert not model.training and not any(p.requires_grad for p in model.parameters())
        assert data.train.images.dtype == torch.uint8 and data.train.images.shape[1:] == (1, 28, 28)
        assert data.test.labels.dtype == torch.int64
        images = data.test.images[:2].float()
        assert model(images).shape == (2, 10)
        measure.time(lambda: model(images), images=2)


    def test_leaks(measure, model):
        measure.time(lambda: sum(range(1000)))
        KEPT.append(torch.ones(3, 1000, 50))


    def test_after_the_leak(measure):
        measure.time(lambda: sum(range(1000)))


    def test_fails_with_a_large_tensor(measure):
        large = torch.ones(7, 1000, 50)
        measure.time(lambda: large.sum())
        assert large.sum() == 0


    def test_raises_with_a_large_tensor(measure):
        large = torch.ones(8, 1000, 50)
        measure.time(lambda: large.no_such_method())


    def test_out_of_memory(measure):
        large = torch.ones(9, 1000, 50)

        def run():
            raise RuntimeError(f"[enforce fail] DefaultCPUAllocator: can't allocate memory for {large.shape}")

        measure.time(run)


    def test_after_the_failures(measure):
        measure.time(lambda: torch.ones(2, 1000, 50).sum())


    def test_diverges(measure):
        measure.time(lambda: torch.tensor([1.0, float("nan")]))


    def test_changes_the_number_of_threads(measure):
        torch.set_num_threads(3)
        seen = set()
        measure.time(lambda: seen.add(torch.get_num_threads()))
        assert (seen, torch.get_num_threads()) == ({1}, 3)


    @pytest.mark.parametrize("task", ["digit_anchor_digits"], indirect=True)
    def test_sequences(measure, data):
        assert data.train.images.shape == (1442, 1, 28, 28) and data.train.images.dtype == torch.uint8
        assert data.train.members.shape == (1442, 11) and data.train.members.dtype == torch.int64
        assert data.test.members.min() == -1 and data.test.members.max() < len(data.test.images) == 355
        assert data.test.labels.shape == (355,)
        measure.time(lambda: sum(range(1000)))


    @pytest.mark.parametrize("task", ["digit_anchor_digits"], indirect=True)
    def test_model_of_images_for_sequences(measure, model):
        pass
"""

REFUSED = (
    "architecture: 'lenet' cannot be used. Allowed: architectures that take an anchor and sequence of images, as "
    "digit_anchor_digits asks for. Name one with --arch, or another task with --task."
)

EXPECTED = {
    "test_fixtures[lenet-digits]": ("passed", ""),
    "test_leaks[lenet-digits]": ("leaked", "(3, 1000, 50) torch.float32 cpu"),
    "test_after_the_leak": ("passed", ""),
    "test_fails_with_a_large_tensor": ("failed", "assert tensor(350000.) == 0"),
    "test_raises_with_a_large_tensor": ("failed", "no_such_method"),
    "test_out_of_memory": ("out_of_memory", "choose a smaller batch"),
    "test_after_the_failures": ("passed", ""),
    "test_diverges": ("diverged", "NaN or infinity"),
    "test_changes_the_number_of_threads": ("passed", ""),
    "test_sequences[digit_anchor_digits]": ("passed", ""),
    "test_model_of_images_for_sequences[lenet-digit_anchor_digits]": ("failed", REFUSED),
    "test_my_latency[lenet-digits]": ("passed", ""),
}


@pytest.fixture(scope="module")
def result(new_suite):
    suite = new_suite({"test_fixtures.py": FIXTURES, "theirs/test_latency.py": LATENCY})
    return suite.run("--arch=lenet", "--task=digits", "--device=cpu", "test_fixtures.py", "theirs", models=True)


@pytest.mark.parametrize("name", EXPECTED)
def test_outcome_and_reason(result, name):
    outcome, reason = EXPECTED[name]
    ended = result.case(name)
    assert (ended.outcome, reason in ended.reason) == (outcome, True), ended.reason


def test_nothing_else_ran(result):
    assert list(result.outcomes) == list(EXPECTED)
    assert result.exit_code == pytest.ExitCode.TESTS_FAILED


def test_the_ten_line_benchmark_leaves_a_full_record(result):
    record = result.case("test_my_latency[lenet-digits]").record
    assert record.case == "theirs/test_latency.py::test_my_latency[lenet-digits]"
    assert (record.architecture, record.family, record.settings["images"]) == ("lenet", "cnn", 8)
    assert {m.metric: m.unit for m in record.measurements} == {
        "latency_s": "s",
        "images_per_s": "image/s",
        "operators": "1",
        "allocated_bytes": "B",
        "synchronisations": "1",
    }


def test_a_leak_is_named_with_its_size_and_what_to_do(result):
    reason = result.case("test_leaks[lenet-digits]").reason
    assert "600,000 bytes" in reason
    assert "drop the references" in reason


def test_a_benchmark_of_ones_own_runs_over_both_families_by_default(suite):
    suite.write("test_latency.py", LATENCY)
    assert suite.collect() == ["resnet18-digits", "vit_tiny-digits"]
    assert suite.collect("--arch=lenet,vit_micro") == ["lenet-digits", "vit_micro-digits"]
