import pytest

from vitcnn.pytest_plugin.keywords import keyword_advice


@pytest.mark.parametrize(
    "keyword, number", [("latency and 32", "32"), ("224", "224"), ("not (28 or lenet)", "28"), ("lenet and(16)", "16")]
)
def test_a_bare_number_is_advised_against(keyword, number):
    (line,) = keyword_advice(keyword)
    assert f"write /{number}/ for images of {number} px, /b{number}/ for batches of {number}" in line


@pytest.mark.parametrize(
    "keyword", ["", "latency and /32/", "b16", "test_case and 1", "resnet18 or 3840x2160", "fp32", "not accuracy"]
)
def test_what_is_no_bare_number_is_left_alone(keyword):
    assert keyword_advice(keyword) == []
