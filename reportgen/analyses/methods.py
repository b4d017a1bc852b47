"""How numbers of several analyses are computed, a sentence each, with what to cite for it."""

_DOI = "https://doi.org/"

QUANTILES = (
    "Quantiles interpolate linearly between neighbouring values: Hyndman & Fan 1996, American "
    f"Statistician 50, 361, definition 7, {_DOI}10.1080/00031305.1996.10473566"
)
SCATTER = (
    "Scatters about a median are 1.4826 times the median absolute deviation from it, which is the "
    "standard deviation of normal values: Rousseeuw & Croux 1993, JASA 88, 1273, "
    f"{_DOI}10.1080/01621459.1993.10476408"
)
MEDIAN_ERROR = (
    "Errors of medians are 1.2533 σ / √n, as for normal values, σ being 1.4826 times the median "
    "absolute deviation."
)
PEARSON = (
    "Pearson's r is the covariance over the product of the standard deviations: Pearson 1895, "
    f"Proc. R. Soc. London 58, 240, {_DOI}10.1098/rspl.1895.0041"
)
SPEARMAN = (
    "Spearman's ρ is Pearson's r of the ranks, where equal values have their mean rank: Spearman "
    f"1904, American Journal of Psychology 15, 72, {_DOI}10.2307/1412159"
)
SMIRNOV = (
    "The Kolmogorov–Smirnov distance is the largest difference of two cumulative distributions, "
    "its p-value that of large samples, two-sided: Smirnov 1948, Annals of Mathematical Statistics "
    f"19, 279, {_DOI}10.1214/aoms/1177730256"
)
WILSON = (
    "Intervals of shares are Wilson's score intervals of 68.3 %: Wilson 1927, JASA 22, 209, "
    f"{_DOI}10.1080/01621459.1927.10502953"
)
POISSON = (
    "Limits of counts are exact limits of Poisson means, of 84.13 % on each side: Gehrels 1986, "
    f"ApJ 303, 336, equations 1 and 2, {_DOI}10.1086/164079"
)
ROC_AREA = (
    "The area under the ROC curve is the probability that a member of the class scores more than "
    "another row, ties counted by half; its standard error is that of Hanley & McNeil 1982, "
    f"Radiology 143, 29, {_DOI}10.1148/radiology.143.1.7063747"
)
BRIER = (
    "The Brier score is the mean square of what probabilities are off by: Brier 1950, Monthly "
    f"Weather Review 78, 1, {_DOI}10.1175/1520-0493(1950)078%3C0001:VOFEIT%3E2.0.CO;2"
)
PROJECTION = (
    "Cells on the sky are those of the projections of Calabretta & Greisen 2002, A&A 395, 1077, "
    f"{_DOI}10.1051/0004-6361:20021327"
)
INDEPENDENT = (
    "The effective number of independent filters is (Σλ)² / Σλ², λ being the eigenvalues of their "
    "correlations: Bretherton et al. 1999, Journal of Climate 12, 1990, equation 5, "
    f"{_DOI}10.1175/1520-0442(1999)012%3C1990:TENOSD%3E2.0.CO;2"
)
OCCLUSION = (
    "How much of the maps a part of an image makes is found by hiding it: Zeiler & Fergus 2014, "
    f"ECCV, 818, {_DOI}10.1007/978-3-319-10590-1_53"
)
RANDOM_WEIGHTS = (
    "Random weights are drawn after Glorot & Bengio 2010, AISTATS 9, 249, equation 16, "
    "https://proceedings.mlr.press/v9/glorot10a.html"
)
SLOPE = (
    "The slope of source counts is the number of sources over the sum of ln(S / S₀), S₀ being the "
    "flux density above which all are found: the maximum likelihood of Crawford et al. 1970, ApJ "
    "162, 405, https://www.osti.gov/biblio/4083074"
)
RESOLVED = (
    "A source is resolved where the logarithm of total over peak flux density is above 0 by more "
    "than some standard errors, those of both, relative and in quadrature: Franzen et al. 2015, "
    f"MNRAS 453, 4020, {_DOI}10.1093/mnras/stv1866"
)
CALIBRATION = (
    "The calibration error is the mean distance of score and share of the class in ten bins, by "
    "their numbers: Pakdaman Naeini et al. 2015, AAAI 29, 2901, "
    f"{_DOI}10.1609/aaai.v29i1.9602"
)
REPEATABILITY = (
    "Scatters of objects are standard deviations of their measurements, with n − 1 in the "
    "denominator, and the repeatability is their median; compare Ivezić et al. 2007, AJ 134, 973, "
    "https://ui.adsabs.harvard.edu/abs/2007AJ....134..973I"
)
IN_BINS = (
    "Distances of distributions are those of cumulative shares: Kolmogorov–Smirnov's the largest "
    "at an edge of a bin, Wasserstein's the area between them, linear within bins: Ramdas et al. "
    f"2017, Entropy 19, 47, {_DOI}10.3390/e19020047"
)
STABILITY = (
    "The population stability index is Σ (p − q) ln(p / q) over bins, p and q being shares: "
    "Yurdakul & Naranjo 2020, Journal of Risk Model Validation 14, 89, "
    f"{_DOI}10.21314/JRMV.2020.227"
)
WORLD_COORDINATES = (
    "Pixels are brought to the sky by the WCS of their header: Greisen & Calabretta 2002, A&A 395, "
    f"1061, {_DOI}10.1051/0004-6361:20021326"
)
ASINH = (
    "Brightness becomes colour by an inverse hyperbolic sine, linear within the noise and "
    f"logarithmic above: Lupton et al. 2004, PASP 116, 133, {_DOI}10.1086/382245"
)
