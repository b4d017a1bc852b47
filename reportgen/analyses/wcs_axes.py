"""Astropy's axes of maps, imported without pytest, which they import where it is installed."""

from reportgen.later import importing_without

with importing_without("pytest"):
    from astropy.visualization.wcsaxes import WCSAxes

__all__ = ["WCSAxes"]
