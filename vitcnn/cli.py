"""Run the suite, list what can be measured, check this machine, record baselines and compare runs."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib.metadata import version

from vitcnn.commands import (
    adapt,
    baseline,
    compare,
    completion,
    fetch,
    fit_batch,
    gate,
    noise,
    pretrain,
    run,
    table,
    tile,
    trace,
)
from vitcnn.commands.output import forget_output, plain_warnings
from vitcnn.commands.paths import GivenPath
from vitcnn.commands.pytest_arguments import CommandParser, require_fit
from vitcnn.errors import BaselineError, CaseError, NotMeasurable, NotWritten, RecordError, RunFailed, UserError
from vitcnn.spec import PRESETS
from vitcnn.suite import default_suite

FAILED, USAGE, INTERRUPTED = 1, 2, 130
LISTS = ("architectures", "tasks", "recipes", "cases")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return 0 for success, 1 if the command fails, 2 if its input is not valid."""
    try:
        options = parser().parse_args(arguments)
        require_fit(getattr(options, "arguments", ()))
        with plain_warnings():
            return int(options.run(options))
    except UserError as error:
        print(f"vitcnn: {error}", file=sys.stderr)
        return USAGE
    except (BaselineError, CaseError, NotMeasurable, NotWritten, RecordError, RunFailed) as error:
        print(f"vitcnn: {error}", file=sys.stderr)
        return FAILED
    except KeyboardInterrupt:
        print("vitcnn: interrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # `vitcnn list cases | head`
        forget_output()
        return 0


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    root = argparse.ArgumentParser(prog="vitcnn", description=__doc__)
    root.add_argument("--version", action="version", version=f"vitcnn {version('vitcnn')}")
    completion.add_to(root)
    commands = root.add_subparsers(required=True, metavar="COMMAND", parser_class=CommandParser)

    run.add_to(commands)

    listed = commands.add_parser("list", help="list the architectures, tasks, recipes or cases")
    listed.add_argument("what", choices=LISTS, help="what to list")
    listed.add_argument(
        "--preset", choices=PRESETS, default="full", help="list the cases of this preset; default: full"
    )
    sources_help = "also show where each architecture, task or recipe comes from"
    listed.add_argument("--sources", action="store_true", help=sources_help)
    listed.set_defaults(run=run_list)

    doctor = commands.add_parser("doctor", help="check whether this machine can run all cases of a preset")
    preset_help = "the preset to check; default: smoke on a CPU, standard on CUDA"
    doctor.add_argument("--preset", choices=PRESETS, help=preset_help)
    device_help = "the device to check: auto, cpu, cuda or cuda:N; default: auto"
    doctor.add_argument("--device", default="auto", metavar="NAME", help=device_help)
    doctor.set_defaults(run=run_doctor)

    fetch.add_to(commands)
    adapt.add_to(commands)
    pretrain.add_to(commands)
    tile.add_to(commands)
    fit_batch.add_to(commands)
    baseline.add_to(commands)
    gate.add_to(commands)
    compare.add_to(commands)
    noise.add_to(commands)
    table.add_to(commands)
    trace.add_to(commands)

    for command in (listed, doctor):
        command.add_argument(
            "--suite",
            action=GivenPath,
            metavar="DIR",
            help="the folder that contains the cases; default: benchmarks, or the package's own suite",
        )
    for command in (listed, doctor):
        command.add_argument(
            "--data-root",
            action=GivenPath,
            metavar="DIR",
            help="the folder for data sets; default: $VITCNN_DATA, or vitcnn/data in the user's cache folder",
        )
    return root


def run_list(options: argparse.Namespace) -> int:
    """Print a table of the catalogue, or the cases of a preset."""
    from vitcnn.commands import listing
    from vitcnn.tasks import Tasks, data_root

    if options.what == "architectures":
        print(listing.list_architectures(sources=options.sources))
    elif options.what == "tasks":
        print(listing.list_tasks(Tasks(data_root(options.data_root)), sources=options.sources))
    elif options.what == "recipes":
        print(listing.list_recipes(sources=options.sources))
    else:
        print(listing.list_cases(options.suite or default_suite(), options.preset))
    return 0


def run_doctor(options: argparse.Namespace) -> int:
    """Print the diagnosis; return 1 if a case of the preset cannot run."""
    from vitcnn.commands.doctor import diagnose
    from vitcnn.device import resolve
    from vitcnn.suite import cases_in, of_preset
    from vitcnn.tasks import Tasks, data_root

    suite = options.suite or default_suite()
    device = resolve(options.device)
    cases = of_preset(cases_in(suite), options.preset or device.default_preset)
    text, whole = diagnose(device, Tasks(data_root(options.data_root)), cases)
    print(text)
    return 0 if whole else FAILED
