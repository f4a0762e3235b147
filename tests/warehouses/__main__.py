"""Run the demo on every warehouse that is there, and print how far their tables are apart.

python -m tests.warehouses [--users 60000] [--engine postgres ...] [--all]

On Spark, where publishing many small tables takes minutes, it runs a selection of the experiments unless all are asked
for.
"""

import argparse
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.agreement import differences, largest
from tests.support.demo import ROOT, Demo, run_demo, write_demo
from tests.support.engines import ENGINES, MissingEngineError, Output

LIMIT = 1e-9


def main() -> int:
    """Run, compare and print; return 1 where a difference is too large, or an engine that was named is missing."""
    parser = argparse.ArgumentParser(prog="python -m tests.warehouses", description=__doc__.splitlines()[0])
    parser.add_argument("--users", type=int, default=60_000, help="users of the generated storefront")
    names = [engine.name for engine in ENGINES]
    parser.add_argument("--engine", action="append", choices=names, help="only these, and the first of all")
    parser.add_argument("--all", action="store_true", help="all experiments on Spark, too")
    asked = parser.parse_args()
    chosen = [one for one in ENGINES if not asked.engine or one.name in (names[0], *asked.engine)]
    opened: dict[str, Callable[[], Output]] = {}
    demos: dict[str, Demo] = {}
    bases: dict[tuple[str, ...], Demo] = {}
    selected: dict[str, tuple[str, ...]] = {}
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
                opened[engine.name] = stack.enter_context(engine.open(place))
            except MissingEngineError as error:
                missing[engine.name] = str(error)
                continue
            select = selected[engine.name] = () if asked.all else engine.select
            if select not in bases:
                project = write_demo(folder / f"base{len(bases)}", folder / "data", opened[names[0]]())
                bases[select] = run_demo(project, select=select)
            if engine.name == names[0]:
                demo = bases[select]
            else:
                project = write_demo(place / "demo", folder / "data", opened[engine.name]())
                demo = demos[engine.name] = run_demo(project, select=select)
            print(_timed(engine.name, demo), *(["of", ", ".join(select)] if select else []), flush=True)
    is_fine = _print_differences(names[0], {name: bases[selected[name]] for name in demos}, demos)
    for name, why in missing.items():
        print(f"{name}: not run: {why}")
    return 0 if is_fine and not (asked.engine and missing) else 1


def _timed(name: str, demo: Demo) -> str:
    stages = ", ".join(f"{stage} {seconds:.1f} s" for stage, seconds in demo.seconds.items())
    return f"{name}: {stages}; {sum(map(len, demo.tables.values())):,} rows published"


def _print_differences(first: str, bases: dict[str, Demo], demos: dict[str, Demo]) -> bool:
    """Print the largest difference of every table between each engine and the first one's demo of the same."""
    if not demos:
        return True
    is_fine = True
    print(f"\nlargest relative difference from {first}, at most {LIMIT:g}, and rows that were compared:")
    tables = next(iter(bases.values())).tables
    width = max(map(len, tables))
    print(f"{'':{width}}", *(f"{name:>18}" for name in demos))
    found = {name: largest(differences(bases[name].tables, demo.tables)) for name, demo in demos.items()}
    for table in tables:
        sizes = [worst[table].size if table in worst else 0.0 for worst in found.values()]
        rows = [len(bases[name].tables[table]) for name in demos]
        is_fine &= all(size <= LIMIT for size in sizes)
        cells = (f"{size:10.1e} {count:7,}" for size, count in zip(sizes, rows, strict=True))
        print(f"{table:{width}}", *cells)
    for name, demo in demos.items():
        is_same = demo.reports == bases[name].reports
        is_fine &= is_same
        print(f"reports of {name}: {'the same text' if is_same else 'another text'}")
        for worst in found[name].values():
            if not worst.size <= LIMIT:
                print(f"{name}: {worst}")
    return is_fine


if __name__ == "__main__":
    sys.exit(main())
