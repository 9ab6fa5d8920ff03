"""The Procfile, and what runs it: configuration for supervisor and units for systemd.

Knows the shape of the three formats and nothing of what the processes do.
`python -m demo.procfile systemd FOLDER` writes one unit a process and a target that holds them.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
STOP_SECONDS: Final = 10  # between SIGTERM and SIGKILL
START_SECONDS: Final = 1  # a process that dies earlier has not started
START_TRIES: Final = 3

_LINE = re.compile(r"(?P<name>[A-Za-z][A-Za-z0-9_-]*): *(?P<command>\S.*)")


@dataclass(frozen=True, slots=True)
class Process:
    """One line of the Procfile; `rank` is its place: started in order, stopped in reverse."""

    name: str
    command: str
    rank: int

    def argv(self, python: str) -> list[str]:
        """The command's words, with `python` being the interpreter of the project."""
        words = shlex.split(self.command)
        return [python if words[0] == "python" else words[0], *words[1:]]


def read(text: str) -> list[Process]:
    """The processes of a Procfile. Raises ValueError for a line that is none, or a name twice."""
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    processes: list[Process] = []
    for line in lines:
        match = _LINE.fullmatch(line)
        if match is None or match["name"] in {process.name for process in processes}:
            raise ValueError(f"not a line of a Procfile, or a name twice: {line!r}")
        processes.append(Process(match["name"], match["command"], len(processes)))
    return processes


def supervisor_config(
    processes: Iterable[Process], var: str, python: str, held_back: Collection[str] = ()
) -> str:
    """What supervisord reads: every process restarted when it dies; those held back wait to be started.

    Paths are relative to the folder that supervisord is started in; its socket has to stay short.
    """
    head = f"""\
[supervisord]
nodaemon=true
silent=true
pidfile={var}/supervisord.pid
logfile={var}/log/supervisord.log
childlogdir={var}/log

[unix_http_server]
file={var}/supervisor.sock
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{var}/supervisor.sock
"""
    return head + "".join(_program(process, var, python, process.name in held_back) for process in processes)


def _program(process: Process, var: str, python: str, held_back: bool) -> str:
    command = shlex.join(process.argv(python)).replace("%", "%%")
    return f"""
[program:{process.name}]
command={command}
priority={process.rank + 1}
autostart={"false" if held_back else "true"}
autorestart=true
startsecs={START_SECONDS}
startretries={START_TRIES}
stopsignal=TERM
stopwaitsecs={STOP_SECONDS}
killasgroup=true
redirect_stderr=true
stdout_logfile={var}/log/{process.name}.log
stdout_logfile_maxbytes=5MB
stdout_logfile_backups=1
"""


def systemd_units(processes: Iterable[Process], root: Path, user: str) -> dict[str, str]:
    """File name → text: `silkcast-<name>.service` each, and `silkcast.target` that wants them all."""
    processes = list(processes)
    wants = " ".join(f"silkcast-{process.name}.service" for process in processes)
    units = {
        "silkcast.target": f"[Unit]\nDescription=Silkcast\nWants={wants}\n\n"
        "[Install]\nWantedBy=multi-user.target\n"
    }
    for process in processes:
        units[f"silkcast-{process.name}.service"] = _unit(process, root, user)
    return units


def _unit(process: Process, root: Path, user: str) -> str:
    argv = process.argv(str(root / ".venv/bin/python"))
    # `%` and `$` speak to systemd
    command = " ".join(shlex.quote(word).replace("%", "%%").replace("$", "$$") for word in argv)
    return f"""\
[Unit]
Description=Silkcast {process.name}
PartOf=silkcast.target
After=network-online.target

[Service]
User={user}
WorkingDirectory={root}
EnvironmentFile=-/etc/silkcast/environment
ExecStart={command}
Restart=always
RestartSec=1
TimeoutStopSec={STOP_SECONDS}
LimitNOFILE=65536
NoNewPrivileges=true
ProtectSystem=strict
ReadWritePaths={root}/var
PrivateTmp=true

[Install]
WantedBy=silkcast.target
"""


def main(arguments: list[str]) -> int:
    """Write the systemd units of this checkout's Procfile into a folder."""
    if len(arguments) != 2 or arguments[0] != "systemd":
        print("usage: python -m demo.procfile systemd FOLDER", file=sys.stderr)
        return 2
    folder = Path(arguments[1])
    folder.mkdir(parents=True, exist_ok=True)
    units = systemd_units(read((ROOT / "Procfile").read_text()), ROOT, user="silkcast")
    for name, text in units.items():
        (folder / name).write_text(text)
    print(f"wrote {len(units)} units to {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
