"""Scalars: the canonical formula as written, what is refused, and what is never bucketed."""

import hashlib
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steelyard.errors import SpecError
from steelyard.hashing import DEFAULT, SCHEMES, Scheme, scheme_named
from steelyard.hashing.reduce import REDUCERS, Reduce

EVERY = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
SALT_OF = {"split": "467569525", "split-legacy": "-7"}


def salt_of(scheme: Scheme) -> str:
    return SALT_OF.get(scheme.name, "exp_é")


@given(
    salt=st.text(st.characters(exclude_characters=":", exclude_categories=["Cs"]), min_size=1),
    unit=st.text(st.characters(exclude_categories=["Cs"]), min_size=1),
)
def test_canonical_schemes_are_the_formula_as_written(salt: str, unit: str) -> None:
    digest = hashlib.sha256(f"{salt}:{unit}".encode()).hexdigest()
    assert DEFAULT.scalar(salt, unit) == int(digest, 16) % 10_000
    assert SCHEMES["sha256-60"].scalar(salt, unit) == int(digest[:15], 16) % 10_000
    assert SCHEMES["sha256-60"].scalar(salt, unit, buckets=777) == int(digest[:15], 16) % 777


@EVERY
def test_integers_hash_as_their_decimal_text(scheme: Scheme) -> None:
    salt = salt_of(scheme)
    assert scheme.scalar(salt, -42) == scheme.scalar(salt, "-42") == scheme.scalar(salt, np.int64(-42))


@EVERY
@pytest.mark.parametrize("unit", [None, ""])
def test_missing_unit_has_no_bucket(scheme: Scheme, unit: str | None) -> None:
    assert scheme.scalar(salt_of(scheme), unit) is None


@EVERY
@pytest.mark.parametrize("unit", [1.0, True, np.float64(1), np.bool_(True), b"user", ["user"]], ids=repr)
def test_unit_that_is_neither_text_nor_integer_is_refused(scheme: Scheme, unit: object) -> None:
    bucket = scheme.bucketer(salt_of(scheme))
    with pytest.raises(SpecError, match="a unit must be text or an integer, not "):
        bucket(unit)  # type: ignore[arg-type]


def test_half_a_surrogate_pair_is_refused() -> None:
    with pytest.raises(SpecError, match="is not valid unicode text"):
        DEFAULT.scalar("exp", "a\ud800")


@pytest.mark.parametrize("salt", ["a:b", ":", ""])
@pytest.mark.parametrize("name", ["sha256", "sha256-60"])
def test_canonical_salt_that_is_empty_or_holds_the_separator_is_refused(name: str, salt: str) -> None:
    with pytest.raises(SpecError, match=f"the salt '{salt}' is empty or holds ':'"):
        SCHEMES[name].scalar(salt, "user")


def test_salt_that_is_no_text_is_refused() -> None:
    with pytest.raises(SpecError, match="a salt must be text, not int 7"):
        DEFAULT.scalar(7, "user")  # type: ignore[arg-type]


@pytest.mark.parametrize("salt", ["exp", "", "1.5", "4294967296", "-2147483649", "٣", "--1"])
def test_split_refuses_a_salt_that_is_no_seed(salt: str) -> None:
    with pytest.raises(SpecError, match="is no 32-bit integer"):
        SCHEMES["split"].scalar(salt, "user")


@pytest.mark.parametrize("buckets", [0, -1, 1.5, True, "10", (1 << 24) + 1], ids=repr)
def test_bucket_count_out_of_range_is_refused(buckets: int) -> None:
    with pytest.raises(SpecError, match="the number of buckets must be an integer from 1 to 16,777,216"):
        DEFAULT.scalar("exp", "user", buckets)


@pytest.mark.parametrize("name", ["amplitude", "flagsmith"])
def test_fixed_bucket_count_is_kept(name: str) -> None:
    with pytest.raises(SpecError, match=f"{name} has .* buckets, not 100"):
        SCHEMES[name].scalar("exp", "user", 100)


def test_unknown_scheme_is_refused_with_the_names() -> None:
    with pytest.raises(SpecError, match=r"unknown hash scheme 'sha512'\n  hint: the schemes are sha256, "):
        scheme_named("sha512")


@EVERY
def test_buckets_are_in_range_and_spread(scheme: Scheme) -> None:
    bucket = scheme.bucketer(salt_of(scheme))
    found = [bucket(unit) for unit in range(2000)]
    assert all(value is not None and 0 <= value < scheme.buckets for value in found)
    assert len(set(found)) > min(scheme.buckets, 2000) // 2


def test_dependent_schemes_carry_a_warning() -> None:
    warned = {name.split("-v1")[0] for name, scheme in SCHEMES.items() if scheme.warning}
    assert warned == {"growthbook", "go-feature-flag", "flipt", "flipt-boolean"}


def test_flagsmith_hashes_again_where_the_percentage_is_100() -> None:
    units = (f"user_{i}" for i in range(10**6))
    unit = next(u for u in units if int(hashlib.md5(f"f,{u}".encode()).hexdigest(), 16) % 9999 == 9998)
    again = int(hashlib.md5(f"f,{unit},f,{unit}".encode()).hexdigest(), 16) % 9999
    assert SCHEMES["flagsmith"].scalar("f", unit) == again


def test_top_of_a_closed_scale_is_past_every_cut() -> None:
    assert REDUCERS[Reduce.SCALE_CLOSED](0xFFFFFFFF, 100, 32) == 100
    assert [REDUCERS[Reduce.SCALE_SIGNED](n, 100, 32) for n in (0x7FFFFFFF, 1 << 31, 0xFFFFFFFF)] == [
        100,
        100,
        0,
    ]


def test_import_of_scalars_needs_the_standard_library_alone() -> None:
    program = (
        "import steelyard.hashing, sys; steelyard.hashing.DEFAULT.scalar('e', 'u');"
        "print({'numpy', 'duckdb', 'scipy', 'sqlglot', 'pyarrow', 'pydantic'} & set(sys.modules))"
    )
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "set()"
