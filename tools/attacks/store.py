"""The stored baseline is damaged, edited, hidden or replaced."""

from __future__ import annotations

import shutil
from pathlib import Path

from attacks.steps import REFUSED, USAGE, Attack, append, edit, gate, measure, pytest_, stored, with_stored
from attacks.suite import STORE

ATTACKS = (
    Attack(
        name="store: --out inside it",
        before=(pytest_("benchmarks", f"--out={STORE}/mine"),),
        run=(gate(),),
        exit=REFUSED,
    ),
    Attack(
        name="store: --out inside it, with --gate",
        run=(pytest_("benchmarks", "--gate", "--gate-reruns=0", f"--out={STORE}/mine"),),
        exit=USAGE,
        says="--out",
    ),
    Attack(
        name="store: --out inside it by a link",
        do=(lambda root: (root / "link").symlink_to(root / STORE),),
        run=(pytest_("benchmarks", "--gate", "--gate-reruns=0", "--out=link/mine"),),
        exit=USAGE,
    ),
    Attack(
        name="store: --benchmark-json inside it, with --gate",
        run=(gate(f"--benchmark-json={STORE}/mine.json"),),
        exit=USAGE,
        says="--benchmark-json",
    ),
    Attack(
        name="store: --benchmark-json inside it",
        before=(measure("out0", f"--benchmark-json={STORE}/mine.json"),),
        run=(gate(),),
        exit=REFUSED,
    ),
    Attack(name="store: --benchmark-autosave", run=(gate("--benchmark-autosave"),), exit=USAGE),
    Attack(name="store: --benchmark-save", run=(gate("--benchmark-save=x"),), exit=USAGE),
    Attack(
        name="store: --benchmark-autosave in the ini",
        do=(append("pytest.ini", "addopts = --benchmark-autosave\n"),),
        run=(gate(),),
        exit=USAGE,
    ),
    Attack(name="store: it is in no files", run=(gate("--benchmark-storage=elasticsearch+http://x/y"),), exit=USAGE),
    Attack(name="store: an empty one is named", run=(gate("--benchmark-storage=file://./empty"),), says="INVALID"),
    Attack(name="store: it is gone", do=(lambda root: shutil.rmtree(root / STORE),), run=(gate(),), says="INVALID"),
    Attack(name="store: one run is named", run=(gate("--benchmark-compare=0003"),), exit=USAGE),
    Attack(
        name="store: a file is cut off",
        do=(with_stored(2, lambda path: path.write_text(path.read_text()[:900])),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a file is empty",
        do=(with_stored(2, lambda path: path.write_text("")),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a file has no vitcnn section",
        do=(with_stored(2, lambda path: path.write_text('{"benchmarks": []}')),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a file cannot be read",
        do=(with_stored(2, lambda path: (path.unlink(), path.mkdir())),),
        run=(gate(),),
        exit=REFUSED,
    ),
    Attack(
        name="store: NaN in a file",
        do=(edit(lambda run: run["cases"][0]["record"]["measurements"][0].update(samples=[float("nan")]), 0),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(name="store: another schema", do=(edit(lambda run: run.update(schema=1)),), run=(gate(),), says="INVALID"),
    Attack(
        name="store: of another device",
        do=(edit(lambda run: run["environment"].update(device_key="nvidia-h200")),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: with other numerics",
        do=(edit(lambda run: run["environment"]["numerics"].update(tf32=True)),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a case twice in one file",
        do=(
            edit(
                lambda run: run["cases"].append(
                    {
                        **run["cases"][1],
                        "record": {
                            **run["cases"][1]["record"],
                            "measurements": [
                                {**m, "samples": [2.6e-6]} for m in run["cases"][1]["record"]["measurements"]
                            ],
                        },
                    }
                )
            ),
        ),
        run=(gate(),),
        exit=REFUSED,
        says="INVALID",
    ),
    Attack(
        name="store: two commits in one recording",
        do=(edit(lambda run: run["environment"].update(git_commit="f" * 40), 4),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a copy of a run",
        do=(with_stored(0, lambda path: shutil.copy(path, path.with_name("0009_first.json"))),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a dangling link",
        do=(with_stored(0, lambda path: path.with_name("0009_new.json").symlink_to("nowhere.json")),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a file moved behind a dangling link",
        do=(with_stored(4, lambda path: (path.unlink(), path.symlink_to("/nowhere/x.json"))),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: runs in a linked folder",
        do=(
            lambda root: (
                (root / STORE).rename(root / "elsewhere"),
                (root / STORE).mkdir(),
                [(root / STORE / path.name).mkdir() for path in (root / "elsewhere").iterdir()],
                [
                    (root / STORE / path.parent.name / path.name).symlink_to(path)
                    for path in (root / "elsewhere").glob("*/*")
                ],
            ),
        ),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a newer recording in a linked folder",
        do=(
            lambda root: (
                shutil.copytree(stored(root)[0].parent, root / "elsewhere"),
                stored(root)[0].parent.with_name("linked").symlink_to(root / "elsewhere"),
            ),
        ),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: the suffix .JSON",
        do=(with_stored(0, lambda path: path.rename(path.with_suffix(".JSON"))),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a hidden file",
        do=(with_stored(0, lambda path: path.rename(path.with_name(f".{path.name}"))),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a hidden folder",
        do=(with_stored(0, lambda path: path.parent.rename(path.parent.with_name(".hidden"))),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a run of a recording deleted", do=(with_stored(3, Path.unlink),), run=(gate(),), says="INVALID"
    ),
    Attack(
        name="store: began in the future",
        do=(edit(lambda run: run.update(started=f"9{run['started'][1:]}"), 0),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: all began in the future",
        do=(edit(lambda run: run.update(started=f"9{run['started'][1:]}")),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: without a date", do=(edit(lambda run: run.update(started=""), 0),), run=(gate(),), says="INVALID"
    ),
    Attack(
        name="store: a date that is none",
        do=(edit(lambda run: run.update(started="yesterday"), 0),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: a date without a time zone",
        do=(edit(lambda run: run.update(started=run["started"][:19]), 0),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="store: the slower run recorded by hand, then judged",
        before=(measure("out0", "--benchmark-save=first"),),
        run=(gate(),),
        exit=REFUSED,
        says="INVALID",
    ),
    Attack(
        name="store: two suites with baselines of their own",
        do=(
            lambda root: shutil.copytree(root / "benchmarks", root / "other"),
            lambda root: [
                path.rename(path.with_name(f"{path.stem}_b.py")) for path in (root / "other").rglob("test_*.py")
            ],
        ),
        run=(gate(on=["other", "benchmarks"]),),
        exit=USAGE,
        says="one folder with baseline",
    ),
)
