"""Proof, at a run's first step, that it trains what its label says."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from whichnorm.errors import ModelError
from whichnorm.norms import NormSpec
from whichnorm.training import audit
from whichnorm.training.record import Audit
from whichnorm.training.state import TrainingState


@contextmanager
def audited_first_step(
    model: nn.Module, optimizer: torch.optim.Optimizer, norm: NormSpec, state: TrainingState
) -> Iterator[None]:
    """Prove that a run's first step reaches every trainable parameter of the network that the norm names.

    The proof goes into the state right after the step; a ModelError comes out of the step. It is made by hooks of the
    optimizer, so that it holds whichever engine takes the step. A run that took it before is left alone.
    """
    if state.audit:
        yield
        return
    first = _FirstStep(model, norm, state)
    hooks = optimizer.register_step_pre_hook(first.before), optimizer.register_step_post_hook(first.after)
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
    if not state.audit:
        raise ModelError("no step was taken by the run's optimizer, so nothing proves which parameters it reaches")


class _FirstStep:
    """What is seen before a step and after it; later steps are not looked at."""

    def __init__(self, model: nn.Module, norm: NormSpec, state: TrainingState) -> None:
        self.model, self.norm, self.state = model, norm, state

    def before(self, optimizer: torch.optim.Optimizer, *_: object) -> None:
        if self.state.audit:
            return
        model = self.model
        norm_layers = audit.check_norm_layers(model, self.norm)
        audit.check_in_optimizer(model, optimizer)
        self.found = Audit(
            norm_layers=norm_layers,
            params=audit.count_params(model),
            norm_params=audit.count_norm_params(model),
            initial_weights=audit.shared_weights_digest(model),
            zero_gradient=audit.check_gradients(model),
        )
        self.parameters: dict[str, Tensor] = {name: p.detach().clone() for name, p in audit.trainable(model).items()}

    def after(self, optimizer: torch.optim.Optimizer, *_: object) -> None:
        if self.state.audit:
            return
        learning_rate = optimizer.param_groups[0]["lr"]
        audit.check_moved(self.parameters, self.model, learning_rate, self.found.zero_gradient)
        self.parameters = {}
        self.state.audit = self.found
