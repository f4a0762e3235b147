"""The one piece of CBOR that schemes need: the header of a text string, in its shortest form.

References:
    RFC 8949, sections 3.1 and 4.2.1 (deterministic encoding).
"""


def text_header(length: int) -> bytes:
    """The bytes before a text string of ``length`` bytes.

    Examples:
        >>> text_header(5).hex(), text_header(24).hex(), text_header(256).hex()
        ('65', '7818', '790100')
    """
    if length < 24:
        return bytes([0x60 + length])
    size = 1 if length < 1 << 8 else 2 if length < 1 << 16 else 4
    return bytes([{1: 0x78, 2: 0x79, 4: 0x7A}[size]]) + length.to_bytes(size)
