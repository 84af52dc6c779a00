"""`train`: fine-tune an encoder on annotated passages and make a model of it that `extract.model` can name."""

from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer

from clampdown.output import console, table
from pipeline.errors import InputError

NEEDED = ("torch", "onnx", "onnxscript")
_SHOWN = {
    "strict_precision": "strict P %",
    "strict_recall": "R %",
    "strict_f1": "F1 %",
    "lenient_f1": "lenient F1 %",
    "status": "status %",
    "full_record": "full record %",
}


def train(
    out: Annotated[Path, typer.Option(help="Folder for checkpoints and the finished model")],
    base: Annotated[
        Path | None,
        typer.Option(help="Folder of a Hugging Face encoder of the BERT kind [default: MiniLM-L6, English]"),
    ] = None,
    data: Annotated[
        list[Path] | None, typer.Option(help="Your own annotated passages, JSON Lines; may be given several times")
    ] = None,
    epochs: Annotated[int, typer.Option(min=1, help="Passes through the passages")] = 14,
    minutes: Annotated[float | None, typer.Option(min=0.1, help="Stop after so much time, epochs left or not")] = None,
    rate: Annotated[float, typer.Option(min=0, help="Learning rate of the encoder's top layer")] = 1e-4,
    seed: Annotated[int, typer.Option(help="Same seed, same data, same course")] = 1,
) -> None:
    """Fine-tune an encoder on the project's passages and yours, and export it for `extract.model`.

    Needs the extra “train”. Goes on from the last checkpoint in the folder if it was interrupted. A GPU is used where
    there is one; on two processor cores an epoch of MiniLM takes about seven minutes.
    """
    if missing := [name for name in NEEDED if find_spec(name) is None]:
        raise InputError(
            f"training needs {', '.join(missing)}, which {'is' if len(missing) == 1 else 'are'} not installed",
            hint="pip install 'clampdown[train]'",
        )
    if base is not None and not base.is_dir():
        raise InputError(f"{base} is no folder", hint="--base takes the folder of a saved Hugging Face encoder")
    from extractors.training.bases import bundled_base
    from extractors.training.export import make_model
    from extractors.training.optimizing import Recipe
    from extractors.training.train import load_material
    from extractors.training.train import train as learn

    folder = base or bundled_base()
    material = load_material(data or ())
    show = console()
    show.print(
        f"{len(material.train)} passages to learn from, {len(material.dev) + len(material.own_dev)} held out",
        style="dim",
    )

    def tell(line: dict[str, Any]) -> None:
        held = ", ".join(f"{name} {line[name]}" for name in ("dev", "own_dev") if name in line)
        show.print(f"epoch {line['epoch'] + 1} of {epochs}: {line['train_s']} s; {held}")

    recipe = Recipe(epochs=epochs, minutes=minutes, encoder_rate=rate, seed=seed)
    learn(folder, out / "training", recipe, material, tell=tell)
    figures = make_model([out / "training"], out / "model", folder, folder.name if base else "all-MiniLM-L6-v2")
    rows = [
        [kind, part, *(rates[name] for name in _SHOWN)]
        for kind, parts in figures.items()
        for part, rates in parts.items()
    ]
    show.print(
        table("What it reaches on passages it has not learnt from", ["weights", "passages", *_SHOWN.values()], rows)
    )
    show.print(f"\nUse it: set extract.model to {out / 'model'} in clampdown.toml")
