"""A public name whose package is missing says which extra brings it, and where a package of the system is meant, which."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.tools
MODULES = {"xarray": "xarray", "rio": "click", "zarr": "zarr", "titiler": "rio_tiler"}


@pytest.mark.parametrize("extra", MODULES)
def test_a_missing_package_is_named_with_its_extra(extra):
    code = f"import sys; sys.modules[{MODULES[extra]!r}] = None; import sarcodec.{extra}"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    last = done.stderr.strip().splitlines()[-1]
    assert done.returncode and "ModuleNotFoundError" in last and f"sarcodec[{extra}]" in last


def test_vrt_needs_none():
    code = "import sys; sys.modules['rasterio'] = None; import sarcodec.vrt; print(sarcodec.vrt.pixels.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == "pixels", done.stderr
