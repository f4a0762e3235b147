"""What is asked of each figure, and the table that says whether it holds."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchmarks.measured import Measured

ALL = Mapping[str, Measured]


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of the table.

    Attributes:
        what: What is measured.
        target: What is asked, in words; '' for what is only shown.
        measured: The figure, in words.
        ratio: The ratio that the target is about, in words.
        holds: Whether the target holds; None for what is only shown.
    """

    what: str
    target: str = ""
    measured: str = ""
    ratio: str = ""
    holds: bool | None = None

    def cells(self) -> tuple[str, ...]:
        """Return the cells of the table's row."""
        verdict = "" if self.holds is None else "holds" if self.holds else "**missed**"
        return (self.what, self.target, self.measured, self.ratio, verdict)


def lines(measured: ALL) -> Iterator[Line]:
    """Yield the lines of the table: the ways first, then the targets."""
    for one in measured.values():
        if not one.way.words:
            continue
        yield Line(
            what=one.way.words,
            measured=f"{one.median():.2f} CPU-s (least {one.least():.2f}), {one.median('wall'):.2f} s wall,"
            f" {one.most('peak_mb'):.0f} MB",
            ratio=f"{one.median() / measured['hand'].median():.2f} × hand" if "hand" in measured else "",
        )
    whole = (
        (_looks, _increments, _more, _experiments, _python, _memory)
        if "bounds" in measured
        else (_looks, _spilled)
    )
    for part in whole:
        yield from part(measured)


def _at_most(what: str, measured: str, ratio: float, limit: float, unit: str) -> Line:
    return Line(
        what=what,
        target=f"at most {limit:g} {unit}",
        measured=measured,
        ratio=f"{ratio:.2f} {unit}",
        holds=ratio <= limit,
    )


def _at_least(what: str, measured: str, ratio: float, limit: float, unit: str) -> Line:
    return Line(
        what=what,
        target=f"at least {limit:g} {unit}",
        measured=measured,
        ratio=f"{ratio:.2f} {unit}",
        holds=ratio >= limit,
    )


def _looks(measured: ALL) -> Iterator[Line]:
    hand, look, series = (measured[name].median() for name in ("hand", "look", "series"))
    yield _at_most("one look", f"{look:.2f} against {hand:.2f}", look / hand, 1.15, "× hand")
    yield _at_most("the daily series", f"{series:.2f} against {hand:.2f}", series / hand, 2.0, "× hand")
    if "looks" in measured:
        each = measured["looks"].median()
        yield _at_least(
            "one look per day, 14 times", f"{each:.2f} against {series:.2f}", each / series, 6, "× the series"
        )
    if "per_metric" in measured:
        queries = measured["per_metric"].median()
        yield _at_least(
            "one query per metric", f"{queries:.2f} against {look:.2f}", queries / look, 3.5, "× one look"
        )


def _increments(measured: ALL) -> Iterator[Line]:
    if "day_15" not in measured:
        return
    early, late, whole = (measured[name].median() for name in ("day_8", "day_15", "days_1_15"))
    yield _at_most(
        "day 15 from state", f"{late:.2f} against {whole:.2f}", late / whole, 1 / 6, "of days 1-15"
    )
    yield _at_most(
        "day 15 from state, after day 8", f"{late:.2f} against {early:.2f}", late / early, 1.1, "× day 8"
    )


def _more(measured: ALL) -> Iterator[Line]:
    for name, words in (("look", "one look"), ("series", "the series")):
        more, least = measured[f"{name}_more"].median() / measured[name].median() - 1, measured[name].least()
        yield _at_most(
            f"one more metric, {words}",
            f"{measured[f'{name}_more'].median():.2f} against {measured[name].median():.2f}"
            f" (least {measured[f'{name}_more'].least():.2f} against {least:.2f})",
            100 * more,
            5,
            "% more",
        )


def _experiments(measured: ALL) -> Iterator[Line]:
    for name, words in (("look", "one look"), ("series", "the series")):
        if f"{name}_100" not in measured:
            continue
        one, hundred = measured[f"{name}_1"].median(), measured[f"{name}_100"].median()
        yield _at_most(
            f"100 experiments on a tenth of the units each, {words}",
            f"{hundred:.1f} against 100 × {one:.2f}",
            hundred / (100 * one),
            0.2,
            "of separate runs",
        )


def _python(measured: ALL) -> Iterator[Line]:
    python = measured["python_part"].found["python"]
    yield _at_most("Python's part: ten metrics, 14 days, 2 variants", f"{python:.2f} CPU-s", python, 0.1, "s")
    package = measured["import"].median("wall")
    engine = measured["import_run"].median("wall")
    yield _at_most(
        "import steelyard", f"{package:.3f} s, with all of a run {engine:.2f} s", package, 0.5, "s"
    )
    bounds = measured["bounds"].median("wall")
    yield _at_most("10,000 comparisons with sequential bounds", f"{bounds:.2f} s", bounds, 2.0, "s")


def _memory(measured: ALL) -> Iterator[Line]:
    for name in ("look", "series", "cohort"):
        peak = measured[name].most("peak_mb") / 1024
        yield _at_most(f"memory, {name}", f"{peak:.2f} GB", peak, 2.0, "GB")


def _spilled(measured: ALL) -> Iterator[Line]:
    for name in ("look", "series"):
        peak = measured[name].most("peak_mb") / 1024
        yield _at_most(f"memory, {name}, spilling", f"{peak:.2f} GB", peak, 8.0, "GB")
