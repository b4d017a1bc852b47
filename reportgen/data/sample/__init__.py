"""A synthetic CDFS survey in the layout of the crowdastro data set, for trying reports on.

`sky` says where things are, `radio` and `population` what there is, with `spectra` for its colours.
`cut_outs` and `catalogue` show what the telescopes make of it, with `stellarity` for how
point-like an object looks. `network` draws a network for the cut-outs and `keras_files` lays it out
as Keras did. `writing` puts it all into files.
"""

from reportgen.data.sample.writing import write_sample

__all__ = ["write_sample"]
