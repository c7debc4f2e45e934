"""Where the keys of a TOML document stand."""

def spans(text: str) -> list[tuple[tuple[str | int, ...], int, int]]:
    """Key path, 1-based line and 1-based column of every key and array element, in order of appearance.

    Steps of a path are keys (str) and positions in arrays (int, from 0). Of a text that is no TOML the part
    that can be read is reported.
    """
