"""How a warehouse spells identifiers and values, and the engine's own statements put into its words."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

_COMMENT = r"--[^\n]*|/\*.*?\*/"
_OTHER = r'"(?:[^"]|"")*"|`[^`]*`|\?'
_PLAIN = re.compile(rf"{_COMMENT}|'(?:[^']|'')*'|{_OTHER}", re.DOTALL)
_ESCAPED = re.compile(rf"{_COMMENT}|'(?:[^'\\]|\\.|'')*'|{_OTHER}", re.DOTALL)
_FOLDED = re.compile(r"[a-z_][a-z0-9_]*")
_SIGNS: Mapping[str, str] = MappingProxyType({"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Spelling:
    """The words of a warehouse.

    Attributes:
        quote: What stands on either side of an identifier: a double quote or a backtick.
        escapes: Whether a backslash in a text escapes what follows.
        code: Function that gives a backslash by its code, where releases differ in what one in a text means.
        folds: Whether names without quotes are upper case.
        whole: A whole number, with ``{}`` for its digits.
        number: A double, with ``{}`` for its digits.
        moment: A moment with a zone, with ``{}`` for what is read in UTC.
        clock: A moment without a zone.
    """

    quote: str = '"'
    escapes: bool = False
    code: str = ""
    folds: bool = False
    whole: str = "{}"
    number: str
    moment: str
    clock: str

    def identifier(self, name: str) -> str:
        """Return a name, quoted.

        Where names without quotes are upper case, a name in small letters is written in large ones: as compiled SQL,
        which leaves its quotes out, and as analysts will.

        Examples:
            >>> SNOWFLAKE.identifier("results"), SNOWFLAKE.identifier("orderedAt"), BIGQUERY.identifier("results")
            ('"RESULTS"', '"orderedAt"', '`results`')
        """
        name = name.upper() if self.folds and _FOLDED.fullmatch(name) else name
        return f"{self.quote}{name.replace(self.quote, self.quote * 2)}{self.quote}"

    def heard(self, name: str) -> str:
        """Return the name of a column of an answer as the engine writes it.

        Examples:
            >>> SNOWFLAKE.heard("UNIT_KEY"), SNOWFLAKE.heard("orderedAt"), TRINO.heard("UNIT_KEY")
            ('unit_key', 'orderedAt', 'UNIT_KEY')
        """
        return name.lower() if self.folds and name.isupper() else name

    def literal(self, value: Any) -> str:
        r"""Return a Python value as a literal.

        Examples:
            >>> print(TRINO.literal("it's"), TRINO.literal(0.5), TRINO.literal(None), TRINO.literal(date(2026, 4, 1)))
            'it''s' CAST('0.5' AS DOUBLE) NULL CAST('2026-04-01' AS DATE)
            >>> print(BIGQUERY.literal("it's\n"), BIGQUERY.literal(True), REDSHIFT.literal("a\\b"))
            'it\'s\n' true 'a' || CHR(92) || 'b'
        """
        if value is None:
            return "NULL"
        if isinstance(value, bool):
            return "true" if value else "false"
        if isinstance(value, int):
            return self.whole.format(value)
        if isinstance(value, Decimal):
            return str(value)
        if isinstance(value, float):
            return self.number.format(repr(float(value)))
        if isinstance(value, datetime):
            written = self.clock if value.tzinfo is None else self.moment
            zoned = value if value.tzinfo is None else value.astimezone(UTC)
            return written.format(zoned.strftime("%Y-%m-%d %H:%M:%S.%f").rjust(26, "0"))
        if isinstance(value, date):
            return f"CAST('{value.isoformat()}' AS DATE)"
        if isinstance(value, str):
            return self._text(value)
        # A number of numpy; whatever else is refused before.
        return self.literal(value.item())

    def _text(self, text: str) -> str:
        if self.escapes:
            return "'" + "".join(_SIGNS.get(sign, sign) for sign in text) + "'"
        written = "'" + text.replace("'", "''") + "'"
        return written.replace("\\", f"' || {self.code} || '") if self.code else written

    def written(self, sql: str, parameters: Sequence[Any] = ()) -> str:
        """Return a statement with its identifiers respelled and its parameters in place.

        Args:
            sql: Its identifiers stand in double quotes or in none; compiled SQL is left as it is where the warehouse
                quotes so too.
            parameters: One for each ``?``.

        Examples:
            >>> BIGQUERY.written('select "n" from t where a = ? /* "kept"? */', ["x"])
            'select `n` from t where a = \\'x\\' /* "kept"? */'
        """
        if not parameters and self.quote == '"' and not self.folds:
            return sql
        values = iter(parameters)

        def respelled(piece: re.Match[str]) -> str:
            text = piece[0]
            if text == "?" and parameters:
                return self.literal(next(values))
            return self.identifier(text[1:-1].replace('""', '"')) if text[0] == '"' else text

        return (_ESCAPED if self.escapes else _PLAIN).sub(respelled, sql)


SNOWFLAKE = Spelling(
    escapes=True,
    folds=True,
    number="CAST('{}' AS DOUBLE)",
    moment="CAST('{}+00:00' AS TIMESTAMP_TZ)",
    clock="CAST('{}' AS TIMESTAMP_NTZ)",
)
BIGQUERY = Spelling(
    quote="`",
    escapes=True,
    number="CAST({} AS FLOAT64)",
    moment="TIMESTAMP '{}+00:00'",
    clock="DATETIME '{}'",
)
DATABRICKS = Spelling(
    quote="`",
    escapes=True,
    # Tuples are compared only where their types are the same, and the engine's whole numbers are BIGINT.
    whole="{}L",
    number="CAST('{}' AS DOUBLE)",
    moment="CAST('{}+00:00' AS TIMESTAMP)",
    clock="CAST('{}' AS TIMESTAMP_NTZ)",
)
REDSHIFT = Spelling(
    code="CHR(92)",
    number="CAST('{}' AS DOUBLE PRECISION)",
    moment="CAST('{}+00' AS TIMESTAMPTZ)",
    clock="CAST('{}' AS TIMESTAMP)",
)
TRINO = Spelling(
    number="CAST('{}' AS DOUBLE)",
    moment="CAST('{} UTC' AS TIMESTAMP(6) WITH TIME ZONE)",
    clock="CAST('{}' AS TIMESTAMP(6))",
)
