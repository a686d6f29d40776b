import platform
import subprocess

import pynvml
import pytest
import torch

from vitcnn.device import environment, numerics
from vitcnn.device.environment import NUMERICS
from vitcnn.record import Run


def git(folder, *arguments):
    author = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
    subprocess.run(["git", "-C", folder, *author, *arguments], check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    git(tmp_path, "init")
    (tmp_path / "file").write_text("1", encoding="utf-8")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "first")
    return tmp_path


def flags():
    cuda, cudnn = torch.backends.cuda.matmul, torch.backends.cudnn
    return torch.get_num_threads(), cuda.allow_tf32, cudnn.allow_tf32, cudnn.benchmark


def test_numerics_are_fixed_inside_and_restored_after(cpu, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    torch.set_num_threads(2)
    before = flags()
    with numerics(cpu):
        assert flags() == (1, False, False, True)
        assert NUMERICS == {"tf32": False, "cudnn_benchmark": True}
    assert flags() == before


@pytest.mark.parametrize("allowed", [True, False])
def test_numerics_are_restored_after_an_error(cpu, allowed):
    before = torch.backends.cuda.matmul.allow_tf32
    torch.backends.cuda.matmul.allow_tf32 = allowed
    try:
        outside = flags()
        with pytest.raises(KeyError), numerics(cpu):
            raise KeyError
        assert flags() == outside
    finally:
        torch.backends.cuda.matmul.allow_tf32 = before


NEWER = {
    "all": torch.backends,
    "all of CUDA": torch.backends.cudnn,
    "products": torch.backends.cuda.matmul,
    "convolutions": torch.backends.cudnn.conv,
    "recurrent networks": torch.backends.cudnn.rnn,
    "products on a CPU": torch.backends.mkldnn.matmul,
}
"""What torch's newer settings are about."""


def newer():
    return {name: settings.fp32_precision for name, settings in NEWER.items()}


@pytest.fixture
def precision():
    """Put torch's settings back, those of all first."""
    before, older = newer(), torch.get_float32_matmul_precision()
    yield
    torch.backends.fp32_precision = torch.backends.cudnn.fp32_precision = "none"
    torch.set_float32_matmul_precision(older)
    torch.backends.cudnn.allow_tf32 = True
    for name, settings in NEWER.items():
        settings.fp32_precision = before[name]
    assert newer() == before


@pytest.mark.parametrize("about", NEWER)
@pytest.mark.parametrize("value", ["tf32", "ieee"])
def test_full_precision_is_fixed_where_the_caller_uses_torchs_newer_settings(cpu, precision, about, value):
    NEWER[about].fp32_precision = value
    before = newer()
    with numerics(cpu):
        assert flags()[1:] == (False, False, True)
        assert torch.get_float32_matmul_precision() == "highest"
        assert set(newer().values()) <= {"ieee", "none"}
        with torch.backends.cudnn.flags(benchmark=False, allow_tf32=False):
            pass  # torch reads its older settings here
    assert newer() == before


@pytest.mark.parametrize("value", ["highest", "high", "medium"])
def test_the_precision_of_products_is_restored(cpu, precision, value):
    torch.set_float32_matmul_precision(value)
    before = newer()
    with numerics(cpu):
        assert set(newer().values()) <= {"ieee", "none"}
    assert torch.get_float32_matmul_precision() == value
    assert newer() == before


def test_environment_of_a_cpu(cpu, repository):
    found = environment(cpu, repository)
    assert (found.device_key, found.device) == ("cpu-test-1t", "cpu")
    assert found.torch == torch.__version__.split("+")[0]
    assert found.python == platform.python_version()
    assert (found.gpu, found.driver, found.cuda) == ("", "", "")
    assert found.numerics == NUMERICS
    assert Run.from_json(Run(environment=found, cases=()).to_json()).environment == found


def test_revision_and_changes_come_from_git(cpu, repository):
    head = subprocess.run(["git", "-C", repository, "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    clean = environment(cpu, repository)
    assert (clean.git_commit, clean.git_dirty) == (head.stdout.strip(), False)
    (repository / "file").write_text("2", encoding="utf-8")
    assert environment(cpu, repository).git_dirty is True


def test_each_change_that_is_not_committed_is_another_revision(cpu, repository):
    revisions = []
    for text in ("1", "2", "3"):
        (repository / "file").write_text(text, encoding="utf-8")
        revisions.append(environment(cpu, repository))
    assert len({found.revision for found in revisions}) == 3
    assert "with uncommitted changes" in revisions[-1].revision
    assert len({found.git_commit for found in revisions}) == 1


def test_a_new_file_that_git_does_not_know_is_no_change(cpu, repository):
    (repository / "results.json").write_text("{}", encoding="utf-8")
    assert environment(cpu, repository).git_dirty is False


def test_without_a_repository_the_revision_is_unknown(cpu, tmp_path):
    found = environment(cpu, tmp_path)
    assert (found.git_commit, found.git_dirty) == ("", None)


def test_without_git_the_revision_is_unknown(cpu, repository, monkeypatch):
    monkeypatch.setenv("PATH", "")
    found = environment(cpu, repository)
    assert (found.git_commit, found.git_dirty) == ("", None)


def test_environment_of_a_gpu(cuda, two_gpus, tmp_path, monkeypatch):
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda name: {"cuda:0": "NVIDIA H200"}[name])
    monkeypatch.setattr(torch.version, "cuda", "12.9")
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlSystemGetDriverVersion", lambda: "580.65")
    found = environment(cuda, tmp_path)
    assert (found.device, found.gpu, found.driver, found.cuda) == ("cuda", "NVIDIA H200", "580.65", "12.9")


def test_a_driver_that_refuses_is_unknown(cuda, two_gpus, tmp_path, monkeypatch):
    def refuse():
        raise pynvml.NVMLError_NoPermission

    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _name: "NVIDIA H200")
    monkeypatch.setattr(pynvml, "nvmlInit", refuse)
    assert environment(cuda, tmp_path).driver == ""
