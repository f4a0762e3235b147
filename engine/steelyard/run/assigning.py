"""Who is in which variant: single units, a file of them, or a query."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from steelyard.assign.allocation.claims import ruleset_claims
from steelyard.assign.allocation.programmes import load_programmes
from steelyard.assign.build import targeting_rule
from steelyard.assign.units import NO_BUCKET, REASONS, Assigned, Assigner
from steelyard.compile.unit_query import TABLE, numbered_units, page_query, read_units
from steelyard.dialects.registry import DIALECTS
from steelyard.errors import CompileError, SpecError
from steelyard.run.functions import assignment_of
from steelyard.run.project import Project
from steelyard.run.unit_files import PIECE, import_arrow, read_pieces, schema_of, writer
from steelyard.spec.fields import closest

Row = dict[str, Any]
_REFUSED = frozenset({"boolean", "float", "real", "double", "decimal"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """The assignment of one experiment of a project.

    Attributes:
        project: The project.
        assigner: How the experiment assigns.
        key: Key column of its unit.
    """

    project: Project
    assigner: Assigner
    key: str

    @classmethod
    def of(cls, project: Project, experiment: str) -> "Source":
        """Return the assignment of an experiment.

        Raises:
            SpecError: There is no such experiment, or its file and its claim disagree.
        """
        files = project.files
        if experiment not in files.experiments:
            raise SpecError(f"no experiment {experiment!r}", hint=closest(experiment, files.experiments))
        spec = files.experiments[experiment]
        claims = ruleset_claims(files, load_programmes(files))
        assigner = Assigner(assignment_of(files, spec, claims), targeting_rule(spec))
        exposures = files.project.exposures[spec.exposures]
        return cls(project=project, assigner=assigner, key=files.project.units[exposures.unit])

    def unchecked(self, known: Sequence[str]) -> list[str]:
        """Return what targeting asks for and nobody says; it is left out then."""
        return [name for name in self.assigner.attributes if name not in known]

    def units(self, units: Sequence[Any], attributes: Mapping[str, Any]) -> list[Row]:
        """Assign single units, all with the same attributes.

        Raises:
            SpecError: A unit is neither text nor an integer.
        """
        columns = {name: [value] * len(units) for name, value in attributes.items()}
        found = self.assigner.assign(units, None if self.unchecked(list(attributes)) else columns)
        return list(self.rows(units, found))

    def file(self, path: Path, column: str | None) -> tuple[list[str], Iterator[Any]]:
        """Assign the units of a file, piece by piece.

        Returns:
            The columns of the file, and the answers as Arrow record batches.

        Raises:
            SpecError: The file cannot be read, or its units are neither text nor integers.
        """
        unit = column or self.key
        names, pieces = read_pieces(path, unit, self.assigner.attributes)
        return names, self._answers(pieces, unit, str(path), is_targeted=not self.unchecked(names))

    def _answers(self, pieces: Iterator[Any], unit: str, where: str, *, is_targeted: bool) -> Iterator[Any]:
        arrow = import_arrow(where)
        labels = [*self.assigner.assignment.variants, None]
        for piece in pieces:
            units = piece.column(unit)
            columns = {
                name: piece.column(name).to_pylist() for name in self.assigner.attributes if is_targeted
            }
            try:
                found = self.assigner.assign(units, columns if is_targeted else None)
            except SpecError as error:
                raise SpecError(error.args[0], where=f"{where}: column {unit}", hint=error.hint) from error
            buckets = arrow.array(found.buckets, mask=found.buckets == NO_BUCKET)
            variants = arrow.array(labels, arrow.string()).take(arrow.array(found.variants % len(labels)))
            reasons = arrow.array([reason.value for reason in REASONS]).take(arrow.array(found.reasons))
            columns_out = [units, buckets, variants, reasons]
            yield arrow.RecordBatch.from_arrays(columns_out, schema=schema_of(arrow, units.type))

    def query(self, sql: str, column: str | None) -> tuple[list[str], Iterator[list[Row]]]:
        """Assign the units of a query against the target, page by page.

        Returns:
            The columns of the query, and the answers.

        Raises:
            CompileError: It is no single safe SELECT, or its units are neither text nor integers.
            WarehouseError: The warehouse refuses it.
        """
        warehouse = self.project.connect()
        try:
            written = self.project.files.project.dialect or warehouse.dialect
            unit = column or self.key
            tree = read_units(sql, written_in=written)
            types = warehouse.column_types(DIALECTS[warehouse.dialect].generate(tree))
            _check_type(types, unit)
            warehouse.create_temporary(TABLE, numbered_units(tree, unit, dialect=warehouse.dialect))
        except BaseException:
            warehouse.close()
            raise
        return list(types), self._pages(warehouse, unit, is_targeted=not self.unchecked(list(types)))

    def _pages(self, warehouse: Any, unit: str, *, is_targeted: bool) -> Iterator[list[Row]]:
        wanted = [unit, *(self.assigner.attributes if is_targeted else ())]
        with warehouse:
            start = 1
            while True:
                sql = page_query(wanted, first=start, last=start + PIECE - 1, dialect=warehouse.dialect)
                rows = warehouse.query(sql).values
                if not rows:
                    return
                units, *others = (list(values) for values in zip(*rows, strict=True))
                columns = dict(zip(wanted[1:], others, strict=True))
                found = self.assigner.assign(units, columns if is_targeted else None)
                yield list(self.rows(units, found))
                start += PIECE

    def rows(self, units: Sequence[Any], found: Assigned) -> Iterator[Row]:
        """Yield an answer per unit."""
        labels = [*self.assigner.assignment.variants, None]
        for unit, bucket, variant, reason in zip(
            units, found.buckets.tolist(), found.variants.tolist(), found.reasons.tolist(), strict=True
        ):
            yield {
                "unit": unit,
                "bucket": None if bucket == NO_BUCKET else bucket,
                "variant": labels[variant],
                "reason": REASONS[reason].value,
            }


def write_file(answers: Iterator[Any], path: Path) -> int:
    """Write answers to a CSV or Parquet file, and return how many there were."""
    first = next(answers, None)
    unit_type = import_arrow(path).string() if first is None else first.schema.field("unit").type
    written = 0
    with writer(path, unit_type) as write:
        piece = first
        while piece is not None:
            write(piece)
            written += piece.num_rows
            piece = next(answers, None)
    return written


def to_batches(pages: Iterator[list[Row]]) -> Iterator[Any]:
    """Return pages of answers as Arrow record batches, units as text."""
    arrow = import_arrow("--output")
    for page in pages:
        texts = [{**row, "unit": None if row["unit"] is None else str(row["unit"])} for row in page]
        yield arrow.RecordBatch.from_pylist(texts, schema=schema_of(arrow, arrow.string()))


def _check_type(types: Mapping[str, str], unit: str) -> None:
    if unit not in types:
        raise CompileError(
            f"there is no column {unit!r}", where="--query", hint=f"--column names one of {', '.join(types)}"
        )
    if types[unit].split("(")[0] in _REFUSED:
        raise CompileError(
            f"the units {unit!r} are of type {types[unit]}",
            where="--query",
            hint="engines write such values differently; cast them to text or to integers",
        )
