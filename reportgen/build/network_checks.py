"""What is wrong with networks and sections on images, found before a build as it would find it."""

from collections.abc import Iterable, Mapping
from functools import partial

from reportgen.analyses.base import AnyAnalysis, ImageAnalysis, NetworkAnalysis
from reportgen.build.image_tasks import network_problems, wanted_reductions
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


def check_image_sections(
    report: Report, sources: Sources, sections: Mapping[str, AnyAnalysis]
) -> dict[str, ReportgenError]:
    """Return, by section on images without a network, what is wrong: that there are none such."""
    found: dict[str, ReportgenError] = {}
    for name, section in sections.items():
        if isinstance(section, ImageAnalysis) and not isinstance(section, NetworkAnalysis):
            stack = sources.images.get(section.images.name)
            try:
                _ = stack and wanted_reductions(section, stack)
            except ReportgenError as error:
                place = report.place("sections", name)
                found[name] = type(error)(f"{place}: {error.message}", error.hint)
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
