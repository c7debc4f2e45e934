"""Seeds of a run that was not given one."""

from __future__ import annotations


def drawn_seed(*given: int | None) -> int:
    """The first seed that is given; else a new one, which fits in a FITS card.

    Raises
    ------
    DomainError
        If the seed is negative.
    """
    from secrets import randbits

    from getframes.errors import require

    seed = next((seed for seed in given if seed is not None), None)
    if seed is None:
        return randbits(63)
    require(seed >= 0, "", "seed", ">= 0", seed)
    return seed
