"""How numbers and tables are printed."""

from collections.abc import Iterator, Sequence


def number(value: float | None) -> str:
    """Return a number with four significant digits.

    Examples:
        >>> number(0.57091), number(12345.6), number(None)
        ('0.5709', '12,350', '')
    """
    if value is None:
        return ""
    if abs(value) >= 1000:
        return f"{float(f'{value:.4g}'):,.0f}"
    return f"{value:.4g}"


def signed(value: float) -> str:
    """Return a difference with its sign and three significant digits.

    Examples:
        >>> signed(0.02315), signed(-1234.5)
        ('+0.0232', '-1,230')
    """
    if abs(value) >= 1000:
        return f"{float(f'{value:.3g}'):+,.0f}"
    return f"{value:+.3g}"


def percent(value: float) -> str:
    """Return a share as a percentage with its sign and three significant digits.

    Examples:
        >>> percent(0.0848), percent(0.1249), percent(-0.00014), percent(11.8958)
        ('+8.48%', '+12.5%', '-0.01%', '+1,190%')
    """
    digits = 2 if abs(value) < 0.1 else 1 if abs(value) < 1 else 0
    return f"{float(f'{100 * value:.3g}') if abs(value) >= 1 else 100 * value:+,.{digits}f}%"


def p_value(value: float | None) -> str:
    """Return a p-value as papers print it.

    Examples:
        >>> p_value(0.03217), p_value(1e-9), p_value(None)
        ('0.032', '<0.001', '')
    """
    if value is None:
        return ""
    return "<0.001" if value < 0.001 else f"{value:.3f}"


def p_equals(value: float) -> str:
    """Return a p-value for a sentence.

    Examples:
        >>> p_equals(0.03217), p_equals(1e-9)
        ('p = 0.032', 'p < 0.001')
    """
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def aligned(rows: Sequence[Sequence[str]], *, left: set[int]) -> Iterator[str]:
    """Yield rows as columns, the first a header with a rule below it; a row of one cell is a heading.

    Examples:
        >>> print("\\n".join(aligned([["metric", "n"], ["primary"], ["  rate", "12"]], left={0})))
        metric   n
        ------  --
        primary
          rate  12
    """
    full = [row for row in rows if len(row) > 1]
    widths = [max(len(row[k]) for row in full) for k in range(len(rows[0]))]
    for index, row in enumerate(rows):
        cells = [
            cell.ljust(width) if k in left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(row, widths, strict=False))
        ]
        yield "  ".join(cells).rstrip()
        if index == 0:
            yield "  ".join("-" * width for width in widths)
