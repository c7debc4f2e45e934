"""The kernels of getframes once more, in plain NumPy float64: the definition that the Rust code must meet.

Same file names, same symbols, no speed. Nothing here is used to make a frame; the tests hold the kernels to
it, and whoever wants to know what a stage does can read one short file. Needs scipy: the extra `reference`.
"""
