"""`vitcnn baseline`: record what runs are judged by, show it, and remove what is no longer needed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from vitcnn.commands.paths import GivenPath
from vitcnn.commands.pytest_arguments import HELP, USAGE
from vitcnn.gate.baseline import FOLDER, Recording, baseline_of, files_without_use, recordings, removable
from vitcnn.suite import DEFAULT_FOLDER, default_suite, is_borrowed


def add_to(commands: Any) -> None:
    """Add the grammar of `vitcnn baseline` to the subparsers of `vitcnn`."""
    baseline = commands.add_parser("baseline", help="record, show and prune the stored runs that a run is judged by")
    subcommands = baseline.add_subparsers(required=True, metavar="COMMAND")

    recorded = subcommands.add_parser(
        "record",
        usage="vitcnn baseline record [--runs N] [--suite DIR] [--baselines DIR] [--name NAME] [--allow-removed] "
        f"{USAGE}",
        help="run the suite in fresh processes and store the runs",
        epilog=HELP,
    )
    recorded.add_argument("--runs", type=int, default=5, metavar="N", help="how many processes; default: 5")
    recorded.add_argument(
        "--suite", action=GivenPath, metavar="DIR", help="default: benchmarks, else the package's own suite"
    )
    recorded.add_argument(
        "--baselines",
        action=GivenPath,
        metavar="DIR",
        help="default: baselines in the suite's folder; for the package's own suite benchmarks/baselines here",
    )
    recorded.add_argument("--name", metavar="NAME", help="default: the time and the git commit")
    removed_help = "store it although cases of the baseline are no longer in the suite"
    recorded.add_argument("--allow-removed", action="store_true", help=removed_help)
    recorded.set_defaults(run=run_record, arguments=())

    shown = subcommands.add_parser("show", help="list recordings, and what each case of a device is judged by")
    shown.set_defaults(run=run_show)

    pruned = subcommands.add_parser("prune", help="delete recordings without which nothing is judged otherwise")
    pruned.add_argument("--keep", type=int, default=3, metavar="N", help="newest recordings to keep; default: 3")
    pruned.add_argument("--dry-run", action="store_true", help="only say what would be deleted")
    pruned.set_defaults(run=run_prune)

    for command in (shown, pruned):
        place = DEFAULT_FOLDER / FOLDER
        command.add_argument("--baselines", action=GivenPath, default=place, metavar="DIR", help=f"default: {place}")
        command.add_argument("--device", metavar="KEY", help="only this device; default: all")


def run_record(options: argparse.Namespace) -> int:
    """Run the suite several times, store the runs, and say what they hold."""
    from vitcnn.processes.recording import record
    from vitcnn.report.baselines import recorded

    suite, root = options.suite or default_suite(), Path.cwd()
    of_suite = DEFAULT_FOLDER if is_borrowed(suite, root) else suite
    recording = record(
        suite=suite,
        root=root,
        baselines=options.baselines or of_suite / FOLDER,
        runs=options.runs,
        name=options.name,
        arguments=options.arguments,
        allow_removed=options.allow_removed,
    )
    print(recorded(recording))
    store = recording.runs[0].path.parents[1]
    for case in baseline_of(recordings(store)).removed:
        print(f"No longer judged: {case}")
    return 0


def run_show(options: argparse.Namespace) -> int:
    """Print every recording, and for a single device what each case is judged by."""
    from datetime import UTC, datetime

    from vitcnn.report.baselines import cases, overview

    stores = _stores(options.baselines, options.device)
    print(overview(stores, datetime.now(UTC)))
    if len(stores) == 1:
        (found,) = stores.values()
        print(f"\n{cases(found)}")
    else:
        print("\n--device KEY shows what each case of one device is judged by.")
    return 0


def run_prune(options: argparse.Namespace) -> int:
    """Delete the recordings that nothing needs, and print their files."""
    stores = _stores(options.baselines, options.device)
    unneeded = {key: removable(found, options.keep) for key, found in stores.items()}
    for path in (path for key, found in stores.items() for path in files_without_use(found, unneeded[key])):
        if not options.dry_run:
            path.unlink()
        print(f"{'would delete' if options.dry_run else 'deleted'} {path}")
    print(f"{sum(map(len, unneeded.values()))} of {sum(map(len, stores.values()))} recordings are not needed.")
    return 0


def _stores(folder: Path, device: str | None) -> dict[str, tuple[Recording, ...]]:
    """Return the recordings of each device below `folder`, or of `device` alone; UserError where there are none."""
    from vitcnn.errors import UnknownName, UserError

    devices = sorted(path for path in folder.glob("[!.]*") if path.is_dir())
    if device is not None and device not in (known := [path.name for path in devices]):
        raise UnknownName(field="--device", value=device, known=known)
    found = {path.name: recordings(path) for path in devices if device in (None, path.name)}
    stores = {name: stored for name, stored in found.items() if stored}
    if not stores:
        do = "Record one: vitcnn baseline record"
        raise UserError(field="--baselines", value=str(folder), allowed="a folder with stored runs", do=do)
    return stores
