"""What is wrong with the files of networks, found before a build as it would find it."""

from collections.abc import Mapping
from functools import partial

from reportgen.build.image_tasks import network_problems
from reportgen.data.models import ModelFiles
from reportgen.errors import ReportgenError
from reportgen.workers.failures import Ended
from reportgen.workers.pool import worker_pool


def check_networks(models: Mapping[str, ModelFiles]) -> dict[str, list[ReportgenError]]:
    """Return, for each network, what is wrong with its files.

    They are read in processes of their own, which are stopped when they take too long.
    """
    found: dict[str, list[ReportgenError]] = {}

    def keep(model: ModelFiles, end: Ended) -> None:
        failed = end.failed
        found[model.name] = end.value if failed is None else [model.unreadable(failed.message)]

    with worker_pool(1) as pool:
        for model in models.values():
            then, limit = partial(keep, model), model.longest_look
            pool.start(network_problems, model, then=then, timeout=limit)
        pool.finish()
    return found
