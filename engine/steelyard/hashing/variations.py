"""Ways in which a client gets a bucket wrong, as data: what an audit tries where assignments do not fit."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from steelyard.hashing.hashes import Digest
from steelyard.hashing.registry import SCHEMES
from steelyard.hashing.scheme import Framing, Scheme

Kind = Literal["ids", "encoding", "double_hash", "salt", "key", "buckets", "scheme"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Variation:
    """One wrong way.

    Attributes:
        kind: What is wrong.
        text: The same for readers, as the end of "the client ...".
        scheme: Scheme in place of the right one.
        salt: Salt in place of the right one.
        buckets: Number of buckets.
        unit: Name of the change to the unit's text, from `steelyard.hashing.sql.changes`; '' for none.
        key: Name of the change to the key's text or bytes; '' for none.
    """

    kind: Kind
    text: str
    scheme: Scheme
    salt: str
    buckets: int
    unit: str = ""
    key: str = ""


_IDS = {
    "trimmed": "trims ids",
    "lower": "folds ids to lower case",
    "upper": "folds ids to upper case",
    "trimmed_lower": "trims ids and folds them to lower case",
    "without_zeros": "reads ids as integers, so that leading zeros are lost",
    "as_float": "reads ids as floating-point numbers (7 becomes 7.0)",
    "quoted": "puts quotation marks around ids",
    "url_encoded": "hashes ids in percent-encoding",
}
_ENCODINGS = {
    "latin_1": "hashes text as Latin-1",
    "utf_16_le": "hashes text as UTF-16 (little endian)",
    "utf_16_be": "hashes text as UTF-16 (big endian)",
    "mojibake": "encodes UTF-8 twice",
    "question_marks": "replaces what is beyond ASCII by question marks",
    "ascii_only": "drops what is beyond ASCII",
    "nfc": "normalises text to NFC",
    "nfd": "normalises text to NFD",
    "without_accents": "strips accents",
}
_DOUBLE_UNITS = {
    "sha256": "hashes ids before they are hashed (SHA-256)",
    "sha1": "hashes ids before they are hashed (SHA-1)",
    "md5": "hashes ids before they are hashed (MD5)",
}
_DOUBLE_KEYS = {
    "sha256": "hashes the hash once more (its hexadecimal text)",
    "sha256_bytes": "hashes the hash once more (its bytes)",
}
_KEYS = {
    "without the salt": ("", ""),
    "with salt and unit joined by nothing": ("{salt}", ""),
    "with the salt before the unit, joined by '-'": ("{salt}-", ""),
    "with the salt before the unit, joined by '.'": ("{salt}.", ""),
    "with the salt before the unit, joined by '_'": ("{salt}_", ""),
    "with the salt before the unit, joined by '/'": ("{salt}/", ""),
    "with the salt before the unit, joined by '|'": ("{salt}|", ""),
    "with the salt behind the unit, joined by ':'": ("", ":{salt}"),
    "with the salt behind the unit, joined by nothing": ("", "{salt}"),
}
_ROUND = (100, 1000, 10_000)


def variations(scheme: Scheme, salt: str, others: dict[str, str]) -> Iterator[Variation]:
    """Yield every wrong way that is tried, the simplest first.

    Args:
        scheme: The right scheme.
        salt: The right salt.
        others: Other salts by what they are, such as ``{"the experiment b": "b"}``.
    """
    right = Variation(kind="ids", text="", scheme=scheme, salt=salt, buckets=scheme.buckets)
    for name, text in _IDS.items():
        yield replace(right, text=text, unit=name)
    if isinstance(scheme.hash, Digest):
        for name, text in _ENCODINGS.items():
            yield replace(right, kind="encoding", text=text, key=name)
        for name, text in _DOUBLE_KEYS.items():
            yield replace(right, kind="double_hash", text=text, key=name)
    for name, text in _DOUBLE_UNITS.items():
        yield replace(right, kind="double_hash", text=text, unit=name)
    for what, other in others.items():
        if other != salt:
            yield replace(right, kind="salt", text=f"hashes with the salt of {what}", salt=other)
    yield from _of_keys(right)
    if not scheme.fixed:
        for buckets in _ROUND:
            if buckets != scheme.buckets:
                yield replace(right, kind="buckets", text=f"has {buckets:,} buckets", buckets=buckets)
    for other_scheme in SCHEMES.values():
        if other_scheme is not scheme:
            yield replace(
                right,
                kind="scheme",
                text=f"hashes as {other_scheme.name} does",
                scheme=other_scheme,
                buckets=other_scheme.buckets,
            )


def _of_keys(right: Variation) -> Iterator[Variation]:
    scheme = right.scheme
    if scheme.framing is not Framing.TEXT or scheme.seed_of is not None:
        return
    for text, (before, after) in _KEYS.items():
        if (before, after) != (scheme.before, scheme.after):
            joined = replace(scheme, before=before, after=after, reserved="")
            yield replace(right, kind="key", text=f"hashes {text}", scheme=joined)
