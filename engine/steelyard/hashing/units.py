"""The text that is hashed: units are text or integers, and a missing unit has no bucket."""

from numbers import Integral

from steelyard.errors import SpecError

Unit = str | int
"""What is bucketed. An integer stands for its decimal text."""


def text_of(unit: object) -> str | None:
    """The text of a unit as every engine writes it, or None where there is no unit.

    Args:
        unit: Text, an integer, or None.

    Returns:
        The text, neither trimmed nor folded; None for None and ''.

    Raises:
        SpecError: The unit is a float, a boolean or anything else whose text
            differs between engines.

    Examples:
        >>> text_of(42), text_of("42"), text_of(""), text_of(None)
        ('42', '42', None, None)
    """
    if isinstance(unit, str):
        return unit or None
    if unit is None:
        return None
    if type(unit) is not bool and isinstance(unit, Integral):
        return str(int(unit))
    raise SpecError(
        f"a unit must be text or an integer, not {type(unit).__name__} {unit!r}",
        hint="engines write floats, booleans and bytes differently; cast the column to text",
    )


def utf8(text: str) -> bytes:
    """The UTF-8 bytes of a unit or a salt.

    Raises:
        SpecError: The text holds half of a surrogate pair, which no warehouse can store.
    """
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise SpecError(
            f"{text!r} is not valid unicode text",
            hint="it holds half of a surrogate pair; decode the source as UTF-8 or UTF-16",
        ) from error
