"""Limits that survey teams share, by name: checks of sections with their source and its date.

They are never applied unless a configuration names them, and are shown like any other check. DESI's
are parameters of its own pipeline (qa-params of desispec), whose numbers are not repeated here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import AfterValidator

from reportgen.config.suggest import unknown


@dataclass(frozen=True)
class Limit:
    """A check of the sections of an analysis. unit: of min and max; empty for plain numbers.

    needs: key without which its metric is not there.
    """

    analysis: str
    metric: str
    min: float | None = None
    max: float | None = None
    unit: str = ""
    severity: str = "fail"
    needs: str = ""


@dataclass(frozen=True)
class Package:
    """Limits of one survey. source: who sets them, with the year."""

    source: str
    limits: tuple[Limit, ...]

    def checks(self, section: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the checks of a section, as they would stand in the YAML beside its keys."""
        return [
            {
                **{"metric": limit.metric, "severity": limit.severity, "reason": self.source},
                **({"unit": limit.unit} if limit.unit else {}),
                **{end: at for end in ("min", "max") if (at := getattr(limit, end)) is not None},
            }
            for limit in self.limits
            if limit.analysis == section.get("analysis")
            and (not limit.needs or section.get(limit.needs) is not None)
        ]


PACKAGES: Mapping[str, Package] = {
    "askap-continuum": Package(
        "limits of ASKAP's continuum validation, 2019",
        (
            Limit("astrometry", "offset", max=2.0, unit="arcsec"),
            Limit("flux_scale", "ratio", 0.9, 1.1, needs="flux"),
            Limit("flux_scale", "spectral_index_median", -0.9, -0.7, needs="frequency"),
            Limit("compactness", "resolved_percent", 5.0, 30.0, "%"),
            Limit("image_noise", "median", max=35.0, unit="uJy / beam"),
            Limit("number_counts", "reference_chi2", max=3.0, severity="warn", needs="reference"),
            Limit("number_counts", "reference_chi2", max=50.0, needs="reference"),
        ),
    ),
    "lsst-refcat": Package(
        "limits of LSST against a reference catalogue, 2023",
        (Limit("flux_scale", "difference", -20.0, 20.0, "mmag", needs="magnitude"),),
    ),
    "lsst-repeat": Package(
        "limits of LSST on repeatability in millimagnitudes, 2023",
        (Limit("repeatability", "repeatability", max=15.0, unit="mmag"),),
    ),
}


def _known(name: str) -> str:
    if name not in PACKAGES:
        raise ValueError(unknown("package of limits", name, PACKAGES))
    return name


LimitsName = Annotated[str, AfterValidator(_known)]
