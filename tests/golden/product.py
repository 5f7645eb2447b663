"""Makes the golden file of a product, once: a small SAFE product, lossless, and the checksums of the files that it must always become again.

python tests/golden/product.py
"""

import json
import os
import sys
import tempfile
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[1] / "src"), str(HERE.parent)]  # where it is run by itself

from golden.frozen import freeze
from products.small_safe import Odd, make_product

SHAPE = (48, 60)
GOLDEN = HERE / "v1-product.sarc"


def files_of(product: Path) -> dict[str, str]:
    """CRC-32 of every file of a product, by its path."""
    found = sorted(path for path in product.rglob("*") if path.is_file())
    return {path.relative_to(product).as_posix(): f"{zlib.crc32(path.read_bytes()):08x}" for path in found}


def main() -> None:
    import sarcodec

    if GOLDEN.exists():
        raise SystemExit(f"{GOLDEN.name} is there; golden files of a frozen version are never replaced")
    with tempfile.TemporaryDirectory() as folder:
        product = make_product(Path(folder), Odd(shape=SHAPE, shape_vh=SHAPE))
        sarcodec.compress(product, GOLDEN, lossless=True)
        known = {"product": product.name, "files": files_of(product)}
    GOLDEN.with_suffix(".json").write_text(json.dumps(known, indent=1) + "\n")
    freeze()


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
