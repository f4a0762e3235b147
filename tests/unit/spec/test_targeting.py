"""Rules and rollouts in a project's files."""

import pytest

from steelyard.errors import SpecError
from steelyard.spec.document import parse_document
from steelyard.spec.model import placed, validate
from steelyard.spec.surface import Rollout, Surface

SURFACE = """
name: checkout
properties:
  columns: {type: integer, default: 2}
rollouts:
  three-columns:
    config: {columns: 3}
    share: 25%
    eligible:
      all:
        - {attribute: app_version, version_at_least: 2.4.0}
        - {attribute: signed_up, since: 2026-01-01}
"""


def read(text: str) -> Surface:
    document = parse_document(text, "surfaces/checkout.yml")
    return validate(Surface, document.value, placed(document))


def test_a_rollout_is_read_with_its_rule() -> None:
    assert read(SURFACE).rollouts == {
        "three-columns": Rollout(
            config={"columns": 3},
            share="25%",
            eligible={
                "all": [
                    {"attribute": "app_version", "version_at_least": "2.4.0"},
                    {"attribute": "signed_up", "since": "2026-01-01"},
                ]
            },
        )
    }


@pytest.mark.parametrize(
    ("old", "new", "where", "message"),
    [
        ("25%", "125%", 8, "rollouts.three-columns.share: the share 125% lies outside 0 to 1"),
        ("2.4.0", "2.4", 11, "version_at_least needs a version such as '2.4.0', not 2.4"),
        ("2026-01-01", "soon", 12, "since needs a day or a moment"),
        (
            "attribute: signed_up",
            "attr: signed_up",
            12,
            "a rule has one of the keys all, any, not, or an attribute",
        ),
        ("share: 25%", "salt: 'a:b'", 8, "holds ':'"),
        ("share: 25%", "scheme: md4", 8, "unknown hash scheme 'md4'"),
    ],
)
def test_a_wrong_rollout_is_refused_with_its_line(old: str, new: str, where: int, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        read(SURFACE.replace(old, new))
    assert message in caught.value.args[0]
    assert caught.value.where == f"surfaces/checkout.yml:{where}"


def test_a_rollout_sets_what_its_surface_defines() -> None:
    with pytest.raises(SpecError, match="the surface 'checkout' has no property 'colums'"):
        read(SURFACE.replace("config: {columns: 3}", "config: {colums: 3}"))
