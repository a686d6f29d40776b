import pytest

from vitcnn.report.step_summary import write_markdown


@pytest.fixture(autouse=True)
def outside_of_github(monkeypatch):
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)


def test_without_a_folder_and_outside_of_github_nothing_is_written(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_markdown("# text\n", None)
    assert not list(tmp_path.iterdir())


def test_gate_md_is_replaced_and_nothing_else_is_left(tmp_path):
    for text in ("# first, longer\n", "# µ\n"):
        write_markdown(text, tmp_path / "out")
    assert [(path.name, path.read_text(encoding="utf-8")) for path in (tmp_path / "out").iterdir()] == [
        ("gate.md", "# µ\n")
    ]


def test_the_summary_is_appended_to(tmp_path, monkeypatch):
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    for text in ("# first\n", "# second\n"):
        write_markdown(text, None)
    assert (tmp_path / "summary").read_text(encoding="utf-8") == "# first\n\n# second\n\n"


def test_what_cannot_be_written_is_a_warning_and_the_other_is_written(tmp_path, monkeypatch, capsys):
    (tmp_path / "file").touch()
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(tmp_path / "summary"))
    write_markdown("# text\n", tmp_path / "file" / "out")
    assert f"vitcnn: warning: {tmp_path / 'file' / 'out' / 'gate.md'}: cannot be written" in capsys.readouterr().err
    assert (tmp_path / "summary").read_text(encoding="utf-8") == "# text\n\n"


def test_a_gate_md_that_cannot_be_replaced_leaves_no_partial_file(tmp_path, capsys):
    (tmp_path / "gate.md" / "in the way").mkdir(parents=True)
    write_markdown("# text\n", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["gate.md"]
    assert "the verdict stands" in capsys.readouterr().err
