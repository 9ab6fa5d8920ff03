"""What the laws read: the tracked files of the project, parsed once."""

import ast
import functools
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("streaming", "commerce", "studio_agent")


@functools.cache
def tracked() -> tuple[Path, ...]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return tuple(path for name in names.splitlines() if (path := ROOT / name).is_file())


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def python_files(*packages: str) -> list[Path]:
    """Tracked Python files, of the given top folders or of all."""
    return [
        path
        for path in tracked()
        if path.suffix == ".py" and (not packages or named(path).split("/")[0] in packages)
    ]


@functools.cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text())
