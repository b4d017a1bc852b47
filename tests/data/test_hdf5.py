import h5py
import numpy as np
import pytest

from reportgen.data.hdf5 import is_whole, open_file, synthetic_mark


@pytest.mark.parametrize(
    ("mark", "said"),
    [
        ("made by x", "made by x"),
        (b"made by x", "made by x"),
        (np.array(["made by x"], dtype=object), "made by x"),
        (np.empty(0), ""),
        (True, "The file is marked as synthetic."),
        ("", ""),
    ],
)
def test_a_file_says_that_it_is_synthetic(mark, said):
    assert synthetic_mark({"synthetic": mark}) == said


def test_a_dataset_is_whole_when_nothing_of_it_is_in_another_file(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as other:
        other["there/a"] = [1.0, 2.0]
    np.array([1.0, 2.0]).tofile(tmp_path / "raw.bin")
    layout = h5py.VirtualLayout((2,), float)
    layout[:] = h5py.VirtualSource(str(tmp_path / "other.h5"), "there/a", (2,))
    with h5py.File(tmp_path / "main.h5", "w") as file:
        file["own"] = [1.0, 2.0]
        file["soft"] = h5py.SoftLink("/own")
        file["linked"] = h5py.ExternalLink("other.h5", "/there/a")
        file["group"] = h5py.ExternalLink("other.h5", "/there")
        file.create_virtual_dataset("virtual", layout)
        file.create_dataset(
            "external", (2,), float, external=[(str(tmp_path / "raw.bin"), 0, h5py.h5f.UNLIMITED)]
        )
    with open_file(tmp_path / "main.h5") as file:
        names = ["own", "soft", "linked", "group/a", "virtual", "external"]
        whole = {name: is_whole(file, file[name]) for name in names}
        assert all(list(file[name]) == [1.0, 2.0] for name in names)
    assert whole == dict.fromkeys(names, False) | {"own": True, "soft": True}
