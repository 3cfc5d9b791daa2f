"""The pictures of an arm's diagnostics, all arms on the same axes."""

from collections.abc import Sequence

import numpy as np

from whichnorm.analyses.arms import label
from whichnorm.analyses.diagnostics.estimate import ArmDiagnostics, Tracks
from whichnorm.analyses.diagnostics.figures import Panel, diagnostics_panels
from whichnorm.render import text
from whichnorm.render.picture import Picture
from whichnorm.specs.arm import file_stem

LEAST_SHARE = 0.05  # the least that the axis of dead channels shows: a few channels are no mountain


def diagnostics_pictures(arms: Sequence[ArmDiagnostics]) -> list[Picture]:
    """Return one picture per arm."""
    limits = (
        _log_limits([arm.gradient_norm for arm in arms]),
        _limits([arm.dead_relu for arm in arms], least=LEAST_SHARE, scale=100),
        _limits([arm.cosine_distance for arm in arms], least=0.1, scale=1),
    )
    return [_picture(arm, *limits) for arm in arms]


def _picture(
    arm: ArmDiagnostics, gradient: tuple[float, float], dead: tuple[float, float], distance: tuple[float, float]
) -> Picture:
    norms = arm.norm_layers
    panels = [
        Panel(
            title="Gradient norm" + (" (norm layers dashed)" if norms else ""), unit="L2 norm (log scale)",
            values=arm.gradient_norm.values, limits=gradient, log=True,
            dashed=[path in norms for path in arm.gradient_norm.paths], note=_note(arm.gradient_norm, "no weights"),
        ),
        Panel(
            title="Dead ReLU channels", unit="Share of channels (%)", values=100 * arm.dead_relu.values,
            limits=dead, note=_note(arm.dead_relu, "no ReLU", all_zero="no dead channel"),
        ),
        Panel(
            title="Distance between images", unit="Mean cosine distance", values=arm.cosine_distance.values,
            limits=distance, note=_note(arm.cosine_distance, "no norm layer or convolution"),
        ),
    ]  # fmt: skip
    return Picture(
        name=f"{file_stem(arm.arm)}_diagnostics",
        figure=diagnostics_panels(f"{label(arm.arm)}: diagnostics", arm.epochs, panels),
        alt=f"Diagnostics of {label(arm.arm)} over epochs, a line per layer. {_ends(arm)}",
        caption=_caption(arm),
    )


def _note(tracks: Tracks, absent: str, all_zero: str = "") -> str:
    """Say why a panel shows nothing; "" where it shows something."""
    if not tracks.paths:
        return absent
    if not np.isfinite(tracks.values).any():
        return "not finite"
    return "" if np.nan_to_num(tracks.values).any() else all_zero


def _caption(arm: ArmDiagnostics) -> str:
    seeds = f"mean over seeds ({text.num_seeds(len(arm.seeds))})" if len(arm.seeds) > 1 else f"seed {arm.seeds[0]}"
    where = "norm layer" if arm.norm_layers else "convolution, since this arm has no norm layer"
    return (
        f"A line per layer, {seeds}; all arms have the same axes. Distances are those at the output of every {where}."
    )


def _ends(arm: ArmDiagnostics) -> str:
    """Say in numbers what the picture shows at its last epoch."""
    parts = [
        _range("gradient norm", arm.gradient_norm, scale=1),
        _range("dead ReLU channels in percent", arm.dead_relu, scale=100),
        _range("cosine distance", arm.cosine_distance, scale=1),
    ]
    return f"After epoch {arm.epochs[-1]}, least to largest of the layers: {'; '.join(parts)}."


def _range(name: str, tracks: Tracks, scale: float) -> str:
    values = [scale * value for value in tracks.last.values() if np.isfinite(value)]
    if not values:
        return f"{name} not finite" if tracks.paths else f"{name} none"
    return f"{name} {min(values):.3g} to {max(values):.3g}"


def _limits(tracks: Sequence[Tracks], least: float, scale: float) -> tuple[float, float]:
    """Return an axis from 0 to a little above the largest value."""
    values = np.concatenate([one.values[np.isfinite(one.values)] for one in tracks])
    return 0.0, scale * max(least, 1.06 * values.max(initial=0.0))


def _log_limits(tracks: Sequence[Tracks]) -> tuple[float, float]:
    values = np.concatenate([one.values[np.isfinite(one.values)] for one in tracks])
    values = values[values > 0]
    return (values.min() / 1.5, values.max() * 1.5) if len(values) else (0.1, 1.0)
