"""Twins of the kernels of `getframes.fit`. They take complex parameters too: a complex step gives slopes to rounding."""
