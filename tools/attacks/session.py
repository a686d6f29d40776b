"""The session is turned off, ends without a word, or finds what is not its own."""

from __future__ import annotations

import json

from attacks.steps import (
    CI,
    IN_RERUN,
    REFUSED,
    SKIP_ALL,
    USAGE,
    USUAL,
    Attack,
    Command,
    append,
    conftest,
    gate,
    measure,
    offline,
    write,
)
from attacks.suite import INSECTS, MAMMALS, TIMES

ATTACKS = (
    Attack(
        name="leftover: only.json in --out names another case",
        do=(write("out/only.json", '["other"]'),),
        run=CI,
        exit=REFUSED,
    ),
    Attack(name="leftover: only.json in --out is empty", do=(write("out/only.json", "[]"),), run=CI, exit=REFUSED),
    Attack(
        name="leftover: request.json in --out", do=(write("out/request.json", '{"cases": []}'),), run=CI, exit=REFUSED
    ),
    Attack(
        name="leftover: another run in --out",
        before=(measure("out"),),
        run=(gate(),),
        exit=USAGE,
        says="holds no run yet",
    ),
    Attack(
        name="leftover: reruns of a faster revision in --out",
        do=(USUAL,),
        before=(
            measure("out/rerun-1"),
            measure("out/rerun-2"),
            measure("out/rerun-3"),
            Command("python", ("-c", f"open('times.json', 'w').write({json.dumps({**TIMES, 'bee': 2.56e-6})!r})")),
        ),
        run=CI,
        exit=REFUSED,
    ),
    Attack(name="leftover: a green gate.md in --out", do=(write("out/gate.md", "GREEN"),), run=CI, exit=REFUSED),
    Attack(
        name="leftover: the journal of another run in --out",
        do=(write("out/journal.jsonl", ""),),
        run=(gate(),),
        exit=USAGE,
    ),
    Attack(name="off: -p no:vitcnn-suite", run=(gate("-p", "no:vitcnn-suite"),), exit=REFUSED),
    Attack(
        name="off: -p no:vitcnn-suite in PYTEST_ADDOPTS", run=(gate(PYTEST_ADDOPTS="-p no:vitcnn-suite"),), exit=REFUSED
    ),
    Attack(
        name="off: -p no:vitcnn-suite in the ini",
        do=(append("pytest.ini", "addopts = -p no:vitcnn-suite\n"),),
        run=(gate(),),
        exit=REFUSED,
    ),
    Attack(name="off: -p no:vitcnn.pytest_plugin", run=(gate("-p", "no:vitcnn.pytest_plugin"),), exit=REFUSED),
    Attack(name="off: -p no:benchmark", run=(gate("-p", "no:pytest_benchmark.plugin"),), exit=REFUSED),
    Attack(name="off: -p no:terminal", run=(gate("-p", "no:terminal"),), exit=REFUSED),
    Attack(name="off: -p no:junitxml", run=(gate("-p", "no:junitxml", reruns=1),), exit=REFUSED),
    Attack(name="off: --noconftest", run=(gate("--noconftest"),), exit=REFUSED),
    Attack(name="off: --confcutdir", run=(gate("--confcutdir=benchmarks"),), exit=REFUSED),
    Attack(
        name="off: the conftest no longer switches it on", do=(write("conftest.py", ""),), run=(gate(),), exit=USAGE
    ),
    *(
        Attack(
            name=f"off: a conftest unregisters it in {hook}",
            do=(
                conftest(
                    f"def {hook}:\n"
                    "    for name, plugin in config.pluginmanager.list_name_plugin():\n"
                    "        if type(plugin).__name__ == 'SuiteHooks': config.pluginmanager.unregister(plugin)\n"
                ),
            ),
            run=(gate(),),
            exit=REFUSED,
        )
        for hook in (
            "pytest_configure(config)",
            "pytest_collection_modifyitems(config)",
            "pytest_report_header(config)",
        )
    ),
    Attack(
        name="off: a conftest unregisters both parts",
        do=(
            conftest(
                "def pytest_configure(config):\n"
                "    for name, plugin in config.pluginmanager.list_name_plugin():\n"
                "        if type(plugin).__name__ == 'SuiteHooks' or name == 'vitcnn.pytest_plugin':\n"
                "            config.pluginmanager.unregister(plugin)\n"
            ),
        ),
        run=(gate(),),
        exit=REFUSED,
    ),
    Attack(
        name="off: a conftest sets config.option.gate to None",
        do=(conftest("@pytest.hookimpl(tryfirst=True)\ndef pytest_configure(config): config.option.gate = None"),),
        run=(gate(),),
        exit=REFUSED,
    ),
    Attack(
        name="off: a conftest sets the exit status",
        do=(conftest("def pytest_sessionfinish(session): session.exitstatus = 0"),),
        run=(gate(),),
        exit=REFUSED,
    ),
    Attack(
        name="off: a conftest sets the exit status last",
        do=(conftest("@pytest.hookimpl(trylast=True)\ndef pytest_sessionfinish(session): session.exitstatus = 0"),),
        run=(gate(),),
        exit=REFUSED,
    ),
    Attack(
        name="off: a conftest sets the exit status before anything",
        do=(
            conftest(
                "@pytest.hookimpl(wrapper=True, tryfirst=True)\n"
                "def pytest_sessionfinish(session):\n"
                "    yield\n"
                "    session.exitstatus = 0"
            ),
        ),
        run=(gate(),),
        exit=REFUSED,
    ),
    *(
        Attack(name=f"off: --gate {option}", run=(gate(option),), exit=REFUSED)
        for option in (
            "--collect-only",
            "--co",
            "--fixtures",
            "--markers",
            "--setup-only",
            "--setup-plan",
            "--cache-show",
            "--help",
        )
    ),
    Attack(
        name="off: --collect-only in PYTEST_ADDOPTS",
        run=(gate(PYTEST_ADDOPTS="--collect-only"),),
        exit=USAGE,
        says="--collect-only",
    ),
    Attack(
        name="off: --collect-only in the ini", do=(append("pytest.ini", "addopts = --co\n"),), run=(gate(),), exit=USAGE
    ),
    *(
        Attack(
            name=f"end: {what} in a test",
            do=(write("benchmarks/test_a.py", f"import os, sys, pytest\ndef test_a(): {what}"),),
            run=CI,
            exit=REFUSED,
        )
        for what in ("os._exit(0)", "pytest.exit('x', returncode=0)", "sys.exit(0)", "raise KeyboardInterrupt")
    ),
    *(
        Attack(
            name=f"end: {what} in a conftest",
            do=(write("benchmarks/conftest.py", f"import os, sys, pytest\n{what}"),),
            run=CI,
            exit=REFUSED,
        )
        for what in ("os._exit(0)", "pytest.exit('x', returncode=0)", "sys.exit(0)")
    ),
    *(
        Attack(
            name=f"end: os._exit(0) in {hook}",
            do=(conftest(f"@pytest.hookimpl(tryfirst=True)\ndef {hook}(): os._exit(0)"),),
            run=CI,
            exit=REFUSED,
        )
        for hook in ("pytest_configure", "pytest_sessionstart", "pytest_sessionfinish", "pytest_unconfigure")
    ),
    *(
        Attack(
            name=f"end: pytest.exit(returncode=0) in {hook}",
            do=(conftest(f"def {hook}(): pytest.exit('x', returncode=0)"),),
            run=(gate(),),
            exit=REFUSED,
        )
        for hook in ("pytest_configure", "pytest_sessionstart", "pytest_collection", "pytest_sessionfinish")
    ),
    Attack(
        name="end: os._exit(0) at exit",
        do=(conftest("import atexit; atexit.register(os._exit, 0)"),),
        run=CI,
        exit=REFUSED,
    ),
    Attack(
        name="end: os._exit(0) in a rerun",
        do=(conftest(f"{IN_RERUN}os._exit(0)"),),
        run=(gate(reruns=1),),
        says="INVALID",
    ),
    Attack(
        name="end: SIGTERM while a case runs",
        do=(append(MAMMALS, "    import os, signal; os.kill(os.getpid(), signal.SIGTERM)\n"),),
        run=(gate(),),
        exit=(2,),
    ),
    Attack(
        name="end: SIGKILL while a case runs",
        do=(append(MAMMALS, "    import os, signal; os.kill(os.getpid(), signal.SIGKILL)\n"),),
        run=(gate(),),
        exit=(-9,),
    ),
    Attack(
        name="end: SIGTERM while the run is saved",
        do=(
            conftest(
                "from vitcnn.pytest_plugin import hooks\nsave = hooks.write_json\ndef stopped(*a):\n    os.kill(os.getpid(), signal.SIGTERM)\n    return save(*a)\nhooks.write_json = stopped"
            ),
        ),
        run=(gate(),),
        exit=(1, 2),
    ),
    Attack(
        name="end: SIGKILL while the run is saved",
        do=(
            conftest(
                "from vitcnn.pytest_plugin import hooks\nhooks.write_json = lambda *a: os.kill(os.getpid(), signal.SIGKILL)"
            ),
        ),
        run=(gate(),),
        exit=(-9,),
    ),
    Attack(
        name="end: SIGTERM while suspects are measured again",
        do=(conftest(f"{IN_RERUN}os.kill(os.getppid(), signal.SIGTERM)"),),
        run=(gate(reruns=1),),
        exit=(1, 2),
        says="INVALID",
    ),
    Attack(
        name="end: SIGKILL while suspects are measured again",
        do=(conftest(f"{IN_RERUN}os.kill(os.getppid(), signal.SIGKILL)"),),
        run=(gate(reruns=1),),
        exit=(-9,),
    ),
    Attack(
        name="end: SIGKILL of a rerun",
        do=(conftest(f"{IN_RERUN}os.kill(os.getpid(), signal.SIGKILL)"),),
        run=(gate(reruns=1),),
        says="INVALID",
    ),
    Attack(
        name="end: SIGTERM between two reruns, and the files are judged later",
        do=(conftest(f"{IN_RERUN}import atexit; atexit.register(os.kill, os.getppid(), signal.SIGTERM)"),),
        before=(gate(reruns=2),),
        run=(offline(),),
        exit=(3,),
        says="cut short",
    ),
    Attack(
        name="rerun: the suspect leaves itself out of it",
        do=(conftest(f"{IN_RERUN}collect_ignore = [{INSECTS!r}]"),),
        run=(gate(reruns=1),),
        says="INVALID",
    ),
    Attack(
        name="rerun: the suspect skips itself in it",
        do=(conftest(f"{IN_RERUN}{SKIP_ALL}"),),
        run=(gate(reruns=1),),
        says="INVALID",
    ),
)
