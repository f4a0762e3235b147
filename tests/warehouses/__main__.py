"""Run the demo on every warehouse that is there, and print how far their tables are apart.

python -m tests.warehouses [--users 60000] [--engine postgres ...]
"""

import argparse
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.agreement import differences, largest
from tests.support.demo import ROOT, Demo, run_demo, write_demo
from tests.support.engines import ENGINES, MissingEngineError

LIMIT = 1e-9


def main() -> int:
    """Run, compare and print; return 1 where a difference is too large, or an engine that was named is missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.warehouses", description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=60_000, help="users of the generated storefront")
    names = [engine.name for engine in ENGINES]
    parser.add_argument("--engine", action="append", choices=names, help="only these, and the first of all")
    asked = parser.parse_args()
    chosen = [one for one in ENGINES if not asked.engine or one.name in (names[0], *asked.engine)]
    demos: dict[str, Demo] = {}
    missing: dict[str, str] = {}
    with TemporaryDirectory() as temporary, ExitStack() as stack:
        folder = Path(temporary)
        subprocess.run(
            [
                *(sys.executable, ROOT / "fixtures" / "generate.py"),
                *("--out", folder / "data", "--users", str(asked.users)),
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        for engine in chosen:
            place = folder / engine.name
            place.mkdir()
            try:
                new = stack.enter_context(engine.open(place))
            except MissingEngineError as error:
                missing[engine.name] = str(error)
                continue
            demos[engine.name] = run_demo(write_demo(place / "demo", folder / "data", new()))
            print(_timed(engine.name, demos[engine.name]), flush=True)
    is_fine = _print_differences(demos)
    for name, why in missing.items():
        print(f"{name}: not run: {why}")
    return 0 if is_fine and not (asked.engine and missing) else 1


def _timed(name: str, demo: Demo) -> str:
    stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in demo.seconds.items())
    return f"{name}: {stages}; {sum(map(len, demo.tables.values())):,} rows published"


def _print_differences(demos: dict[str, Demo]) -> bool:
    """Print the largest difference of every table between the first engine and each other one."""
    (first, base), *others = demos.items()
    is_fine = True
    print(f"\nlargest relative difference from {first}, at most {LIMIT:g}:")
    width = max(map(len, base.tables))
    print(f"{'':{width}}  {'rows':>7}", *(f"{name:>12}" for name, _ in others))
    found = {name: largest(differences(base.tables, demo.tables)) for name, demo in others}
    for table, rows in base.tables.items():
        sizes = [worst[table].size if table in worst else 0.0 for worst in found.values()]
        is_fine &= all(size <= LIMIT for size in sizes)
        print(f"{table:{width}}  {len(rows):7,}", *(f"{size:12.1e}" for size in sizes))
    for name, demo in others:
        is_same = demo.reports == base.reports
        is_fine &= is_same
        print(f"reports of {name}: {'the same text' if is_same else 'another text'}")
        for worst in found[name].values():
            if not worst.size <= LIMIT:
                print(f"{name}: {worst}")
    return is_fine


if __name__ == "__main__":
    sys.exit(main())
