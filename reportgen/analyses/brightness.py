"""How bright objects are: a flux density or a magnitude, one of the two."""

from pydantic import model_validator

from reportgen.config.columns import Column
from reportgen.config.types import Block, ColumnRef


class Brightness(Block):
    """Keys of a block, or of a section, that has a flux density or a magnitude."""

    flux: ColumnRef | None = None
    """Flux density."""
    magnitude: ColumnRef | None = None
    """Magnitude, in place of flux."""

    @model_validator(mode="after")
    def _is_one_of_them(self) -> "Brightness":
        if (self.flux is None) == (self.magnitude is None):
            raise ValueError("give flux: or magnitude:, one of them")
        return self

    @property
    def is_flux(self) -> bool:
        """Whether it is a flux density."""
        return self.flux is not None

    @property
    def brightness(self) -> Column:
        """The column of it."""
        found = self.flux or self.magnitude
        assert found is not None  # noqa: S101 - the validator has seen to it
        return found
