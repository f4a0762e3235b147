"""CPU seconds of a tree of processes: of a server, which works where its client does not."""

import os
from collections import defaultdict
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


def tree_cpu_seconds(root: int) -> float:
    """Return user and system seconds of a process and of all below it, also of those that have ended; Linux only."""
    children: dict[int, list[int]] = defaultdict(list)
    spent: dict[int, int] = {}
    for folder in Path("/proc").iterdir():
        if not folder.name.isdigit():
            continue
        try:
            # The name in brackets may hold spaces; what follows it does not.
            fields = (folder / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        children[int(fields[1])].append(int(folder.name))
        spent[int(folder.name)] = sum(int(field) for field in fields[11:15])
    total, waiting = 0, [root]
    while waiting:
        process = waiting.pop()
        total += spent.get(process, 0)
        waiting += children[process]
    return total / _TICKS
