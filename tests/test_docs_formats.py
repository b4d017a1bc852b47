"""docs/formats.md: its configurations are right, and no format and no key is left out."""

import re
import shutil

import numpy as np
import pytest
import yaml
from astropy.io import fits
from projects import ROOT, call

from reportgen.config.sources import CatalogueBlock, ColumnBlock, ImagesBlock
from reportgen.data.opening import formats

TEXT = (ROOT / "docs" / "formats.md").read_text(encoding="utf-8")
EVERY = re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
BLOCKS = [block for block in EVERY if not block.startswith("images:")]


@pytest.mark.parametrize("block", BLOCKS, ids=range(len(BLOCKS)))
def test_each_configuration_is_valid_and_finds_its_columns(block, survey, tmp_path):
    for name in ("atlas_swire_cdfs.fits", "radio.fits"):
        (tmp_path / name).symlink_to(survey / "radio.fits")
    (name,) = yaml.safe_load(block)["catalogues"]
    sections = f"sections:\n  o: {{analysis: overview, catalogue: {name}, title: T}}\n"
    (tmp_path / "c.yaml").write_text(f"report: {{id: c, title: C}}\n{block}{sections}")
    done = call("build", "c.yaml", "--set", "output.formats=[html]", cwd=tmp_path)
    assert done.returncode == 0, done.stderr


def test_the_configuration_of_images_is_valid_and_finds_them(survey, tmp_path):
    (block,) = set(EVERY) - set(BLOCKS)
    images = [fits.ImageHDU(np.zeros((4, 5)), name=name) for name in ("SCI", "ERR")]
    fits.HDUList([fits.PrimaryHDU(), *images]).writeto(tmp_path / "jwst.fits")
    fits.PrimaryHDU(np.zeros((4, 5))).writeto(tmp_path / "rms.fits")
    (tmp_path / "cutouts").mkdir()
    shutil.copy(tmp_path / "rms.fits", tmp_path / "cutouts/1.fits")
    (tmp_path / "crowdastro.h5").symlink_to(survey / "crowdastro.h5")
    sections = "sections:\n  n: {analysis: image_noise, images: rms, title: T}\n"
    (tmp_path / "c.yaml").write_text(f"report: {{id: c, title: C}}\n{block}{sections}")
    done = call("check", "c.yaml", cwd=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.count("images ") == 4


def test_every_format_is_in_the_table():
    table = TEXT.split("|---|---|---|")[1].split("\n\n")[0]
    for each in formats():
        for word in re.findall(r"[A-Z]\w+", each.name):
            assert word in table, each.name


def test_every_key_of_catalogues_and_columns_is_mentioned():
    said_elsewhere = {"title", "exact_rows", "memory"}
    blocks = CatalogueBlock, ColumnBlock, ImagesBlock
    for key in {key for block in blocks for key in block.model_fields} - said_elsewhere:
        assert f"{key}:" in TEXT, key
