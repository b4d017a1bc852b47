"""Source counts of others: read with the configuration, brought to a frequency, put into bins."""

from dataclasses import dataclass

import numpy as np
from pydantic import model_validator

from reportgen.analyses.plotting.ticks import Values
from reportgen.config.reference_table import TableFile
from reportgen.config.sources import Unit
from reportgen.config.types import Block, BlockError, Frequency, Index, Real, Text
from reportgen.config.unit_arithmetic import factor


@dataclass(frozen=True)
class Compared:
    """Reference counts in bins of one's own: Euclidean counts and their relative errors, (bins,).

    NaN where the reference has no point in a bin.
    """

    counts: Values
    error: Values


class CountsReference(Block):
    """Euclidean counts, S^2.5 dN/dS in Jy^1.5/sr, of a table of text or FITS."""

    file: TableFile
    """Table: text whose columns blanks or commas part, # for remarks; or FITS."""
    flux: Index | Text = 1
    """Column of the flux density: its number from 1 in a text, its name in FITS."""
    counts: Index | Text = 2
    """Column of the counts."""
    error: Index | Text | None = None
    """Column of their standard error; all points count alike when not given."""
    unit: Unit = "Jy"
    """Unit of the flux density."""
    log_flux: bool = False
    """Whether the flux density is a logarithm to the base of 10."""
    log_counts: bool = False
    """Whether the counts and their errors are."""
    frequency: Frequency | None = None
    """Frequency of the reference, when it is another than that of the section."""
    spectral_index: Real = -0.8
    """α of S ∝ ν^α, by which it is brought to the frequency of the section."""
    label: Text | None = None
    """What the key calls it; the name of the file when not given."""

    @property
    def title(self) -> str:
        """What the key and sentences call it."""
        return self.label or self.file.path.stem

    @model_validator(mode="after")
    def _has_its_columns(self) -> "CountsReference":
        for key in ("flux", "counts", "error"):
            try:
                _ = None if getattr(self, key) is None else self.file.column(getattr(self, key))
            except ValueError as error:
                raise BlockError({(key,): str(error)}) from None
        try:
            factor(self.unit, "Jy")
        except (ValueError, TypeError):
            said = f"should measure a flux density, such as mJy, not {self.unit}"
            raise BlockError({("unit",): said}) from None
        return self

    def in_bins(self, edges: Values, frequency: float | None) -> Compared:
        """Return the mean of its points in each bin, in the logarithm, weighted by their errors.

        edges: in Jy. frequency: in MHz, to which it is brought.
        """
        flux, counts = (np.array(self.file.column(each)) for each in (self.flux, self.counts))
        with np.errstate(all="ignore"):
            flux = (10**flux if self.log_flux else flux) * factor(self.unit, "Jy")
            weight = np.ones(len(flux))
            if self.error is not None:
                error = np.array(self.file.column(self.error))
                weight = (error * np.log(10) if self.log_counts else error / counts) ** -2.0
            log_counts = counts * np.log(10) if self.log_counts else np.log(counts)
        if self.frequency is not None and frequency is not None:
            step = self.spectral_index * np.log(frequency / self.frequency.to("MHz"))
            flux, log_counts = flux * np.exp(step), log_counts + 1.5 * step
        place = np.searchsorted(edges, flux, side="right") - 1
        used = np.isfinite(log_counts * weight * flux) & (place >= 0) & (place < len(edges) - 1)
        place, weight, bins = place[used], weight[used], len(edges) - 1
        total = np.bincount(place, weight, bins)
        with np.errstate(all="ignore"):
            mean = np.exp(np.bincount(place, weight * log_counts[used], bins) / total)
            error = np.where(self.error is not None, total**-0.5, 0.0)
        return Compared(np.where(total > 0, mean, np.nan), error)
