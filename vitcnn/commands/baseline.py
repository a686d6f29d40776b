"""`vitcnn baseline`: record baselines, show them, and delete recordings that are no longer needed."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from vitcnn.commands.output import tell
from vitcnn.commands.paths import GivenPath
from vitcnn.commands.pytest_arguments import HELP, USAGE
from vitcnn.gate.baseline import FOLDER, Recording, baseline_of, files_without_use, recordings, removable
from vitcnn.suite import DEFAULT_FOLDER, default_suite, is_borrowed


def add_to(commands: Any) -> None:
    """Add the parser of `vitcnn baseline`."""
    baseline = commands.add_parser(
        "baseline", help="record, show and delete the baselines that later runs are compared with"
    )
    subcommands = baseline.add_subparsers(required=True, metavar="COMMAND")

    recorded = subcommands.add_parser(
        "record",
        usage="vitcnn baseline record [--runs N] [--suite DIR] [--baselines DIR] [--name NAME] [--allow-removed] "
        f"{USAGE}",
        help="run the suite several times, each in a new process, and store the runs as a baseline",
        epilog=HELP,
    )
    recorded.add_argument("--runs", type=int, default=5, metavar="N", help="number of processes; default: 5")
    recorded.add_argument(
        "--suite",
        action=GivenPath,
        metavar="DIR",
        help="the folder that contains the cases; default: benchmarks, or the package's own suite",
    )
    recorded.add_argument(
        "--baselines",
        action=GivenPath,
        metavar="DIR",
        help="the folder to store in; default: baselines in the folder of the suite, or benchmarks/baselines here for "
        "the package's own suite",
    )
    recorded.add_argument(
        "--name", metavar="NAME", help="the name of the recording; default: the time and the git commit"
    )
    removed_help = "store the recording even if it lacks cases of the previous baseline"
    recorded.add_argument("--allow-removed", action="store_true", help=removed_help)
    recorded.set_defaults(run=run_record, arguments=())

    shown = subcommands.add_parser(
        "show", help="list the recordings, and for each case of a device the values it is compared with"
    )
    all_help = "of each case also show counts and figures that are not judged"
    shown.add_argument("--all", action="store_true", help=all_help)
    shown.set_defaults(run=run_show)

    pruned = subcommands.add_parser("prune", help="delete old recordings that no verdict depends on")
    pruned.add_argument(
        "--keep", type=int, default=3, metavar="N", help="number of newest recordings to keep; default: 3"
    )
    pruned.add_argument("--dry-run", action="store_true", help="only print which files would be deleted")
    pruned.set_defaults(run=run_prune)

    for command in (shown, pruned):
        place = DEFAULT_FOLDER / FOLDER
        place_help = f"the folder that contains the baselines; default: {place}"
        command.add_argument("--baselines", action=GivenPath, default=place, metavar="DIR", help=place_help)
        command.add_argument("--device", metavar="KEY", help="use only this device; default: all devices")


def run_record(options: argparse.Namespace) -> int:
    """Run the suite several times, store the runs, and print a summary."""
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
        tell=tell,
    )
    print(recorded(recording))
    store = recording.runs[0].path.parents[1]
    for case in baseline_of(recordings(store)).removed:
        print(f"No longer part of the baseline: {case}")
    return 0


def run_show(options: argparse.Namespace) -> int:
    """Print every recording, and for a single device the values that each case is compared with."""
    from datetime import UTC, datetime

    from vitcnn.report.baselines import cases, overview

    stores = _stores(options.baselines, options.device)
    print(overview(stores, datetime.now(UTC)))
    if len(stores) == 1:
        (found,) = stores.values()
        print(f"\n{cases(found, is_whole=options.all)}")
    else:
        print("\n--device KEY shows the values that each case of one device is compared with.")
    return 0


def run_prune(options: argparse.Namespace) -> int:
    """Delete the recordings that no verdict depends on, and print their files."""
    stores = _stores(options.baselines, options.device)
    unneeded = {key: removable(found, options.keep) for key, found in stores.items()}
    for path in (path for key, found in stores.items() for path in files_without_use(found, unneeded[key])):
        if not options.dry_run:
            path.unlink()
        print(f"{'would delete' if options.dry_run else 'deleted'} {path}")
    print(f"{sum(map(len, unneeded.values()))} of {sum(map(len, stores.values()))} recordings are not needed.")
    return 0


def _stores(folder: Path, device: str | None) -> dict[str, tuple[Recording, ...]]:
    """Return the recordings of each device below `folder`, or only of `device`; UserError if there are none."""
    from vitcnn.errors import UnknownName, UserError

    devices = sorted(path for path in folder.glob("[!.]*") if path.is_dir())
    if device is not None and device not in (known := [path.name for path in devices]):
        raise UnknownName(field="--device", value=device, known=known)
    found = {path.name: recordings(path) for path in devices if device in (None, path.name)}
    stores = {name: stored for name, stored in found.items() if stored}
    if not stores:
        do = "Record a baseline with `vitcnn baseline record`."
        raise UserError(field="--baselines", value=str(folder), allowed="a folder that contains baselines", do=do)
    return stores
