"""Maps of images that were shown to a network before.

A survey grows: of the batches of images of a night all but the last were there the night before.
"""

from collections.abc import Callable
from hashlib import sha256
from io import BytesIO

import numpy as np
from numpy.typing import NDArray

from reportgen.cnn.extractor import Extractor
from reportgen.store import Store

MOST_BYTES = 100 * 10**6  # of maps that a pass over images keeps


class KeptMaps:
    """Gives maps as an extractor does, and computes those only that are not kept.

    make: gives the extractor, once there is something to compute. made_of: tells all that decides
    what the maps of an image are, but for the image. most_bytes: of maps that are in the store,
    so that those of many images do not take the place of all else. is_current: says whether
    ``made_of`` is still true; nothing is kept once it is not.
    """

    def __init__(
        self,
        make: Callable[[], Extractor],
        made_of: str,
        store: Store,
        most_bytes: int = MOST_BYTES,
        is_current: Callable[[], bool] = lambda: True,
    ) -> None:
        self._make = make
        self._made_of = made_of
        self._store = store
        self._is_current = is_current
        self._left = most_bytes
        self._extractor: Extractor | None = None

    @property
    def note(self) -> str:
        """What a reader should know of how maps were computed; of kept ones there is nothing."""
        return "" if self._extractor is None else self._extractor.note

    def maps(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """Give the maps of images (n, height, width) as (n, filter, row, column).

        They are kept together: a file for each image would take a tenth of the time of a network.
        """
        digest = sha256(f"{self._made_of}\0{images.shape}\0{images.dtype.str}\0".encode())
        digest.update(np.ascontiguousarray(images).tobytes())
        maps = _read(self._store.get(digest.hexdigest()))
        if maps is None:
            if self._extractor is None:
                self._extractor = self._make()
            maps = self._extractor.maps(images)
            # With a note they are a substitute's, who may not be there another night.
            lasts = not self._extractor.note and self._is_current()
            if lasts and maps.nbytes <= self._left:
                self._store.put(digest.hexdigest(), _written(maps))
        self._left -= maps.nbytes
        return maps


def _written(maps: NDArray[np.float32]) -> bytes:
    content = BytesIO()
    np.save(content, maps, allow_pickle=False)
    return content.getvalue()


def _read(content: bytes | None) -> NDArray[np.float32] | None:
    """Give maps that were written; None for nothing, or nothing of ours."""
    try:
        found = None if content is None else np.load(BytesIO(content), allow_pickle=False)
    except (ValueError, EOFError, OSError):
        return None
    if not isinstance(found, np.ndarray) or found.dtype != np.float32 or found.ndim != 4:
        return None
    maps: NDArray[np.float32] = found
    return maps
