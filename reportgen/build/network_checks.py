"""What is wrong with the networks of a report, found before a build as the build would find it."""

from collections.abc import Iterable, Mapping
from functools import partial

from reportgen.analyses.base import AnyAnalysis, NetworkAnalysis
from reportgen.build.image_tasks import network_problems
from reportgen.config.loader import Report
from reportgen.data.images import ImageStack
from reportgen.data.models import ModelFiles
from reportgen.data.sources import Sources
from reportgen.errors import ReportgenError
from reportgen.workers.failures import Ended
from reportgen.workers.pool import worker_pool


def check_networks(
    report: Report, sources: Sources, sections: Mapping[str, AnyAnalysis]
) -> dict[str, list[ReportgenError]]:
    """Return, for each network, what is wrong with its files and with the sections on it.

    Sections on images that are not there are left out. The files are read in processes of their
    own, which are stopped when they take too long.
    """
    found: dict[str, list[ReportgenError]] = {name: [] for name in sources.models}

    def keep(model: ModelFiles, end: Ended) -> None:
        if end.failed is not None:
            found[model.name].append(model.unreadable(end.failed.message))
            return
        for section, problem in end.value:
            place = f"{report.place('sections', section)}: " if section else ""
            found[model.name].append(type(problem)(f"{place}{problem.message}", problem.hint))

    with worker_pool(1) as pool:
        for model in sources.models.values():
            pool.start(
                network_problems,
                model,
                _on_model(model.name, sources, sections.items()),
                then=partial(keep, model),
                timeout=model.longest_look,
                name=f"check of {model.name}",
            )
        pool.finish()
    return found


def _on_model(
    name: str, sources: Sources, sections: Iterable[tuple[str, AnyAnalysis]]
) -> list[tuple[str, NetworkAnalysis, ImageStack]]:
    """Return the sections on a network, with their images."""
    return [
        (section_id, section, sources.images[section.images.name])
        for section_id, section in sections
        if isinstance(section, NetworkAnalysis)
        and section.model.name == name
        and section.images.name in sources.images
    ]
