"""What the keys of a section refuse, in words that say what to write instead."""

import pytest
from presenting import analysis
from pydantic import ValidationError

from reportgen.analyses.astrometry import Astrometry
from reportgen.analyses.classifier import Classifier
from reportgen.analyses.colour_colour import ColourColour
from reportgen.analyses.completeness import Completeness
from reportgen.analyses.correlation import Correlation
from reportgen.analyses.distribution import Distribution
from reportgen.analyses.flux_scale import FluxScale
from reportgen.analyses.number_counts import NumberCounts
from reportgen.analyses.overview import Overview
from reportgen.analyses.population import Population
from reportgen.analyses.profile import Profile
from reportgen.analyses.reference_distribution import ReferenceDistribution
from reportgen.analyses.relation import Relation
from reportgen.analyses.repeatability import Repeatability
from reportgen.analyses.sky_density import SkyDensity

UNITS = {
    **{"ra": "deg", "dec": "deg", "minutes": "arcmin", "x": "deg", "y": "deg"},
    **{
        "a": "",
        "b": "",
        "flag": "",
        "s": "mJy",
        "p": "mJy / beam",
        "t": "mJy",
        "m": "mag",
        "n": "mag",
    },
}
OTHER = {"ref": ["x", "y", "t", "n"]}
A, AB = {"columns": ["a"]}, {"column": "a", "against": ["b"]}
SUBSET, MAP = {"column": "a", "subset": "flag"}, {"ra": "ra", "dec": "dec", "edges": 10}
BINS = {"from": "1 mJy", "to": "10 Jy", "per_decade": 3}
COUNTS = {"flux": "s", "area": "10 deg2", "bins": BINS, "complete_above": "2 mJy"}
MATCH = {"catalogue": "ref", "ra": "x", "dec": "y", "radius": "3 arcsec"}
OWN = {**MATCH, "catalogue": "objects", "ra": "ra", "dec": "dec"}
PAIRS = {"ra": "ra", "dec": "dec", "match": MATCH}
SCALE = {**PAIRS, "flux": "s", "match": {**MATCH, "flux": "t"}}
REFERENCE = {"catalogue": "ref", "low": "x", "high": "y", "mean": "t"}
COLOURS, SCORE = {"x": "a", "y": "b"}, {"label": "flag", "score": "a"}
PROFILE = {"column": "a", "against": "b"}


def view(**keys):
    return {"columns": ["a"], "histograms": [keys]}


REFUSED = [
    (Distribution, {"columns": []}, "at least 1 item"),
    (Distribution, {"columns": ["a", "b", "a"]}, "a stands here twice"),
    (Distribution, {**A, "cuts": [1, 2, 1]}, "1 stands here twice"),
    (Distribution, {**A, "quantiles": [0.5, 0.5]}, "0.5 stands here twice"),
    (Distribution, view(above=5, below=5), r"above \(5\) must be less than below \(5\)"),
    (Distribution, view(log=True, above=0), "a logarithmic histogram needs above and below larger"),
    (Distribution, view(log_axis=True), "log_axis needs above, larger than 0"),
    (Distribution, view(log=True, log_axis=True, above=1), "leave out log_axis"),
    (Distribution, view(bins=10**7), "10000"),
    (Distribution, {**A, "curves": [{"log": True, "below": 0}]}, "needs below larger than 0"),
    (Relation, {**AB, "against": ["a"]}, "against: a is the column itself"),
    (Relation, {**AB, "against": ["b", "b"]}, "b stands here twice"),
    (Correlation, A, "at least 2 items"),
    (Correlation, {"columns": ["a", "b"], "with_column": "ra"}, "ra is not among the columns"),
    (Population, {**SUBSET, "above": 2, "below": 1}, r"above \(2\) must be less than below \(1\)"),
    (Population, {**SUBSET, "subset": "flg"}, "unknown column 'flg'"),
    (SkyDensity, {**MAP, "dec": "minutes"}, "must be in degrees; its unit is arcmin"),
    (SkyDensity, {**MAP, "ra": "dec"}, "ra and dec are the same column, dec"),
    (SkyDensity, {**MAP, "cell": 10}, r"give edges: \(a number\) or cell: \(arcseconds\)"),
    (SkyDensity, {**MAP, "edges": None}, r"give edges: \(a number\) or cell: \(arcseconds\)"),
    (NumberCounts, {**COUNTS, "magnitude": "s"}, "give flux: or magnitude:, one of them"),
    (NumberCounts, {**COUNTS, "area": "66 deg"}, "66° should be in deg², or what measures the"),
    (NumberCounts, {**COUNTS, "bins": {**BINS, "from": "0 mJy"}}, "should be more than 0"),
    (NumberCounts, {**COUNTS, "bins": {**BINS, "from": "20 Jy"}}, "more than from, 20.Jy"),
    (NumberCounts, {**COUNTS, "bins": {**BINS, "from": "1 mag"}}, "should be in mJy"),
    (NumberCounts, {**COUNTS, "bins": {**BINS, "per_decade": 1e4}}, "the bins are more than 200"),
    (NumberCounts, {**COUNTS, "bins": {**BINS, "width": 1}}, "it is for bins of magnitude"),
    (NumberCounts, {**COUNTS, "flux": "ra"}, "should be a flux density; ra has °"),
    (NumberCounts, {**COUNTS, "reference": {"file": "nowhere.txt"}}, "nowhere.txt: no such file"),
    (
        NumberCounts,
        {**COUNTS, "reference": {"file": "pyproject.toml", "flux": "99"}},
        "unknown column '99'",
    ),
    (Astrometry, {**PAIRS, "match": None}, "give match: .* or matched:"),
    (Astrometry, {**PAIRS, "matched": {"ra": "ra", "dec": "dec"}}, "give match: .* or matched:"),
    (Astrometry, {**PAIRS, "match": {**MATCH, "ra": "ra"}}, "unknown column 'ra'"),
    (Astrometry, {**PAIRS, "match": OWN}, "own catalogue"),
    (Astrometry, {**PAIRS, "match": {**MATCH, "catalogue": "reff"}}, "did you mean 'ref'"),
    (Astrometry, {**PAIRS, "match": {**MATCH, "radius": "3 mJy"}}, "in ″"),
    (Astrometry, {**PAIRS, "ra": "minutes"}, "must be in degrees; its unit is arcmin"),
    (FluxScale, {**SCALE, "match": MATCH}, "give flux: or magnitude:"),
    (FluxScale, {**SCALE, "match": {**MATCH, "magnitude": "n"}}, "ours is a flux, so theirs must"),
    (FluxScale, {**SCALE, "match": {**MATCH, "flux": "n"}}, "n is in mag, where mJy is needed"),
    (FluxScale, {**SCALE, "flux": "p"}, "t is in mJy, where mJy beam⁻¹ is needed"),
    (FluxScale, {**SCALE, "spectral_index": -0.8}, "needs frequency: of both"),
    (FluxScale, {**SCALE, "frequency": "s"}, "MHz is needed"),
    (FluxScale, {**SCALE, "frequency": "3 Jy"}, "in MHz"),
    (Completeness, {**MAP, "edges": None, "truth": MATCH}, "give flux: or magnitude:"),
    (Profile, {**PROFILE, "against": "a"}, "column itself"),
    (Profile, {**PROFILE, "limits": {"min": 2, "max": 1}}, "must be less"),
    (Profile, {**PROFILE, "above": 1}, "above: and below:"),
    (Profile, {**PROFILE, "by": "flg"}, "did you mean 'flag'"),
    (
        ReferenceDistribution,
        {"column": "a", "by": "b", "reference": REFERENCE},
        "in the section and",
    ),
    (
        ReferenceDistribution,
        {"column": "a", "reference": {**REFERENCE, "low": "a"}},
        "unknown column 'a'",
    ),
    (ColourColour, {**COLOURS, "y": "a"}, "a is on the horizontal axis already"),
    (ColourColour, {**COLOURS, "regions": {"c": [[0, 1], [1, 2]]}}, "three corners or more"),
    (ColourColour, {**COLOURS, "regions": {"c": "z > 1"}}, "unknown column 'z'"),
    (
        ColourColour,
        {**COLOURS, "regions": {"c": "a > 0", "c_percent": "a > 1"}},
        "a metric is called so",
    ),
    (ColourColour, {**COLOURS, "regions": {"a b": "a > 0"}}, "must be letters, digits and _"),
    (ColourColour, {"x": "m", "y": "b", "locus": {"line": [1, 0]}}, "m and b have different units"),
    (Classifier, {**SCORE, "label": "flg"}, "unknown column 'flg'"),
    (Classifier, {**SCORE, "against": "a"}, "a is the score itself"),
    (Classifier, {**SCORE, "threshold": "worst"}, "'best'"),
    (Classifier, {**SCORE, "object": "b"}, "it needs training: which rows these are"),
    (Repeatability, {"object": "flag", "value": "m", "outlier": "1 mJy"}, "should be in mag, or"),
    (Overview, {"columns": ["a", "a"]}, "a stands here twice"),
    (Overview, {"columns": ["z"]}, "unknown column 'z'"),
]


@pytest.mark.parametrize(("kind", "keys", "message"), REFUSED)
def test_a_key_that_makes_no_sense_is_refused(kind, keys, message):
    with pytest.raises(ValidationError, match=message):
        analysis(kind, UNITS, UNITS, others=OTHER, **keys)
