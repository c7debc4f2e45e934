"""The native part of getframes: one submodule a room."""

from . import core as core
from . import deposit as deposit
from . import fit as fit
from . import reduce as reduce
from . import sim as sim
from . import toml as toml
