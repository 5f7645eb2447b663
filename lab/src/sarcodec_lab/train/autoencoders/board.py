"""What TensorBoard shows of a run of the study: scalars, triples of pictures, histograms. In: numbers and a network."""

from pathlib import Path

import torch

from sarcodec_lab.networks.autoencoders import Autoencoder

SHOWN = 4


class StudyBoard:
    """Curves of one run in a folder. Raises ImportError where TensorBoard is not installed."""

    def __init__(self, folder: Path, from_batch: int):
        from torch.utils.tensorboard import SummaryWriter

        self._writer = SummaryWriter(str(folder), purge_step=from_batch + 1)

    def scalars(self, part: str, values: dict[str, float], batch: int) -> None:
        for name, value in values.items():
            self._writer.add_scalar(f"{part}/{name}", value, batch)

    @torch.inference_mode()
    def pictures(self, network: Autoencoder, dev: torch.Tensor, batch: int) -> None:
        """Original, reconstruction and error of some development crops; histograms of latents and of all weights."""
        network.eval()
        for number, x in enumerate(dev[:SHOWN].split(1)):
            reconstruction, latent = network(x)
            triple = torch.cat([x, reconstruction, 0.5 + reconstruction - x], 3)[0].clamp(0, 1)
            self._writer.add_image(f"dev/original_reconstruction_error_{number}", triple, batch)
            self._writer.add_histogram(f"latent/{number}", latent, batch)
        for name, parameter in network.named_parameters():
            self._writer.add_histogram(f"weights/{name}", parameter, batch)
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()
