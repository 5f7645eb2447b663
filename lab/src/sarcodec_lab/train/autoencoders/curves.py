"""The curves of a run, read from what TensorBoard keeps of it. In: a run's folder; out: arrays."""

from pathlib import Path

import numpy as np

FOLDER = "tensorboard"


def read_curves(run: str | Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """By tag ('train/loss', 'dev/bpp', ...): batches and values, rising. Empty where the run kept no curves.

    A run that was cut and resumed has several files of events; of a batch that was taken twice the later counts.
    """
    folder = Path(run) / FOLDER
    if not any(folder.glob("events.*")):
        return {}
    from tensorboard.backend.event_processing.event_accumulator import SCALARS, EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={SCALARS: 0}).Reload()
    return {tag: _curve(events.Scalars(tag)) for tag in events.Tags()[SCALARS]}


def _curve(scalars: list) -> tuple[np.ndarray, np.ndarray]:
    latest = {event.step: event.value for event in sorted(scalars, key=lambda event: event.wall_time)}
    batches = sorted(latest)
    return np.array(batches), np.array([latest[batch] for batch in batches])
