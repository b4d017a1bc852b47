import json
import subprocess
import sys

import pytest

SHOWN = """
import json, sys
from contextlib import suppress
from reportgen.cli import main
sys.argv = ["reportgen", *{arguments}]
with suppress(SystemExit):
    main()
from reportgen.config.blocks import Block
from reportgen.summary import Record
told = [kind.model_config["use_attribute_docstrings"] for kind in (Block, Record)]
print("\\n" + json.dumps(told))
"""


@pytest.mark.parametrize(
    ("arguments", "described"),
    [
        (["build", "missing.yaml"], False),
        (["check", "missing.yaml"], False),
        (["plan", "missing.yaml"], False),
        (["sections"], True),
        (["schema"], True),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_models_know_what_their_keys_are_for_where_somebody_is_told(arguments, described, tmp_path):
    ran = subprocess.run(
        [sys.executable, "-c", SHOWN.format(arguments=arguments)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert json.loads(ran.stdout.splitlines()[-1]) == [described, described]
