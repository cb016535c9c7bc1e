"""Put a pretrained model into a folder that jobs load without a network, and try it."""

from __future__ import annotations

import argparse
from pathlib import Path

from interlude.data.fetch.models import prepare_model
from interlude.errors import command
from interlude.generate.check_generator import check_generator, convert_gguf
from interlude.training.check_model import check_model

CONFIG = Path(__file__).parents[2] / "config"  # of this project, wherever it is called from


@command
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", required=True, type=Path, help="file in config/models/")
    parser.add_argument("--registry", type=Path, default=CONFIG / "archives.yaml")
    parser.add_argument("--out", required=True, type=Path, help="folder of the model")
    parser.add_argument("--generator", action="store_true", help="it is to make texts")
    args = parser.parse_args()
    if args.generator:
        manifest = prepare_model(args.model, args.registry, args.out, check_generator, convert_gguf)
    else:
        manifest = prepare_model(args.model, args.registry, args.out, check_model)
    print(f"{manifest['name']}: revision {manifest['revision']}")


if __name__ == "__main__":
    main()
