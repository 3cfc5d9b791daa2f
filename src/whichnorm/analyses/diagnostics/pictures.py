"""The pictures of an arm's diagnostics, all arms on the same axes."""

from collections.abc import Sequence

import numpy as np

from whichnorm.analyses.diagnostics.figures import LayerPanel, layer_panels
from whichnorm.analyses.diagnostics.measure import ArmDiagnostics, Tracks
from whichnorm.analyses.diagnostics.tables import diagnostics_table
from whichnorm.render import text
from whichnorm.render.picture import Picture
from whichnorm.render.table import alt_text
from whichnorm.results.results import Results
from whichnorm.specs.arm import file_stem
from whichnorm.specs.names import arm_title

MIN_DEAD, MIN_DISTANCE = 0.05, 0.1  # the least that an axis shows: a few channels are no mountain

Limits = tuple[float, float]


def diagnostics_pictures(results: Results, arms: Sequence[ArmDiagnostics]) -> list[Picture]:
    """Return one picture per arm."""
    limits = (
        _log_limits([arm.gradient_norm for arm in arms]),
        _limits([arm.dead_relu for arm in arms], least=MIN_DEAD, scale=100),
        _limits([arm.cosine_distance for arm in arms], least=MIN_DISTANCE, scale=1),
    )
    return [_picture(results, arm, *limits) for arm in arms]


def _picture(results: Results, arm: ArmDiagnostics, gradient: Limits, dead: Limits, distance: Limits) -> Picture:
    norms = arm.norm_layers
    panels = [
        LayerPanel(
            title="Gradient norm" + (" (norm layers dashed)" if norms else ""), unit="L2 norm (log scale)",
            values=arm.gradient_norm.values, limits=gradient, log=True,
            dashed=[path in norms for path in arm.gradient_norm.paths], note=_note(arm.gradient_norm, "no weights"),
        ),
        LayerPanel(
            title="Dead ReLU channels", unit="Channels (%)", values=100 * arm.dead_relu.values,
            limits=dead, note=_note(arm.dead_relu, "no ReLU", all_zero="no dead channel"),
        ),
        LayerPanel(
            title="Distance between images", unit="Mean cosine distance", values=arm.cosine_distance.values,
            limits=distance, note=_note(arm.cosine_distance, "no norm layer or convolution"),
        ),
    ]  # fmt: skip
    return Picture(
        name=f"{file_stem(arm.arm)}_diagnostics",
        figure=layer_panels(arm_title(arm.arm), arm.epochs, panels),
        alt=alt_text(
            f"Diagnostics of {arm_title(arm.arm)} over epochs, a line per layer. Over the layers:",
            diagnostics_table(results, [arm]),
        ),
        caption=_caption(arm),
        method=_method(arm),
    )


def _note(tracks: Tracks, absent: str, all_zero: str = "") -> str:
    """Say why a panel shows nothing; "" if it shows something."""
    if not tracks.paths:
        return absent
    if not np.isfinite(tracks.values).any():
        return "not finite"
    return "" if np.nan_to_num(tracks.values).any() else all_zero


def _caption(arm: ArmDiagnostics) -> str:
    seeds = f"mean over seeds ({text.num_seeds(len(arm.seeds))})" if len(arm.seeds) > 1 else f"seed {arm.seeds[0]}"
    layers = "norm layer" if arm.norm_layers else "convolution, since this arm has no norm layer"
    return (
        f"A line per layer, {seeds}; all arms have the same axes. Distances are those at the output of every {layers}."
    )


def _method(arm: ArmDiagnostics) -> str:
    return (
        f"Measured before the first epoch and after each, on the same {text.count(arm.num_images, 'training image')} "
        "without augmentation, in training mode without dropout, in float32. The gradient is that of the "
        "cross-entropy, without a penalty or weight decay; its norm is over all weights of a layer. The distance is "
        "one minus the cosine of two images' activations, its mean over all pairs of images."
    )


def _limits(tracks: Sequence[Tracks], least: float, scale: float) -> Limits:
    """Return an axis from 0 to a little above the largest value."""
    values = np.concatenate([one.values[np.isfinite(one.values)] for one in tracks] or [np.empty(0)])
    return 0.0, scale * max(least, 1.06 * values.max(initial=0.0))


def _log_limits(tracks: Sequence[Tracks]) -> Limits:
    values = np.concatenate([one.values[np.isfinite(one.values)] for one in tracks] or [np.empty(0)])
    values = values[values > 0]
    return (values.min() / 1.5, values.max() * 1.5) if len(values) else (0.1, 1.0)
