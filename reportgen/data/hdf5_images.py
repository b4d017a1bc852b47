"""Images in HDF5: datasets of three axes, or of four in colour."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from reportgen.config.suggest import known_names
from reportgen.data.format import ReadValues, Wanted
from reportgen.data.hdf5 import datasets, open_dataset, open_file, reading
from reportgen.data.hdf5_table import Hdf5Table, saying_nothing_of
from reportgen.errors import SourceError

if TYPE_CHECKING:
    import h5py


class Hdf5Images(Hdf5Table):
    """The images of an HDF5 file."""

    def _only(self, file: "h5py.File") -> str:
        there = datasets(file)
        found = [name for name in there if open_dataset(file, name).ndim in (3, 4)]
        if len(found) == 1:
            return found[0]
        said = f"holds {len(found)} datasets of images" if found else "holds no dataset of images"
        raise SourceError(said, f"name one as dataset: {known_names(found or there)}")

    @contextmanager
    def open(self, path: Path, dataset: str, wanted: Sequence[Wanted] = ()) -> Iterator[ReadValues]:
        with saying_nothing_of(path), open_file(path) as file:
            name = dataset or self._only(file)
            found = open_dataset(file, name)

            def read(start: int, stop: int) -> list[NDArray[Any]]:
                with reading(path, name, f"images {start} to {stop}"):
                    return [found[start:stop]]

            yield read
