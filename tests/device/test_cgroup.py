import pytest

from vitcnn.device import cgroup
from vitcnn.device.cgroup import cpu_quota, memory_left_bytes

GB = 1 << 30


@pytest.fixture
def files(monkeypatch, tmp_path):
    """Write files below a root that stands in for the machine's: `files({"proc/self/cgroup": "0::/", ...})`."""
    monkeypatch.setattr(cgroup, "ROOT", tmp_path)

    def write(texts):
        for name, text in texts.items():
            path = tmp_path / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    return write


def second(own="/", **limits):
    """Return version 2's files: the process's group, and a file in each of the groups that `limits` name."""
    return {"proc/self/cgroup": f"0::{own}\n", **{f"sys/fs/cgroup/{name}": text for name, text in limits.items()}}


@pytest.mark.parametrize(
    "text, quota", [("200000 100000\n", 2.0), ("150000 100000", 1.5), ("max 100000", None), ("", None)]
)
def test_quota_of_version_2(files, text, quota):
    files(second(**{"cpu.max": text}))
    assert cpu_quota() == quota


@pytest.mark.parametrize("around, own, quota", [("4", "2", 2.0), ("2", "4", 2.0), ("max", "3", 3.0), ("3", "max", 3.0)])
def test_of_nested_groups_the_smallest_limit_counts(files, around, own, quota):
    texts = [text if text == "max" else f"{text}00000" for text in (around, own)]
    limits = {"job/cpu.max": f"{texts[0]} 100000", "job/step/task/cpu.max": f"{texts[1]} 100000"}
    files(second("/job/step/task", **limits))
    assert cpu_quota() == quota


def test_a_limit_beside_the_way_up_is_another_processes(files):
    files(second("/job", **{"job/cpu.max": "max 100000", "other/cpu.max": "100000 100000"}))
    assert cpu_quota() is None


@pytest.mark.parametrize("own", ["/docker/abc", "/../abc"])
def test_a_container_that_sees_the_hosts_name_of_its_group_has_its_limits_at_the_root(files, own):
    files(second(own, **{"cpu.max": "50000 100000"}))
    assert cpu_quota() == 0.5


@pytest.mark.parametrize("mount", ["cpu,cpuacct", "cpu"])
@pytest.mark.parametrize("text, quota", [("250000", 2.5), ("-1", None)])
def test_quota_of_version_1(files, mount, text, quota):
    group = f"sys/fs/cgroup/{mount}/kube/pod"
    process = "9:name=systemd:/\n4:memory:/other\n3:cpu,cpuacct:/kube/pod\n0::/\n"
    files({"proc/self/cgroup": process, f"{group}/cpu.cfs_quota_us": text, f"{group}/cpu.cfs_period_us": "100000\n"})
    assert cpu_quota() == quota


def test_no_groups_no_limits(files):
    assert (cpu_quota(), memory_left_bytes()) == (None, None)


def test_memory_of_version_2_counts_what_can_be_dropped_as_free(files):
    stat = f"anon 5\ninactive_file {GB}\nfile 9\n"
    files(second(**{"memory.max": str(4 * GB), "memory.current": str(3 * GB), "memory.stat": stat}))
    assert memory_left_bytes() == 2 * GB


def test_memory_of_version_1_and_of_the_group_around(files):
    own, around = "sys/fs/cgroup/memory/job/step", "sys/fs/cgroup/memory/job"
    files({"proc/self/cgroup": "4:memory:/job/step\n"})
    files({f"{own}/memory.limit_in_bytes": "9223372036854771712", f"{own}/memory.usage_in_bytes": str(GB)})
    assert memory_left_bytes() is None
    files({f"{around}/memory.limit_in_bytes": str(3 * GB), f"{around}/memory.usage_in_bytes": str(GB)})
    files({f"{around}/memory.stat": f"inactive_file 1\ntotal_inactive_file {GB // 2}\n"})
    assert memory_left_bytes() == 2 * GB + GB // 2


def test_memory_used_up_is_none_left(files):
    files(second(**{"memory.max": "10", "memory.current": "20"}))
    assert memory_left_bytes() == 0
