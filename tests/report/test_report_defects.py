from dataclasses import replace

from record_builders import accuracy, measurement, run_of

from vitcnn.report.defects import defects
from vitcnn.report.tradeoffs import tradeoffs

WIDE = 500


def record(architecture, *, recall, iou=(0.25, 0.35), num_train=500, overlap=0.1, recipe="photos_cnn"):
    """Return the record of a defects case of two seeds."""
    plain = accuracy(architecture, right=[[1] * 40] * 2, task="defects", recipe=recipe)
    said = {"question": "defects", "num_train_images": num_train, "overlap": overlap, "training": {"name": recipe}}
    said |= {"precision": "fp32", "mode": "eager"}
    scores = {"unit": "1", "better": "higher", "tolerance": 0.01}
    measured = (measurement("defect_recall", *recall, **scores), measurement("defect_iou", *iou, **scores))
    return replace(plain, settings={**plain.settings, **said}, measurements=(*plain.measurements, *measured))


def rows_of(text):
    return [line.split() for line in text.splitlines()]


def test_a_table_has_a_row_for_each_number_of_tiles_and_overlap():
    few, many = record("lenet", recall=(0.1, 0.3)), record("lenet", recall=(0.5, 0.7), num_train=5_000, overlap=0.25)
    rows = rows_of(defects(run_of(few, many, record("vit_micro", recall=(0.0, 0.1))), width=WIDE))
    assert rows[0][:6] == ["Defects", "found", "on", "frames", "of", "defects"]
    assert rows[1] == ["trained", "on", "lenet", "vit_micro"]
    assert rows[3] == ["500", "tiles,", "overlap", "10", "%", "20.0", "(30.0)", "5.0", "(30.0)"]
    assert rows[4] == ["5,000", "tiles,", "overlap", "25", "%", "60.0", "(30.0)", "-"]


def test_two_recipes_of_one_architecture_have_columns_of_their_own():
    text = defects(run_of(record("lenet", recall=(0.1,)), record("lenet", recall=(0.9,), recipe="other")), width=WIDE)
    rows = rows_of(text)
    assert rows[1][2:] == ["lenet", "photos_cnn", "fp32", "eager", "lenet", "other", "fp32", "eager"]
    assert rows[3][-4:] == ["10.0", "(30.0)", "90.0", "(30.0)"]


def test_without_a_record_there_is_no_text():
    assert defects(run_of(accuracy("lenet", right=[[1] * 40])), width=WIDE) == ""


def test_sentences_do_not_compare_tiles_that_are_balanced():
    both = run_of(record("lenet", recall=(0.1,)), record("vit_micro", recall=(0.2,)))
    assert tradeoffs(both, {}) == []
