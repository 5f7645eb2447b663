"""A recipe of the autoencoder study: what a TOML file says, checked. Knows no tensor and no image."""

from dataclasses import dataclass, fields

from sarcodec.errors import InvalidArgument
from sarcodec_lab.networks.autoencoders import REDUCTION_PX, Shape
from sarcodec_lab.networks.levels import SCALES, Scale, scale_of
from sarcodec_lab.train.recipe import DEVICES, check_families, check_file_name, check_type

OBJECTIVES = ("study", "rate-distortion")
SCHEDULES = ("plateau", "cosine")
PRECISIONS = ("auto", "float32", "bfloat16")
TUNED = ("all", "latent")


@dataclass(frozen=True)
class AutoencoderRecipe:
    """Everything that decides a run of the study; docs/study.md explains each key.

    Defaults are the study's own settings. Raises InvalidArgument when a value has no meaning.
    """

    name: str
    variant: str = "attention"
    latent_channels: int = 16
    base_width: int = 0
    channel_gate: bool = True
    spatial_gate: bool = True
    open_gates: bool = False
    upsampling: str = "bilinear"
    range: str = "study"
    objective: str = "study"
    mse_weight: float = 0.7
    ssim_weight: float = 0.3
    distortion_weight: float = 0.1
    steps_a_deviation: int = 4
    latent_step: float = 0.0
    step_spread: float = 1.0
    batches: int = 0
    epochs: int = 30
    epoch_batches: int = 500
    batch: int = 16
    crops: tuple[tuple[int, float], ...] = ((256, 1.0),)
    learning_rate: float = 1e-4
    gate_rate: float = 1.0
    schedule: str = "plateau"
    warmup_batches: int = 0
    clip_norm: float = 0.5
    norm_rests_after: float = 1.0
    patience: int = 10
    train_subset: float = 0.20
    families: tuple[tuple[str, float], ...] = (
        ("iw", 0.6),
        ("slc", 0.08),
        ("ew", 0.08),
        ("8bit", 0.08),
        ("native", 0.16),
    )
    dev_groups: tuple[str, ...] = ()
    judge_every: int = 500
    precision: str = "auto"
    compile: bool = False
    spare_memory: bool = False
    device: str = "auto"
    seed: int = 1
    calm_start: bool = False
    tile_bound: bool = False
    start_from: str = ""
    tuned: str = "all"
    simulated_scenes: int = 4
    simulated_px: int = 1024

    def __post_init__(self) -> None:
        for field in fields(self):
            check_type(field.name, field.type, getattr(self, field.name))
        check_file_name("name", self.name)
        for name, (low, high) in _RANGES.items():
            if not low <= getattr(self, name) <= high:
                raise InvalidArgument(f"{name} is {getattr(self, name)}, expected a number from {low} to {high}")
        for name, words in _WORDS.items():
            if getattr(self, name) not in words:
                raise InvalidArgument(f"{name} is {getattr(self, name)!r}, expected one of {', '.join(words)}")
        check_families(self.families)
        _check_crops(self.crops)
        _ = self.shape  # says what is wrong with the network

    @property
    def shape(self) -> Shape:
        """The network."""
        return Shape(
            self.variant,
            self.latent_channels,
            self.base_width or None,
            self.channel_gate,
            self.spatial_gate,
            self.scale.clip,
            self.open_gates,
            self.upsampling,
        )

    @property
    def scale(self) -> Scale:
        """How levels in dB become what the network sees."""
        return scale_of(self.range)

    @property
    def total_batches(self) -> int:
        """Batches of the whole run, if patience does not end it before."""
        return self.batches or self.epochs * self.epoch_batches

    @property
    def weighted(self) -> frozenset[str]:
        """Families that crops are drawn from."""
        return frozenset(family for family, weight in self.families if weight > 0)

    def norm_rests(self, batch: int) -> bool:
        """Whether batch normalisation goes by its running statistics in a batch, counted from 0, and leaves them alone."""
        return batch >= self.norm_rests_after * self.total_batches

    def crop_px(self, batch: int) -> int:
        """Side of the crops of a batch, counted from 0."""
        done = batch / self.total_batches
        for crop_px, share in self.crops:
            if done < share:
                return crop_px
            done -= share
        return self.crops[-1][0]


_RANGES = {
    "mse_weight": (0, 1e3),
    "ssim_weight": (0, 1e3),
    "distortion_weight": (1e-4, 1e4),
    "steps_a_deviation": (1, 1024),
    "latent_step": (0, 1e6),
    "step_spread": (1, 16),
    "batches": (0, 100_000_000),
    "epochs": (1, 1_000_000),
    "epoch_batches": (1, 1_000_000),
    "batch": (1, 4096),
    "learning_rate": (1e-9, 1.0),
    "gate_rate": (1e-6, 1e3),
    "warmup_batches": (0, 1_000_000),
    "clip_norm": (1e-6, 1e6),
    "norm_rests_after": (0, 1),
    "patience": (0, 1_000_000),
    "train_subset": (0.01, 1.0),
    "judge_every": (1, 100_000_000),
    "seed": (0, 2**63 - 1),
    "base_width": (0, 256),
    "simulated_scenes": (1, 1000),
    "simulated_px": (64, 16384),
}
_WORDS = {
    "range": tuple(SCALES),
    "objective": OBJECTIVES,
    "schedule": SCHEDULES,
    "precision": PRECISIONS,
    "device": DEVICES,
    "tuned": TUNED,
}


def _check_crops(crops: tuple) -> None:
    for pair in crops:
        if len(pair) != 2 or not isinstance(pair[0], int) or pair[0] < REDUCTION_PX or pair[0] % REDUCTION_PX:
            raise InvalidArgument(
                f"crops has {list(pair)}, expected [side, share] with a side that is a multiple of {REDUCTION_PX} pixels"
            )
    total = sum(share for _, share in crops)
    if not crops or abs(total - 1) > 1e-6 or any(share <= 0 for _, share in crops):
        raise InvalidArgument(f"the shares in crops add up to {total}, expected shares above 0 that add up to 1")
