"""What a driver says of an error, for people: one line, without secrets."""

from collections.abc import Iterable, Iterator

_SHORTEST_SECRET = 4


def first_line(text: str, error: BaseException) -> str:
    """Return the first line of a text that says something; the kind of the error where none does.

    Examples:
        >>> first_line("  the table is missing\\n  at line 1", ValueError())
        'the table is missing'
        >>> first_line(" ", TimeoutError())
        'TimeoutError'
    """
    return next(iter(text.strip().splitlines()), type(error).__name__)


def masked(text: str, secrets: Iterable[str]) -> str:
    """Return a text without its secrets; those of a few letters are none.

    Of a secret of several lines, such as a key, each line is one, and so are all of them in one line.

    Examples:
        >>> masked("no user 'anna' with 'tops3cret'", ["tops3cret"])
        "no user 'anna' with '***'"
    """
    parts = {part for secret in secrets for part in _parts_of(secret) if len(part) >= _SHORTEST_SECRET}
    # One may begin another one.
    for part in sorted(parts, key=lambda part: (-len(part), part)):
        text = text.replace(part, "***")
    return text


def _parts_of(secret: str) -> Iterator[str]:
    yield secret
    lines = [line.strip() for line in secret.replace("\\n", "\n").splitlines()]
    body = [line for line in lines if line and not line.startswith("-----")]
    if len(lines) > 1:
        yield from body
        yield "".join(body)
