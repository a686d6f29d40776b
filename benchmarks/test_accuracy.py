"""How accurate after short training from scratch, and how long does that take? Three seeds; the last epoch counts."""

from vitcnn import AccuracyCase

CASES = (
    AccuracyCase(architecture="lenet", task="digits", recipe="digits_cnn"),
    AccuracyCase(architecture="vit_micro", task="digits", recipe="digits_vit"),
    AccuracyCase(architecture="resnet18", task="digits", recipe="digits_deep", precision="bf16", preset="standard"),
    AccuracyCase(architecture="vit_tiny", task="digits", recipe="digits_deep", precision="bf16", preset="standard"),
)


def test_accuracy(case, measure):
    measure(case)
