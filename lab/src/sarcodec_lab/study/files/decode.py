"""A research file to a GeoTIFF in a fresh process: `python -m sarcodec_lab.study.files.decode FILE OUT.tif --models DIR`.

Loads the model that the file names from DIR. Errors are one line on stderr, exit codes those of the errors.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from sarcodec.errors import SarcodecError, UnknownModel
from sarcodec_lab.study.files import coder, latent_file


def main(arguments: Sequence[str] | None = None) -> int:
    """Decode one file; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m sarcodec_lab.study.files.decode", description=__doc__.split("\n")[0]
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--models", type=Path, required=True, help="folder that holds one folder a model")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT.tif")
    options = parser.parse_args(arguments)
    try:
        model = _model(latent_file.unpack_head(latent_file.read(options.file)).model_id, options.models)
        coder.decode_scene(options.file, model, options.out, options.overwrite)
        return 0
    except SarcodecError as error:
        code, message = error.exit_code, str(error)
    except (OSError, MemoryError) as error:
        code, message = SarcodecError.exit_code, f"the system refused: {error or 'not enough memory'}"
    print("sarcodec: " + " ".join(message.split()), file=sys.stderr)
    return code


def _model(model_id: str, models: Path):
    if not (models / model_id).is_dir():
        raise UnknownModel(f"{models} has no model {model_id}; expected a folder of that name. Name another folder")
    from sarcodec_lab.networks.autoencoders import published

    return published.load(models / model_id)


if __name__ == "__main__":
    sys.exit(main())
