"""Galleries: images of the rows of a catalogue, made, kept and checked as other sections are."""

import os
import re

import h5py
import numpy as np
import pytest
from astropy.io import fits
from projects import call, small_project


@pytest.fixture
def project(tmp_path):
    project = small_project(tmp_path)
    project.write(number=np.arange(200) // 10)
    write_images(project)
    keys = {"images": "cut", "image": "number", "rank": "flux", "shown": 3}
    sections = {"gallery": {"analysis": "gallery", "catalogue": "stars", "title": "Worst", **keys}}
    sections["gallery"]["checks"] = [{"fresh": 9}]
    project.configure(sections, images={"cut": {"file": "cut.h5", "unit": "Jy / beam"}})
    return project


def write_images(project, n=18, brighter=0.0):
    with h5py.File(project.folder / "cut.h5", "w") as file:
        file["cut"] = np.random.default_rng(3).normal(size=(n, 30, 30)) + brighter


def test_a_gallery_is_made_of_rows_and_images_and_kept_until_one_of_them_changes(project):
    checked = project.call("check", "report.yaml")
    assert checked.returncode == 0, checked.stderr
    assert project.build().returncode == 0
    with h5py.File(project.folder / "stars.h5") as file:
        order = np.argsort(-file["flux"][:])
    rows = [row for row in order.tolist() if row < 180][:3]
    section = project.section("gallery")
    assert [int(row) for row in re.findall(r"row ([0-9]+) ", section["figures"][0]["alt"])] == rows
    assert section["rows"] == 200
    page = project.page()
    assert f"row {rows[0]} (" in page
    assert len(page) < 300_000
    project.build()
    assert project.section("gallery")["kept"]
    write_images(project, brighter=2.0)
    plan = project.call("plan", "report.yaml").stdout
    shown = rows[0] // 10
    assert f"images {shown} to {shown} are others" in plan
    project.build()
    changed = project.section("gallery")
    assert not changed["kept"]
    project.write(flux=np.arange(200.0))
    assert "column flux has other values" in project.call("plan", "report.yaml").stdout
    project.build()
    assert "row 179 (179)" in project.section("gallery")["figures"][0]["alt"]
    assert project.section("gallery")["metrics"]["without_image"]["value"] == 20
    assert call("verify", project.latest, cwd=project.folder).returncode == 0


def test_a_gallery_of_a_folder_of_images_is_kept_until_one_of_them_changes(tmp_path):
    project = small_project(tmp_path)
    project.write(ra=np.linspace(10, 10.2, 200), dec=np.full(200, -30.0))
    for place in range(3):
        write_field(tmp_path / f"{place}.fits", 10.02 + place * 0.05)
    section = {"analysis": "gallery", "catalogue": "stars", "title": "Worst", "rank": "flux"}
    section |= {"images": "fields", "ra": "ra", "dec": "dec", "size": "20 arcsec", "shown": 3}
    fields = {"file": "*.fits", "unit": "Jy / beam"}
    project.configure({"gallery": section}, images={"fields": fields})
    assert project.build().returncode == 0
    before = project.section("gallery")
    project.build()
    assert project.section("gallery")["kept"]
    write_field(tmp_path / "2.fits", 40)  # elsewhere on the sky, with the same pixels
    plan = project.call("plan", "report.yaml").stdout
    assert "headers of images are others" in plan, plan
    project.build()
    moved = project.section("gallery")
    assert not moved["kept"]
    assert moved["metrics"]["without_image"] != before["metrics"]["without_image"]


def write_field(path, ra):
    header = fits.Header({"CTYPE1": "RA---TAN", "CRVAL1": ra, "CRPIX1": 20, "CDELT1": -1 / 3600})
    header.update({"CTYPE2": "DEC--TAN", "CRVAL2": -30.0, "CRPIX2": 20, "CDELT2": 1 / 3600})
    pixels = np.random.default_rng(5).normal(size=(40, 40)).astype(np.float32)
    fits.writeto(path, pixels, header, overwrite=True)
    os.utime(path, (1e9, 1e9 + ra))  # long ago, so that what is read of it is remembered


def test_images_that_cannot_be_read_are_the_fault_of_the_gallery_alone(project):
    (project.folder / "cut.h5").write_bytes(b"nothing")
    done = project.build()
    assert done.returncode == 5
    assert "cut.h5" in project.section("gallery")["error"]["message"]
