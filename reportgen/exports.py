"""Networks exported in a process of their own, which imports TensorFlow and little else.

A pass over images that needs one says so and ends, and is begun again once it is there: what it
imports and reads meanwhile would only keep TensorFlow waiting.
"""

import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reportgen.store import Store

if TYPE_CHECKING:  # a build of which nothing has changed has no use for it
    from reportgen.cnn.fitting import Fitted


@dataclass(frozen=True)
class NotExported:
    """Why a pass has ended: networks that it needs have yet to be exported."""

    networks: "tuple[Fitted, ...]"


def export_networks(networks: "tuple[Fitted, ...]", store: Store, otherwise: bytes) -> Any:
    """Export networks into a store, for a pass to find; None when that is done.

    otherwise: the pass, pickled as (function, arguments). When TensorFlow refuses to export a
    network, and so must compute its maps, the pass is done here, and its value is given. Raises
    SectionError when TensorFlow is not there.
    """
    from reportgen.cnn.exporting import ExportError, export_network, put_exported

    try:
        for fitted in networks:
            put_exported(store, fitted, export_network(fitted))
    except ExportError:
        work, arguments = pickle.loads(otherwise)  # noqa: S301 - by our own parent
        return work(*arguments)
    return None
