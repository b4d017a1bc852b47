"""What to cite for a run: for how its numbers were computed, and for the software."""

from collections.abc import Iterator

from reportgen.record import Summary
from reportgen.wording import listed

SOFTWARE = {
    "astropy": "Astropy Collaboration 2022, ApJ 935, 167, https://doi.org/10.3847/1538-4357/ac7c74",
    "numpy": "Harris et al. 2020, Nature 585, 357, https://doi.org/10.1038/s41586-020-2649-2",
    "matplotlib": "Hunter 2007, Comput. Sci. Eng. 9, 90, https://doi.org/10.1109/MCSE.2007.55",
    "scipy": "Virtanen et al. 2020, Nature Methods 17, 261, https://doi.org/10.1038/s41592-019-0686-2",
    "h5py": "Collette 2013, Python and HDF5, O'Reilly",
    "tensorflow": "Abadi et al. 2015, https://doi.org/10.5281/zenodo.4724125",
}
"""What packages are cited by, by name."""


def cited_methods(summary: Summary) -> Iterator[tuple[str, str]]:
    """Yield each sentence on how numbers were computed, with the sections that it is on."""
    places: dict[str, list[str]] = {}
    for place, section in enumerate(summary.sections, 1):
        for said in section.methods:
            places.setdefault(said, []).append(str(place))
    for said, sections in places.items():
        yield said, f"section{'s' if len(sections) > 1 else ''} {listed(sections, 20)}"


def cited_software(summary: Summary) -> Iterator[str]:
    """Yield what to cite for each package that a run names, with its version."""
    for name, version in summary.environment.versions.items():
        if name in SOFTWARE:
            yield f"{name} {version}: {SOFTWARE[name]}"
