"""Units with their known buckets, for testing a live warehouse against the canonical formula.

Expected values were computed as ``int(hexdigest, 16) % 10000`` and ``int(hexdigest[:15], 16) % 10000`` of
``sha256(f"{SALT}:{unit}")``. NUL is left out because PostgreSQL cannot store it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from steelyard.errors import WarehouseError
from steelyard.hashing.units import Unit

SALT = "steelyard-conformance"


@dataclass(frozen=True, slots=True)
class Golden:
    """A unit and its buckets under the two canonical schemes."""

    unit: Unit
    sha256: int
    sha256_60: int


GOLDEN = (
    Golden("user_1", 4293, 9694),
    Golden("user_2", 2626, 7460),
    Golden("USER_1", 2980, 9638),
    Golden("u", 572, 8349),
    Golden("0", 908, 5429),
    Golden("1", 9035, 2329),
    Golden("00", 5263, 4212),
    Golden("007", 6670, 234),
    Golden("42", 3682, 8665),
    Golden("-1", 9420, 5533),
    Golden("1.0", 5075, 8600),
    Golden("1e3", 2006, 535),
    Golden("+1", 1394, 1584),
    Golden("9007199254740993", 3010, 5340),
    Golden("9223372036854775807", 2305, 121),
    Golden("18446744073709551616", 4819, 1658),
    Golden("true", 3581, 640),
    Golden("false", 3787, 4658),
    Golden("null", 1081, 1934),
    Golden("NULL", 1105, 1309),
    Golden("None", 2049, 5712),
    Golden("NaN", 8026, 1627),
    Golden("a:b", 9482, 3618),
    Golden(":", 8316, 1815),
    Golden("::", 1288, 7139),
    Golden(",", 9482, 5237),
    Golden(" ", 5742, 2875),
    Golden("  ", 4538, 7628),
    Golden(" user_1", 5067, 1191),
    Golden("user_1 ", 8501, 4834),
    Golden("user_1\n", 5627, 3915),
    Golden("\n", 2067, 6642),
    Golden("\t", 8765, 476),
    Golden("\r\n", 669, 2504),
    Golden("'", 5799, 9261),
    Golden("''", 7264, 1626),
    Golden('"', 6148, 899),
    Golden("\\", 3220, 6553),
    Golden("\\n", 6472, 7976),
    Golden("%", 8209, 1986),
    Golden("%s", 1104, 6025),
    Golden("{}", 6567, 306),
    Golden("$1", 3599, 614),
    Golden("--", 8893, 5087),
    Golden("/*", 7845, 5021),
    Golden("; drop table users; --", 650, 6491),
    Golden("é", 6363, 7998),
    Golden("e\u0301", 9631, 6630),
    Golden("ß", 6380, 3268),
    Golden("ẞ", 8974, 3825),
    Golden("ſ", 3451, 7906),
    Golden("İ", 8714, 9235),
    Golden("ı", 3595, 7837),
    Golden("Ω", 5292, 7989),
    Golden("你好", 5358, 685),
    Golden("日本語のユーザー", 3560, 743),
    Golden("사용자", 2378, 1092),
    Golden("пользователь", 6820, 8273),
    Golden("\u0645\u0633\u062a\u062e\u062f\u0645", 7670, 6337),
    Golden("\u05de\u05e9\u05ea\u05de\u05e9", 9445, 4870),
    Golden("ผู้ใช้", 2165, 4441),
    Golden("क्षि", 5722, 344),
    Golden("\u200b", 2587, 6326),
    Golden("a\u200bb", 4865, 1420),
    Golden("\xa0", 1693, 643),
    Golden("\u3000", 603, 5005),
    Golden("\ufeffa", 4252, 2451),
    Golden("\u2028", 5103, 3862),
    Golden("😀", 4634, 9994),
    Golden("\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466", 7596, 21),
    Golden("🇸🇬", 4522, 745),
    Golden("𝒳", 3475, 4388),
    Golden("𠜎", 2531, 8067),
    Golden("\U0010ffff", 4904, 150),
    Golden("ﬁ", 4563, 7990),
    Golden("①", 2115, 9754),
    Golden("Ａ", 7637, 6607),
    Golden("½", 6829, 7983),
    Golden("x" * 50, 4118, 4503),
    Golden("x" * 51, 4088, 8741),
    Golden("x" * 63, 5489, 5436),
    Golden("x" * 64, 9362, 9031),
    Golden("x" * 65, 3470, 2571),
    Golden("x" * 119, 3848, 5503),
    Golden("x" * 120, 3863, 6747),
    Golden("\xe9" * 40, 5451, 2074),
    Golden("\U0001f600" * 30, 9770, 4666),
    Golden("user_" + "0123456789" * 100, 4812, 2236),
    Golden("3f2504e0-4f89-11d3-9a0c-0305e82c3301", 3233, 9446),
    Golden("3F2504E0-4F89-11D3-9A0C-0305E82C3301", 7514, 5976),
    Golden("someone@example.com", 8200, 9437),
    Golden("https://example.com/?a=1&b=2#c", 8548, 7142),
    Golden('{"id": 1}', 6667, 8040),
    Golden("<b>1</b>", 9356, 5707),
    Golden("ga1.2.1234567890.1600000000", 9434, 1188),
    Golden("AQIDBA==", 8370, 8256),
    Golden("2026-04-01", 7339, 7511),
    Golden("1,000", 2670, 3461),
    Golden("0x1f", 4653, 8566),
    Golden(0, 908, 5429),
    Golden(7, 7914, 604),
    Golden(42, 3682, 8665),
    Golden(-1, 9420, 5533),
    Golden(123456789, 6893, 7077),
    Golden(9007199254740993, 3010, 5340),
    Golden(9223372036854775807, 2305, 121),
    Golden(-9223372036854775808, 4135, 9123),
)


def check_buckets(scheme: str, actual: Mapping[int, int | None]) -> None:
    """Refuse a warehouse whose buckets differ from the known ones.

    Args:
        scheme: ``sha256`` or ``sha256-60``.
        actual: The warehouse's bucket by position in `GOLDEN`.

    Raises:
        WarehouseError: A bucket is missing or differs; the message names the first such unit.
    """
    wrong = [
        (golden, wanted, actual.get(position))
        for position, golden in enumerate(GOLDEN)
        if (wanted := golden.sha256 if scheme == "sha256" else golden.sha256_60) != actual.get(position)
    ]
    if wrong:
        golden, wanted, found = wrong[0]
        raise WarehouseError(
            f"{len(wrong)} of {len(GOLDEN)} buckets differ: unit {golden.unit!r} is in {found}, not {wanted}",
            where=f"hash scheme {scheme}",
            hint="its text encoding or its digest is another; analyses must not rely on its buckets",
        )
