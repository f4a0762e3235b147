"""DuckDB's errors in the engine's words."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

import duckdb

from steelyard.errors import WarehouseError
from steelyard.warehouse.error_text import first_line, masked


@dataclass(frozen=True, slots=True)
class Rule:
    """How one kind of error is told.

    Attributes:
        pattern: Matches DuckDB's text.
        message: What is wrong; ``{0}`` and so on are the pattern's groups. Empty keeps DuckDB's first line.
        hint: What to do, likewise.
        is_transient: Whether the transaction may succeed when it is run again.
    """

    pattern: re.Pattern[str]
    message: str
    hint: str
    is_transient: bool = False


_MIXED_TYPES = (
    "do the columns that are compared have one type? a unit's id may be text in one table "
    "and a number in another: cast one of them"
)
_UNREADABLE = (
    "write try_cast where a value may not be one; where columns are compared, give them one type: "
    "a unit's id may be text in one table and a number in another"
)

_CONFLICT = "another run changed the same rows at the same time"
_TRANSIENT = frozenset({_CONFLICT})

# The first that matches counts. Values are data of single units, so no message repeats one.
RULES = tuple(
    Rule(re.compile(pattern, re.DOTALL), message, hint, message in _TRANSIENT)
    for pattern, message, hint in (
        (
            r'Could not set lock on file "(.+?)": Conflicting lock is held in (.+?) \(PID (\d+)\)',
            "the database {0} is in use by process {2} ({1})",
            "wait for it to end or close it: one process at a time can open a DuckDB file for writing",
        ),
        (
            r'Could not set lock on file "(.+?)"',
            "the database {0} is in use by another process",
            "wait for it to end or close it: one process at a time can open a DuckDB file for writing",
        ),
        (
            r"same database file with a different configuration",
            "the database is open in this process already, with other settings",
            "close the other connection, or open it with the same read_only",
        ),
        (
            r"No space left on device|Disk quota exceeded|File too large|max_temp_directory_size",
            "no space is left for the database or its temporary files",
            "free some disk space; nothing half-written is kept, so the next run starts clean",
        ),
        (
            r"attached in read-only mode",
            "the database is open for reading only",
            "set read_only: false in profiles.yml, or choose a target that may be written to",
        ),
        (
            r'Cannot open database "(.+?)" in read-only mode: database does not exist',
            "there is no database {0}, and read_only: true keeps it from being created",
            "correct the path in profiles.yml, or set read_only: false",
        ),
        (
            r'The file "(.+?)" exists, but it is not a valid DuckDB database',
            "{0} is no DuckDB database",
            "correct the path in profiles.yml",
        ),
        (
            r'Cannot open file "(.+?)": No such file or directory',
            "cannot open {0}: no such file or directory",
            "create the folder, or correct the path in profiles.yml",
        ),
        (
            r'Cannot (?:open|create|write|read).*?"(.+?)".*?(?:Permission denied|Read-only file system)',
            "cannot open {0}: permission denied",
            "check who may read and write the file and its folder; read_only: true needs reading alone",
        ),
        (
            r'Failed to download extension "(.+?)"|Extension "(?:[^"]*/)?(.+?)(?:\.duckdb_extension)?" not found',
            "DuckDB's extension {0}{1} is not installed",
            "install the extension where the network allows, then list it under extensions in profiles.yml",
        ),
        (
            r'Error when sniffing file "(?:[^"]*/)?(.+?)"',
            "{0} is no proper CSV file: its lines differ in their number of columns, or a quote stays open",
            "separate by commas, and quote a text that holds one with double quotes",
        ),
        (
            r"CSV Error on Line: (\d+)",
            "line {0} does not fit the columns or is not UTF-8",
            "separate by commas, quote a text that holds one with double quotes, and save it in UTF-8",
        ),
        (
            r"No magic bytes|too small to be a Parquet file",
            "it is no Parquet file",
            "write it again: it may have been cut off",
        ),
        (
            r"Could not convert .* to (\w+) when casting from source column (\S+)",
            "a value of {1} cannot be read as {0}",
            _UNREADABLE,
        ),
        (r"Could not convert .* to (\w+)", "a value cannot be read as {0}", _UNREADABLE),
        (r"invalid (\w+) field format", "a value cannot be read as a {0}", _MIXED_TYPES),
        (
            r"Overflow in |out of range for the destination type",
            "a number is too large for its type",
            "cast to double, or to a wider type, before computing with it",
        ),
        (
            r"Unimplemented type for cast|Cannot compare values of type|Cannot mix values of type",
            "",
            _MIXED_TYPES,
        ),
        (
            r"No function matches the given name and argument types",
            "",
            "DuckDB has no such function for these types: cast the arguments",
        ),
        (
            r"Required module 'pytz'",
            "a moment with a zone is inside a list or a struct, where it cannot be read",
            "select the moment as a column of its own",
        ),
        (
            r"Duplicate key .* violates|PRIMARY KEY or UNIQUE constraint violation|duplicate key",
            "rows with these keys exist already",
            "another run wrote them at the same time: run again",
        ),
        (
            r"[Cc]onflict on|write-write conflict|Conflict on tuple",
            _CONFLICT,
            "nothing of this run was kept: run again",
        ),
        (
            r"^INTERRUPT Error",
            "the statement ran longer than statement_timeout_seconds",
            "raise statement_timeout_seconds in profiles.yml, or select fewer experiments",
        ),
        (
            r"database has been invalidated",
            "DuckDB has shut the database down after an earlier failure",
            "look at the first error; the next run starts from what was last committed",
        ),
        (
            r"unrecognized configuration parameter \"(.+?)\"",
            "DuckDB has no setting {0!r}",
            "correct settings in profiles.yml",
        ),
        (
            r"setting while database is running",
            "",
            "take it out of settings in profiles.yml: it can only be set before a database is opened",
        ),
    )
)

_CLASS_HINTS: tuple[tuple[type[Exception], str], ...] = (
    (duckdb.OutOfMemoryException, "raise settings: {memory_limit: …} in profiles.yml, or use fewer threads"),
    (duckdb.ParserException, "correct the SQL"),
    (duckdb.CatalogException, "check the name, and that the profile's target is the one that holds it"),
    (duckdb.BinderException, "check the names of the columns"),
    (duckdb.DataError, _MIXED_TYPES),
    (duckdb.InvalidTypeException, _MIXED_TYPES),
    (duckdb.IOException, "check that the database's disk can be read and written"),
    (duckdb.HTTPException, "check the network"),
)
_PREFIX = re.compile(r"^[A-Za-z -]+ Error: ")
# DuckDB also proposes tables of its own catalogue.
_CANDIDATES = re.compile(
    r'^(Did you mean:? (?!"(?:pg_|duckdb_|sqlite_)).+|Candidate [a-z ]+: .+)$', re.MULTILINE
)
_LINE = re.compile(r"^LINE (\d+): (.*)$", re.MULTILINE)


def translate(error: Exception, *, where: str = "", secrets: Iterable[str] = ()) -> WarehouseError:
    """Return what DuckDB raised as an error of the engine: what is wrong, and what to do.

    Args:
        error: What DuckDB raised.
        where: The target.
        secrets: Texts that no message may hold.

    Examples:
        >>> print(translate(duckdb.CatalogException('Catalog Error: Table with name event does not exist!\\n'
        ...     'Did you mean "events"?\\n\\nLINE 1: select * from event\\n                      ^^^^^')))
        Table with name event does not exist! (line 1: select * from event)
          hint: Did you mean "events"?
    """
    message, hint, is_transient = _told(error, str(error).strip() or first_line("", error))
    return WarehouseError(
        masked(message, secrets),
        where=masked(where, secrets),
        hint=masked(hint, secrets),
        is_transient=is_transient,
    )


def _told(error: Exception, text: str) -> tuple[str, str, bool]:
    first = _PREFIX.sub("", text.split("\n", 1)[0])
    if place := _LINE.search(text):
        first = f"{first} (line {place[1]}: {place[2].strip()})"
    for rule in RULES:
        if match := rule.pattern.search(text):
            groups = [group or "" for group in match.groups()]
            return rule.message.format(*groups) or first, rule.hint, rule.is_transient
    candidates = " ".join(found.strip() for found in _CANDIDATES.findall(text))
    hint = next((hint for kind, hint in _CLASS_HINTS if isinstance(error, kind)), "")
    return first, candidates or hint, False
