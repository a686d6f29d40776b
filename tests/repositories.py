"""Git repositories with a miniature suite whose cases take the seconds that the repository's own package says."""

import subprocess
from pathlib import Path

from miniature import OPTIONS, THREE_ROUNDS, Suite

PYTEST_OPTIONS = OPTIONS[:-1]
"""Without --rootdir: a revision has its own."""

BENCHMARKS = """
    import lib
    import pytest

    clock = [0.0]

    def scripted_clock():
        return clock[0]

    def taking(seconds):
        def run():
            clock[0] += seconds
        return run

    @pytest.mark.benchmark(timer=scripted_clock)
    @pytest.mark.parametrize("name", lib.SECONDS)
    def test_case(measure, name):
        measure.time(taking(lib.SECONDS[name]))
"""
SECONDS = {"ant": 5e-3, "bee": 2e-6, "cat": 0.7}


class Repository(Suite):
    """A repository whose project lies in `folder`, and its package below that in `source`."""

    def __init__(self, top: Path, folder: str = ".", source: str = ".") -> None:
        self.top = top
        self.source = source
        (top / folder).mkdir(parents=True, exist_ok=True)
        super().__init__((top / folder).resolve())
        self.git("init", "--quiet")
        self.write(".gitignore", "__pycache__/\n.vitcnn/\n")
        self.write("conftest.py", THREE_ROUNDS)
        self.write("benchmarks/test_mini.py", BENCHMARKS)

    def git(self, *arguments: str) -> str:
        """Run git; return what it prints."""
        who = ("-c", "user.name=Test", "-c", "user.email=test@example.org")
        done = subprocess.run(
            ["git", "-C", str(self.top), *who, *arguments], capture_output=True, text=True, check=True
        )
        return done.stdout.strip()

    def take(self, **seconds: float) -> None:
        """Let the package say what cases take: the usual, but for those named here."""
        self.write(f"{self.source}/lib/__init__.py", f"SECONDS = { ({**SECONDS, **seconds}) }\n")

    def commit(self, **seconds: float) -> str:
        """Commit all there is, with what cases take; return the commit."""
        self.take(**seconds)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "state")
        return self.git("rev-parse", "HEAD")

    @property
    def leftovers(self) -> list[str]:
        """Worktrees that git still knows, and what lies in .vitcnn/compare but for runs."""
        known = [
            line for line in self.git("worktree", "list", "--porcelain").splitlines() if line.startswith("worktree")
        ]
        files = [str(path) for name in ("base", "head", "pytest.ini") for path in self.root.rglob(f"compare/*/{name}")]
        return [*known[1:], *files]


def case(name: str) -> str:
    """Return the id of the case `name` of a project in the repository's top folder."""
    return f"benchmarks/test_mini.py::test_case[{name}]"
