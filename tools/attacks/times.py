"""A case that is slower, or whose time means something else."""

from __future__ import annotations

from attacks.steps import (
    REFUSED,
    USUAL,
    Attack,
    append,
    conftest,
    gate,
    measure,
    offline,
    replace_in,
    times,
    write,
)
from attacks.suite import INSECTS, TIMES

ATTACKS = (
    Attack(name="slower by 28 %", run=(gate(),), says="1 WORSE"),
    Attack(name="slower by 28 %, from the files", run=(measure("out"), offline()), says="1 WORSE"),
    Attack(name="slower by 28 %, measured again", run=(gate(reruns=1),), says="1 WORSE"),
    Attack(name="slower by 28 %, judged twice", before=(gate(),), run=(gate("--out=out2"),), says="1 WORSE"),
    Attack(
        name="all slower by 28 %",
        do=(times(**{name: 1.28 * s for name, s in TIMES.items()}),),
        run=(gate(),),
        says="5 WORSE",
    ),
    Attack(name="slower by 28 %, a mode that forgives", run=(gate("--gate=allow-new"),), says="1 WORSE"),
    Attack(
        name="ten times slower, xfail",
        do=(
            times(bee=2e-5),
            replace_in(INSECTS, "@pytest.mark.benchmark", "@pytest.mark.xfail\n@pytest.mark.benchmark"),
        ),
        run=(gate(),),
    ),
    Attack(
        name="now and then: every third call takes five times as long",
        do=(
            USUAL,
            append(
                "scripted.py",
                """
def taking(name, quick=taking, calls=[0]):
    run = quick(name)
    def now_and_then():
        calls[0] += 1
        for _ in range(5 if name == "cat" and calls[0] % 3 == 0 else 1):
            run()
    return now_and_then
""",
            ),
        ),
        run=(gate(reruns=2),),
        says="1 WORSE",
    ),
    Attack(
        name="in company: a case slows one after it in the same process",
        do=(
            USUAL,
            append(
                "scripted.py",
                """
def taking(name, quick=taking, seen=set()):
    run = quick(name)
    def in_company():
        seen.add(name)
        for _ in range(2 if name == "cat" and "bee" in seen else 1):
            run()
    return in_company
""",
            ),
        ),
        run=(gate(reruns=2),),
        says="1 WORSE",
    ),
    Attack(
        name="repeated: a conftest runs each test twice, and the second one is quick",
        do=(
            conftest(
                "from _pytest.runner import runtestprotocol\n"
                "@pytest.hookimpl(tryfirst=True)\n"
                "def pytest_runtest_protocol(item):\n"
                "    runtestprotocol(item, log=False)"
            ),
        ),
        run=(gate(),),
        says="FAILED",
    ),
    Attack(
        name="nothing runs: the function became a generator",
        do=(
            append(
                "scripted.py",
                "\n\nusual = taking\ndef taking(name):\n    run = usual(name)\n    return lambda: (run() for _ in 'a')\n",
            ),
        ),
        run=(gate(),),
        slow=False,
        says="FAILED",
    ),
    Attack(
        name="clock: garbage is no longer collected",
        do=(append("pytest.ini", "addopts = --benchmark-disable-gc\n"),),
        run=(gate(),),
        slow=False,
        says="garbage",
    ),
    *(
        Attack(name=f"clock: {what}", do=(conftest(code),), run=(gate(),), slow=False, says="INVALID")
        for what, code in {
            "garbage is collected seldom": "import gc; gc.set_threshold(100_000)",
            "memory is traced": "import tracemalloc; tracemalloc.start()",
        }.items()
    ),
    *(
        Attack(
            name=f"clock: the work goes on after the call, {what}",
            do=(replace_in(INSECTS, "taking(name)", code),),
            run=(gate(),),
            slow=False,
            says="FAILED",
        )
        for what, code in {
            "in a generator": "lambda: (work() for work in [taking(name)])",
            "in an iterator of a tuple": "lambda: (map(lambda work: work(), [taking(name)]), 1)",
            "in a future": "lambda: (taking(name)(), __import__('concurrent.futures').futures.Future())[1]",
        }.items()
    ),
    Attack(
        name="clock: another of the same name",
        do=(
            replace_in(
                INSECTS,
                "from scripted import scripted_clock, taking",
                "from scripted import taking\nfrom other import scripted_clock",
            ),
            write("other.py", "from scripted import clock\ndef scripted_clock():\n    return clock[0] / 2\n"),
        ),
        run=(gate(),),
        says="-> other.scripted_clock",
    ),
    Attack(name="timing: --benchmark-disable", run=(gate("--benchmark-disable"),), says="INVALID"),
    Attack(name="timing: --benchmark-skip", run=(gate("--benchmark-skip"),), says="5 MISSING"),
    Attack(name="timing: xdist", run=(gate("-p", "xdist", "-n2"),), says="INVALID"),
    Attack(
        name="timing: xdist with its plugin from the environment",
        run=(gate("-n1", PYTEST_PLUGINS="pytest_benchmark.plugin,xdist.plugin"),),
        exit=REFUSED,
    ),
    Attack(name="timing: the variable of an xdist worker", run=(gate(PYTEST_XDIST_WORKER="gw0"),), exit=REFUSED),
    Attack(
        name="timing: another clock",
        do=(replace_in(INSECTS, "timer=scripted_clock", "timer=lambda: scripted_clock()"),),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(name="timing: --benchmark-timer", run=(gate("--benchmark-timer=time.process_time"),)),
    Attack(name="timing: another number of threads", run=(gate(OMP_NUM_THREADS="2"),), exit=REFUSED),
    Attack(name="timing: the times are NaN", do=(times(bee=float("nan")),), run=(gate(),), exit=REFUSED),
    Attack(name="timing: the times are infinite", do=(times(bee=float("inf")),), run=(gate(),), exit=REFUSED),
    Attack(name="timing: the times are zero", do=(times(bee=0.0),), run=(gate(),), exit=REFUSED),
    Attack(name="timing: the clock runs backwards", do=(times(bee=-2e-6),), run=(gate(),), exit=REFUSED),
    Attack(
        name="timing: nothing is measured in the test",
        do=(replace_in(INSECTS, "    measure.time", "    return\n    measure.time"),),
        run=(gate(),),
        says="FAILED",
    ),
    Attack(
        name="meaning: the direction is turned round",
        do=(
            conftest("from vitcnn.metrics.rounds import LATENCY_S\nobject.__setattr__(LATENCY_S, 'better', 'higher')"),
        ),
        run=(gate(),),
        says="INVALID",
    ),
    Attack(
        name="meaning: another unit",
        do=(conftest("from vitcnn.metrics.rounds import LATENCY_S\nobject.__setattr__(LATENCY_S, 'unit', 'ms')"),),
        run=(gate(),),
        slow=False,
        says="INVALID",
    ),
    Attack(
        name="meaning: the metric is gone",
        do=(
            conftest(
                "from vitcnn import record\n_of = record.Record.__init__\ndef without(self, **k):\n    k['measurements'] = tuple(m for m in k.get('measurements', ()) if m.metric != 'latency_s')\n    _of(self, **k)\nrecord.Record.__init__ = without"
            ),
        ),
        run=(gate(),),
        says="nothing was judged",
    ),
)
