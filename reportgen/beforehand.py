"""What every section would do first, done by importing this.

The server that workers are forked from imports it, so that it is done once and not by each.
"""

from PIL import Image

from reportgen.later import importing_later
from reportgen.style import register_type
from reportgen.summary import (
    ColumnRecord,
    CountedRecord,
    FigureRecord,
    MetricRecord,
    SectionRecord,
    TableRecord,
)
from reportgen.undocumented import artists_undocumented

# HarfBuzz cuts the fonts, see render.drawings.
with artists_undocumented(), importing_later("fontTools.subset"):
    import matplotlib.backends.backend_agg
    import matplotlib.backends.backend_pdf
    import matplotlib.backends.backend_svg
    import matplotlib.figure  # noqa: F401

RECORDS = (ColumnRecord, CountedRecord, FigureRecord, MetricRecord, SectionRecord, TableRecord)

for _record in RECORDS:
    _record.model_rebuild()
Image.preinit()  # imports what reads and writes pictures
register_type()
