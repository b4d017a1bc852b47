"""Where the tasks of scans run: ``engine:`` of the YAML."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, model_validator

from reportgen.config.types import Block, Positive, Text
from reportgen.errors import ConfigError

LOCAL_CLUSTER = "distributed.LocalCluster"
# A class that is named is imported and called: only those that start workers may be.
_CLUSTERS = re.compile(
    r"distributed\.LocalCluster|dask_jobqueue\.[A-Z]\w*Cluster|dask_kubernetes\.operator\.KubeCluster"
)
_ADDRESS = re.compile(r"(tcp|tls|ucx|ws|wss)://\S+:\d+")


def _scheduler(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueError("should be the address of a scheduler, such as tcp://host:8786")
    return text


def _cluster(text: str) -> str:
    if not _CLUSTERS.fullmatch(text):
        raise ValueError(
            f"{text!r} is no cluster that may be started: should be {LOCAL_CLUSTER}, a class of "
            "dask_jobqueue such as dask_jobqueue.SLURMCluster, or "
            "dask_kubernetes.operator.KubeCluster"
        )
    return text


class DaskBlock(Block):
    """A Dask cluster: a scheduler that runs already, or a cluster to start for the build."""

    scheduler: Annotated[Text, AfterValidator(_scheduler)] | None = None
    """Address of a scheduler that runs, such as tcp://host:8786."""
    cluster: Annotated[Text, AfterValidator(_cluster)] | None = None
    """Class of a cluster to start and end with the build: distributed.LocalCluster,
    dask_jobqueue.SLURMCluster and the others of dask_jobqueue, or
    dask_kubernetes.operator.KubeCluster."""
    options: dict[Text, Any] = Field(default_factory=dict)
    """What the class is given, by name, as its own documentation says."""
    timeout: Positive = 60.0
    """Seconds without any progress, such as until a first worker has come, after which the build
    is given up."""

    @model_validator(mode="after")
    def _one_place(self) -> "DaskBlock":
        if (self.scheduler is None) == (self.cluster is None):
            raise ValueError("should name either a scheduler or a cluster")
        if self.options and self.cluster is None:
            raise ValueError("options are those of a cluster; there is a scheduler")
        return self


class EngineBlock(Block):
    """Where catalogues of more than exact_rows rows are read: here, unless dask is given."""

    dask: DaskBlock | None = None
    """A Dask cluster: {scheduler, timeout} or {cluster, options, timeout}."""

    def replaced(self, text: str) -> "EngineBlock":
        """Return the engine that a command line names, in place of this one.

        text: local, local-dask or the address of a scheduler. Raises ConfigError for others.
        """
        kept = {} if self.dask is None else {"timeout": self.dask.timeout}
        if text == "local":
            return EngineBlock()
        if text == "local-dask":
            return EngineBlock(dask=DaskBlock(cluster=LOCAL_CLUSTER, **kept))
        if not _ADDRESS.fullmatch(text):
            raise ConfigError(
                f"--engine {text}: there is no such engine",
                "say local, local-dask, or the address of a Dask scheduler: tcp://host:8786",
            )
        return EngineBlock(dask=DaskBlock(scheduler=text, **kept))
