"""What clients do to an id or a key before they hash it, in SQL: ``u_`` is the text.

A change that a warehouse cannot say, or that would fail on some text, is absent and is not tried there.
"""

from types import MappingProxyType

from sqlglot import exp

from steelyard.errors import CompileError
from steelyard.hashing.sql.digest import digest_tree
from steelyard.hashing.sql.trees import tree

_POINT = "unicode(substr(u_, i + 1, 1))"
_PLACES = "range(length(u_))"
_HIGH = f"(55296 + (({_POINT} - 65536) >> 10))"
_LOW = f"(56320 + (({_POINT} - 65536) & 1023))"


def _duckdb_bytes(of_character: str) -> str:
    return f"unhex(array_to_string(list_transform({_PLACES}, lambda i: {of_character}), ''))"


def _duckdb_utf_16(one: str) -> str:
    """Code units, each printed as four hexadecimal digits of the code unit that ``one`` makes of it."""
    basic = f"printf('%04x', {one.format(unit=_POINT)})"
    high, low = one.format(unit=_HIGH), one.format(unit=_LOW)
    return _duckdb_bytes(
        f"CASE WHEN {_POINT} < 65536 THEN {basic} ELSE printf('%04x', {high}) || printf('%04x', {low}) END"
    )


_COMMON = {
    "trimmed": "TRIM(u_)",
    "lower": "LOWER(u_)",
    "upper": "UPPER(u_)",
    "trimmed_lower": "LOWER(TRIM(u_))",
    "without_zeros": "LTRIM(u_, '0')",
    "as_float": "u_ || '.0'",
    "quoted": "'\"' || u_ || '\"'",
}
_DUCKDB = {
    **_COMMON,
    "trimmed": "regexp_replace(u_, '^[\\s\\p{Z}]+|[\\s\\p{Z}]+$', '', 'g')",
    "trimmed_lower": "LOWER(regexp_replace(u_, '^[\\s\\p{Z}]+|[\\s\\p{Z}]+$', '', 'g'))",
    "url_encoded": "url_encode(u_)",
    "latin_1": _duckdb_bytes(f"CASE WHEN {_POINT} < 256 THEN printf('%02x', {_POINT}) ELSE '3f' END"),
    "utf_16_be": _duckdb_utf_16("{unit}"),
    "utf_16_le": _duckdb_utf_16("(({unit} & 255) << 8) | ({unit} >> 8)"),
    "mojibake": "array_to_string(list_transform(range(octet_length(encode(u_))),"
    " lambda i: chr(('0x' || substr(hex(encode(u_)), 2 * i + 1, 2))::INT)), '')",
    "question_marks": "regexp_replace(u_, '[^\\x00-\\x7F]', '?', 'g')",
    "ascii_only": "regexp_replace(u_, '[^\\x00-\\x7F]', '', 'g')",
    "nfc": "nfc_normalize(u_)",
    "without_accents": "strip_accents(u_)",
    "sha256_bytes": "unhex(SHA256(u_))",
}
_POSTGRES = {
    **_COMMON,
    "trimmed": "REGEXP_REPLACE(u_, '^\\s+|\\s+$', '', 'g')",
    "trimmed_lower": "LOWER(REGEXP_REPLACE(u_, '^\\s+|\\s+$', '', 'g'))",
    "question_marks": "REGEXP_REPLACE(u_, '[^\\x01-\\x7F]', '?', 'g')",
    "ascii_only": "REGEXP_REPLACE(u_, '[^\\x01-\\x7F]', '', 'g')",
    "nfc": "NORMALIZE(u_, NFC)",
    "nfd": "NORMALIZE(u_, NFD)",
}
_CLICKHOUSE = {
    **_COMMON,
    "trimmed": "trimBoth(u_)",
    "lower": "lowerUTF8(u_)",
    "upper": "upperUTF8(u_)",
    "trimmed_lower": "lowerUTF8(trimBoth(u_))",
    "without_zeros": "replaceRegexpOne(u_, '^0+', '')",
    "url_encoded": "encodeURLComponent(u_)",
    "latin_1": "convertCharset(u_, 'UTF-8', 'ISO-8859-1')",
    "utf_16_le": "convertCharset(u_, 'UTF-8', 'UTF-16LE')",
    "utf_16_be": "convertCharset(u_, 'UTF-8', 'UTF-16BE')",
    "mojibake": "convertCharset(u_, 'ISO-8859-1', 'UTF-8')",
    "nfc": "normalizeUTF8NFC(u_)",
    "nfd": "normalizeUTF8NFD(u_)",
    "sha256_bytes": "SHA256(u_)",
}
CHANGES = MappingProxyType({"duckdb": _DUCKDB, "postgres": _POSTGRES, "clickhouse": _CLICKHOUSE})
_DIGESTS = ("sha256", "sha1", "md5")


def change_text(dialect: str, name: str, text: exp.Expr) -> exp.Expr:
    """Return a text as a client changes it before it is hashed.

    Raises:
        CompileError: The warehouse cannot say the change.
    """
    if not name:
        return text
    if name in _DIGESTS:
        digest = digest_tree(dialect, name, text)
        return tree(dialect, "LOWER(HEX(u_))" if dialect == "clickhouse" else "LOWER(u_)", u=digest)
    known = CHANGES.get(dialect, _COMMON)
    if name not in known:
        raise CompileError(f"{dialect} has no SQL for the change {name!r}", hint="it is not tried there")
    return tree(dialect, known[name], u=text)
