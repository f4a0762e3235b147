"""Chooses a world: most choices land on a boundary that something could get wrong."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from hypothesis import strategies as st
from tests.support.brute_force import DAY, MICROSECOND, Exposure, Row
from tests.support.metric_catalogue import CATALOGUE, Written
from tests.support.worlds import (
    COUNTRIES,
    DIMENSIONS,
    UNITS,
    ZONES,
    Chooser,
    ChosenExperiment,
    ChosenMetric,
    DrawnChooser,
    RandomChooser,
    World,
)

HOUR = timedelta(hours=1)
SPANS = (0 * DAY, 7 * DAY, DAY, 3 * DAY, 12 * HOUR, 36 * HOUR, -5 * DAY, -2 * DAY, -36 * HOUR, 2 * DAY, -DAY)
DATE_WINDOWS: tuple[Any, ...] = (
    None,
    {"end": "7d"},
    {"start": "1d", "end": "3d"},
    {"end": "2d", "mature": True},
    {"start": "1d"},
)
WINDOWS = (*DATE_WINDOWS, {"end": "12h"}, {"end": "12h", "mature": True}, {"end": "36h"})
FILLS: tuple[Any, ...] = ("auto", "auto", 0, None, 2.5)
CAPS: tuple[Any, ...] = (
    None,
    None,
    {"upper": 3},
    {"upper": "75%"},
    {"lower": "25%", "upper": "90%"},
    {"upper": "70%", "ignore_zeros": True},
    {"lower": 1},
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """Draw a world that hypothesis can make simpler."""
    return build_world(DrawnChooser(draw), least_rows=1, most_rows=15)


def world_of_seed(seed: int) -> World:
    """Return the world of a seed."""
    return build_world(RandomChooser(np.random.default_rng(seed)), least_rows=30, most_rows=100)


def build_world(choose: Chooser, *, least_rows: int, most_rows: int) -> World:
    """Choose a world."""
    zone, first = choose.pick(ZONES)
    naive = choose.pick(["UTC", zone, "America/New_York"])
    as_of = first + choose.pick([6, 9, 12, 2, 1]) * DAY
    tables = frozenset(name for name in ("exposures", "events", "met") if choose.pick([False, True]))
    metrics = _metrics(choose)
    experiments = tuple(
        _experiment(choose, f"exp-{number}", first, metrics) for number in range(1, choose.number(1, 3) + 1)
    )
    log = _Log(choose, zone=ZoneInfo(zone), naive=ZoneInfo(naive), zoned=tables, first=first, as_of=as_of)
    exposed = [log.exposure(experiments) for _ in range(choose.number(least_rows, most_rows))]
    events = [log.event(exposed) for _ in range(choose.number(0, 3 * most_rows))]
    met = [log.trigger(exposed) for _ in range(choose.number(0, most_rows))]
    return World(
        zone=zone,
        naive=naive,
        zoned=tables,
        as_of=as_of,
        exposures=tuple(row for row, _ in exposed),
        events=tuple(events),
        triggers=tuple(met),
        metrics=metrics,
        experiments=experiments,
    )


def _metrics(choose: Chooser) -> tuple[ChosenMetric, ...]:
    """Choose metrics; the same query may come twice, with another window or fill."""
    chosen: dict[str, Written] = {}
    for number in range(choose.number(1, 6)):
        written = choose.pick(list(chosen.values()) if chosen and choose.number(0, 4) == 4 else CATALOGUE)
        name = written.name if written.name not in chosen else f"{written.name}_{number}"
        chosen[name] = replace(written, name=name)
    return tuple(
        ChosenMetric(
            written=written, **_config(choose, written, [other for other in chosen if other != name])
        )
        for name, written in chosen.items()
    )


def _config(choose: Chooser, written: Any, others: Sequence[str]) -> dict[str, Any]:
    is_date = choose.pick([False, True])
    config: dict[str, Any] = {}
    window = choose.pick(DATE_WINDOWS if is_date else WINDOWS)
    fill, caps = choose.pick(FILLS), choose.pick(CAPS)
    covariates = [True, {"lookback": "2d"}, False, ["country"], ["platform"]]
    if others:
        other = choose.pick(others)
        covariates += [[other], [other, "platform"], {"names": [other], "lookback": "2d"}]
    covariate = choose.pick(covariates)
    if window is not None:
        config["window"] = window
    if fill != "auto":
        config["fill"] = fill
    if caps is not None and written.type != "proportion":
        config["winsorize"] = caps
    if covariate is not True:
        config["covariate"] = covariate
    return {"is_date": is_date, "config": config}


def _experiment(
    choose: Chooser, name: str, first: date, metrics: tuple[ChosenMetric, ...]
) -> ChosenExperiment:
    start = first + choose.number(0, 2) * DAY
    length = choose.pick([None, None, 6, 4, 1, 0])
    names = [metric.name for metric in metrics]
    chosen = [name for name in names if choose.pick([True, True, False])]
    return ChosenExperiment(
        name=name,
        start=start,
        end=None if length is None else start + length * DAY,
        variants=("control", "treatment", "C 3")[: choose.pick([2, 2, 3])],
        test=choose.pick(["fixed", "group_sequential"]),
        adjustment=choose.pick(["cuped", "cuped", "none"]),
        trigger=choose.pick([False, False, False, True]),
        targeting=choose.pick([{}, {}, {}, {}, {"country": ("SG", "Ö")}, {"platform": ("web",)}]),
        dimensions=choose.pick([(), ("platform",), ("country",), DIMENSIONS]),
        metrics=tuple(chosen or names[:1]),
    )


class _Log:
    """Chooses rows, near moments that matter."""

    def __init__(
        self,
        choose: Chooser,
        *,
        zone: ZoneInfo,
        naive: ZoneInfo,
        zoned: frozenset[str],
        first: date,
        as_of: date,
    ) -> None:
        self.choose, self.zone, self.naive, self.zoned = choose, zone, naive, zoned
        self.first, self.days = first, (as_of - first).days
        self.moments: list[datetime] = []
        # The country's levels are few in most worlds, so that segments have several units.
        self.countries = COUNTRIES[: choose.pick([3, 5, len(COUNTRIES)])]

    def exposure(self, experiments: Sequence[ChosenExperiment]) -> tuple[Exposure, datetime]:
        """Choose a row of the log, and its moment."""
        choose = self.choose
        experiment = choose.pick(experiments)
        names = [*experiment.variants, *experiment.variants, *experiment.variants, "unknown", None]
        moment = self._exposed_at()
        self.moments.append(moment)
        number = choose.number(0, len(UNITS) - 1)
        # Most units keep to one variant.
        variant = choose.pick([experiment.variants[number % len(experiment.variants)]] * 9 + names[-4:])
        row = Exposure(
            experiment=choose.pick([experiment.name] * 9 + ["other"]),
            unit=UNITS[number],
            variant=variant,
            at=self._stored("exposures", moment),
            dimensions={
                "country": choose.pick(self.countries),
                "platform": choose.pick(["web", "app", None]),
            },
        )
        return row, moment

    def event(self, exposed: Sequence[tuple[Exposure, datetime]]) -> Row:
        """Choose a fact."""
        choose = self.choose
        row, moment = choose.pick(exposed)
        at = moment + choose.pick(SPANS) + self._offset()
        if choose.pick([True, True, False]):
            at = self._midnight() + self._offset()
        odd = choose.number(0, 19)
        return {
            "user_id": choose.pick(UNITS) if odd == 1 else row.unit,
            "ts": None if odd == 2 else self._stored("events", at),
            "event_date": None
            if odd == 3
            else at.astimezone(self.zone).date() + choose.pick([0, 0, 0, 1, -1]) * DAY,
            "kind": choose.pick(["buy", "view", None]),
            "value": {4: float("nan"), 5: float("inf"), 6: float("-inf"), 7: None}.get(
                odd, choose.number(-4, 40) / 4
            ),
            "qty": None if odd == 8 else choose.number(-2, 4),
            "big": None if odd == 9 else 1e9 + choose.number(0, 4096) / 1024,
            "item": choose.pick(["a", "b", "ß", None]),
            "flag": choose.pick([True, False, None]),
            "product_id": choose.pick([1, 2, 3, 4, None]),
        }

    def trigger(self, exposed: Sequence[tuple[Exposure, datetime]]) -> tuple[Any, datetime | None]:
        """Choose a trigger's row."""
        row, moment = self.choose.pick(exposed)
        at = moment + self.choose.pick(SPANS) + self._offset()
        return row.unit, None if self.choose.number(0, 9) == 9 else self._stored("met", at)

    def _exposed_at(self) -> datetime:
        if self.moments and self.choose.pick([False, False, True]):
            return self.choose.pick(self.moments)
        return self._midnight() + self._offset()

    def _midnight(self) -> datetime:
        day = self.first + self.choose.number(-1, self.days + 1) * DAY
        return datetime.combine(day, time(), self.zone).astimezone(UTC)

    def _offset(self) -> timedelta:
        kind = self.choose.number(0, 4)
        return (
            (0 * DAY, -MICROSECOND, MICROSECOND)[kind]
            if kind < 3
            else self.choose.number(0, 2879) * HOUR / 60
        )

    def _stored(self, table: str, instant: datetime) -> datetime:
        # A log without zones does not tell the two hours apart at the end of summer time.
        return instant if table in self.zoned else instant.astimezone(self.naive).replace(tzinfo=None, fold=0)
