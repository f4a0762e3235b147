"""What ClickHouse and Spark raise, in the engine's words: what is wrong, what to do, and no values or secrets."""

from collections.abc import Callable

import pytest

from steelyard.errors import WarehouseError
from steelyard.warehouse.clickhouse_errors import translate as translate_clickhouse
from steelyard.warehouse.duckdb_errors import translate as translate_duckdb
from steelyard.warehouse.postgres_errors import translate as translate_postgres
from steelyard.warehouse.spark_errors import translate as translate_spark


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (
            "Code: 60. DB::Exception: Unknown table expression identifier 'nope'. In scope SELECT 1. (UNKNOWN_TABLE)",
            "t: Unknown table expression identifier 'nope'.\n  hint: check the name",
        ),
        (
            "Code: 81. DB::Exception: Database s does not exist. (UNKNOWN_DATABASE)",
            "hint: create it, or correct",
        ),
        (
            "Code: 47. DB::Exception: Unknown expression identifier `N`. (UNKNOWN_IDENTIFIER)",
            "ClickHouse minds their case",
        ),
        (
            "Code: 46. DB::Exception: Function with name `f` does not exist. (UNKNOWN_FUNCTION)",
            "has no such function",
        ),
        (
            "Code: 62. DB::Exception: Syntax error: failed at position 1. (SYNTAX_ERROR)",
            "hint: correct the SQL",
        ),
        (
            "Code: 386. DB::Exception: There is no supertype for types String, UInt8. (NO_COMMON_TYPE)",
            "t: columns of different types are compared\n  hint: do the columns",
        ),
        (
            "Code: 53. DB::Exception: Types do not match. (TYPE_MISMATCH)",
            "columns of different types are compared",
        ),
        (
            "Code: 43. DB::Exception: Illegal type String of argument. (ILLEGAL_TYPE_OF_ARGUMENT)",
            "Illegal type String of argument.\n  hint: do the columns",
        ),
        (
            "Code: 6. DB::Exception: Cannot parse 'anna'. (CANNOT_PARSE_TEXT)",
            "t: a value does not fit its type",
        ),
        (
            "Code: 72. DB::Exception: No number in 'anna'. (CANNOT_PARSE_NUMBER)",
            "a value does not fit its type",
        ),
        ("Code: 38. DB::Exception: No date in 'anna'. (CANNOT_PARSE_DATE)", "a value does not fit its type"),
        (
            "Code: 41. DB::Exception: No moment in 'anna'. (CANNOT_PARSE_DATETIME)",
            "a value does not fit its type",
        ),
        (
            "Code: 27. DB::Exception: Cannot parse input: expected ',' before: 'anna'."
            " (CANNOT_PARSE_INPUT_ASSERTION_FAILED)",
            "a value does not fit its type",
        ),
        (
            "Code: 70. DB::Exception: Cannot convert 'anna'. (CANNOT_CONVERT_TYPE)",
            "a value does not fit its type",
        ),
        ("Code: 117. DB::Exception: Bad 'anna'. (INCORRECT_DATA)", "a value does not fit its type"),
        (
            "Code: 321. DB::Exception: Value 'anna' (VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE)",
            "a number is too large for its type\n  hint: cast to Float64",
        ),
        (
            "Code: 407. DB::Exception: Decimal 'anna'. (DECIMAL_OVERFLOW)",
            "a number is too large for its type",
        ),
        (
            "Code: 153. DB::Exception: Division by zero. (ILLEGAL_DIVISION)",
            "a division by zero\n  hint: write nullif",
        ),
        (
            "Code: 241. DB::Exception: Memory limit exceeded. (MEMORY_LIMIT_EXCEEDED)",
            "run out of the memory that it may use\n  hint: raise max_memory_usage",
        ),
        (
            "Code: 243. DB::Exception: Cannot reserve 1 MiB. (NOT_ENOUGH_SPACE)",
            "no space is left for the database\n  hint: free some disk space",
        ),
        (
            "Code: 395. DB::Exception: Value passed to 'throwIf': while executing 'FUNCTION f(anna)'. (NEW)",
            "t: Value passed to 'throwIf'\n  hint: correct the SQL",
        ),
        (
            "Code: 159. DB::Exception: Timeout. (TIMEOUT_EXCEEDED)",
            "ran longer than statement_timeout_seconds, or than the server lets it\n  hint: raise statement_timeout",
        ),
        (
            "Code: 164. DB::Exception: Cannot execute query in readonly mode. (READONLY)",
            "the database is open for reading only\n  hint: choose a target",
        ),
        ("Code: 497. DB::Exception: Not enough privileges. (ACCESS_DENIED)", "hint: grant it"),
        ("Code: 115. DB::Exception: Unknown setting 'x'. (UNKNOWN_SETTING)", "hint: correct custom_settings"),
        ("Code: 999. DB::Exception: Something else: While executing Aggregating. (NEW)", "Something else"),
        (
            "EmbeddedServer already initialized with path '/one'",
            "this process has another ClickHouse database open\n  hint: close it first",
        ),
        (
            "Error initializing EmbeddedServer: Code: 76",
            "in use by another process, or cannot be written to\n  hint: wait for it to end",
        ),
    ],
)
def test_clickhouse_says_what_is_wrong_and_what_to_do(raised: str, told: str) -> None:
    text = str(translate_clickhouse(RuntimeError(raised), where="t"))
    assert told in text
    assert "DB::Exception" not in text
    assert "anna" not in text
    assert "While executing" not in text


class ConditionedError(Exception):
    """An error of pyspark that names its condition itself."""

    def getCondition(self) -> str | None:  # noqa: N802
        return "DIVIDE_BY_ZERO"


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (
            "[TABLE_OR_VIEW_NOT_FOUND] The table `nope` cannot be found. SQLSTATE: 42P01; line 1",
            "t: The table `nope` cannot be found.\n  hint: check the name",
        ),
        ("[SCHEMA_NOT_FOUND] The schema `s` cannot be found. SQLSTATE: 42704", "hint: create it, or correct"),
        (
            "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column `n` cannot be resolved. SQLSTATE: 42703",
            "A column `n` cannot be resolved.\n  hint: check the names of the columns",
        ),
        ("[UNRESOLVED_ROUTINE] Cannot resolve routine `f`. SQLSTATE: 42883", "Spark has no such function"),
        ("[PARSE_SYNTAX_ERROR] Syntax error at or near 'x'. SQLSTATE: 42601", "hint: correct the SQL"),
        (
            "[DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES] Cannot resolve. SQLSTATE: 42K09",
            "hint: do the columns that are compared",
        ),
        (
            "[CAST_INVALID_INPUT] The value 'anna' cannot be cast. SQLSTATE: 22018",
            "t: a value does not fit its type\n  hint: write try_cast",
        ),
        ("[CANNOT_PARSE_TIMESTAMP] Text 'anna'. SQLSTATE: 22007", "a value does not fit its type"),
        (
            "[INCOMPATIBLE_DATA_FOR_TABLE.X] Cannot write. SQLSTATE: KD000",
            "Cannot write.\n  hint: do the columns",
        ),
        ("[ARITHMETIC_OVERFLOW] anna overflow. SQLSTATE: 22003", "a number is too large for its type"),
        (
            "[CAST_OVERFLOW] anna. SQLSTATE: 22003",
            "a number is too large for its type\n  hint: cast to double",
        ),
        ("[NUMERIC_VALUE_OUT_OF_RANGE.X] anna. SQLSTATE: 22003", "a number is too large for its type"),
        ("[DIVIDE_BY_ZERO] Division by zero. SQLSTATE: 22012", "a division by zero\n  hint: write nullif"),
        ("[INSUFFICIENT_PERMISSIONS] Insufficient privileges. SQLSTATE: 42501", "hint: grant it"),
        (
            "[OPERATION_CANCELED] Operation has been canceled. SQLSTATE: HY008",
            "longer than statement_timeout",
        ),
        (
            "Job 7 cancelled part of cancelled job group t1",
            "the statement ran longer than statement_timeout_seconds\n  hint: raise statement_timeout_seconds",
        ),
        (
            "XSDB6: Another instance of Derby may have already booted the database",
            "the metastore is in use by another process\n  hint: wait for it to end",
        ),
        ("java.io.IOException: No space left on device", "no space is left for the tables"),
        (
            "java.lang.OutOfMemoryError: Java heap space",
            "Spark has run out of memory\n  hint: raise spark.driver",
        ),
        ("java.io.FileNotFoundException: /x", "it was replaced while the statement ran\n  hint: run again"),
        ("Java gateway process exited before sending", "Java did not start\n  hint: install Java 17"),
        ("JAVA_HOME is not set", "Java is not installed\n  hint: install Java 17"),
        ("[SOMETHING_NEW] A new sentence. SQLSTATE: XX000", "t: A new sentence.\n  hint: see Spark's log"),
        ("no condition at all\nat org.apache", "t: no condition at all\n  hint: see Spark's log"),
    ],
)
def test_spark_says_what_is_wrong_and_what_to_do(raised: str, told: str) -> None:
    text = str(translate_spark(RuntimeError(raised), where="t"))
    assert told in text
    assert "SQLSTATE" not in text
    assert "anna" not in text


def test_a_condition_that_spark_names_counts_before_its_text() -> None:
    assert "a division by zero" in str(translate_spark(ConditionedError("[CAST_OVERFLOW] x")))


@pytest.mark.parametrize(
    ("translate", "raised"),
    [
        (translate_clickhouse, "Code: 1. DB::Exception: no tops3cret. (NEW)"),
        (translate_spark, "[NEW] no tops3cret. SQLSTATE: X"),
    ],
)
def test_no_message_holds_a_secret(translate: type[WarehouseError], raised: str) -> None:
    found = str(translate(RuntimeError(raised), secrets=["tops3cret"]))
    assert "no ***" in found
    assert "tops3cret" not in found


@pytest.mark.parametrize("text", ["", " ", "\n", "Code: 1. DB::Exception: (NEW)"])
@pytest.mark.parametrize(
    "translate", [translate_clickhouse, translate_spark, translate_postgres, translate_duckdb]
)
def test_an_error_without_a_sentence_is_told_by_its_kind(
    translate: Callable[..., WarehouseError], text: str
) -> None:
    assert translate(TimeoutError(text)).args[0] in ("TimeoutError", text.strip() or "TimeoutError")
