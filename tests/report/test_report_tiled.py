from dataclasses import replace

from record_builders import latency, measurement, record, run_of, tiled

from vitcnn.report.tiled import tiled as section


def rows(text):
    return [[cell.strip() for cell in line.split("  ") if cell.strip()] for line in text.splitlines()]


def test_each_size_and_way_of_an_architecture_has_its_row_and_its_time_of_a_megapixel():
    text = section(
        run_of(
            tiled("resnet18", 2.0736),
            tiled("resnet18", 0.5184, width=1920, height=1080, peak=5e8, utilisation=0.25),
            tiled("resnet18", 4.1472, way="dense"),
            tiled("vit_tiny", 3.0),  # of one size, in one way: it stands in the table of all architectures alone
            latency("vit_tiny", 1.0),
        ),
        width=120,
    )
    how = "fp32/eager, b5"
    assert rows(text)[-3:] == [
        ["resnet18", "3840x2160", "dense", how, "4.15", "500", "-", "-"],
        ["resnet18", "1920x1080", "tiles", how, "0.518", "250", "25.0", "500"],
        ["resnet18", "3840x2160", "tiles", how, "2.07", "250", "-", "-"],
    ]
    assert "vit_tiny" not in text
    assert "peak" not in section(run_of(tiled("resnet18", 2.0), tiled("resnet18", 1.0, way="dense")), width=120)


def test_frames_that_are_taken_whole_stand_beside_those_in_tiles():
    whole = record(
        "full_frame/resnet18/3840x2160/fp32/eager",
        measurement("frame_time_s", 1.0),
        question="full_frame",
        width=3840,
        height=2160,
        num_strips=1,
        precision="fp32",
        mode="eager",
    )
    strips = replace(whole, settings={**whole.settings, "num_strips": 3})
    text = section(run_of(tiled("resnet18", 2.0), whole, strips), width=120)
    assert [row[2:5] for row in rows(text)[-3:]] == [
        ["3 strips", "fp32/eager", "1.00"],
        ["tiles", "fp32/eager, b5", "2.00"],
        ["whole", "fp32/eager", "1.00"],
    ]


def test_a_frame_that_has_no_column_of_the_table_stands_here_even_alone():
    (_, *of_lenet), (_, *of_tiny) = rows(
        section(run_of(tiled("lenet", 0.5, width=640, height=360), tiled("vit_tiny", 3.0, way="dense")), width=120)
    )[-2:]
    assert (of_lenet[:2], of_tiny[:2]) == (["640x360", "tiles"], ["3840x2160", "dense"])


def test_one_way_alone_has_no_table_of_its_own():
    assert section(run_of(tiled("resnet18", 2.0), tiled("vit_tiny", 3.0)), width=120) == ""
    assert section(run_of(latency("vit_tiny", 1.0)), width=120) == ""


def test_a_noisy_time_is_marked_and_the_mark_explained():
    text = section(run_of(tiled("resnet18", 1.0, 1.0, 5.0), tiled("resnet18", 1.0, way="dense")), width=120)
    assert "1.00~" in text
    assert "~ noisy time" in text
