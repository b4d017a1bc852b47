import re

import pytest
import yaml
from documents import GOOD

from reportgen.config.engine import EngineBlock
from reportgen.errors import ConfigError


@pytest.fixture
def said(load):
    """Give what is wrong with a Dask block, or nothing."""

    def said(dask):
        try:
            load(GOOD + yaml.safe_dump({"engine": {"dask": dask}}, sort_keys=False))
        except ConfigError as error:
            return error.message
        return ""

    return said


@pytest.mark.parametrize(
    "dask",
    [
        {"scheduler": "tcp://host:8786"},
        {"scheduler": "tls://10.0.0.1:8786", "timeout": 3600},
        {"cluster": "distributed.LocalCluster", "options": {"n_workers": 2}},
        {"cluster": "dask_jobqueue.SLURMCluster", "options": {"cores": 8, "memory": "32 GB"}},
        {"cluster": "dask_kubernetes.operator.KubeCluster"},
    ],
)
def test_schedulers_and_known_clusters_are_taken(said, dask):
    assert said(dask) == ""


@pytest.mark.parametrize(
    ("dask", "key", "words"),
    [
        ({"scheduler": "host:8786"}, "scheduler", "address of a scheduler, such as tcp://host"),
        ({"cluster": "os.system"}, "cluster", "'os.system' is no cluster that may be started"),
        ({"cluster": "dask_jobqueue.core.X"}, "cluster", "is no cluster that may be started"),
        ({"cluster": "distributed.LocalCluster2"}, "cluster", "is no cluster"),
        ({"cluster": "distributed.LocalCluster", "timeout": 0}, "timeout", "greater than 0"),
        ({"option": {}, "scheduler": "tcp://a:1"}, "option", "did you mean 'options'"),
        ({"timeout": 3}, "", "either a scheduler or a cluster"),
        ({"scheduler": "tcp://a:1", "options": {"x": 1}}, "", "options are those of a cluster"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(said, dask, key, words):
    found = said(dask)
    path = ".".join(part for part in ("engine", "dask", key) if part)
    assert re.search(rf":\d+:\d+: {re.escape(path)}: .*{re.escape(words)}", found), found


def test_the_command_line_replaces_the_engine_and_keeps_its_timeout():
    written = EngineBlock.model_validate({"dask": {"scheduler": "tcp://a:1", "timeout": 5.0}})
    assert written.replaced("local").dask is None
    there = written.replaced("tcp://b:2").dask
    assert (there.scheduler, there.timeout) == ("tcp://b:2", 5.0)
    assert EngineBlock().replaced("local-dask").dask.cluster == "distributed.LocalCluster"
    with pytest.raises(ConfigError, match="--engine dask: there is no such engine"):
        written.replaced("dask")
