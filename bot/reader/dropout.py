"""Dropout that is cheap on a CPU, where drawing random numbers takes a third of a step."""

import torch
from torch import Tensor, nn

_N_DRAWN = 1 << 24


class DrawnDropout(nn.Module):
    """Drops by a stretch, from a random place on, of one long row of draws made beforehand."""

    def __init__(self, draws: Tensor) -> None:
        """Share draws.

        Args:
            draws: 0, or what keeps the mean, shape (n_draws,).
        """
        super().__init__()
        self._draws = draws

    def forward(self, values: Tensor) -> Tensor:
        """Drop values of any shape with fewer of them than there are draws."""
        if not self.training:
            return values
        first = int(torch.randint(len(self._draws) - values.numel() + 1, (1,)))
        drawn = self._draws[first : first + values.numel()].view(values.shape)
        return values * drawn.to(values.dtype)


def with_dropout(
    model: nn.Module, share: float, seed: int, device: torch.device | str = "cpu"
) -> None:
    """Let the dropout layers of a BERT drop a share of what passes them, while it is trained.

    Those of attention weights stay as they are. The draws are kept on the device, once.
    """
    generator = torch.Generator().manual_seed(seed)
    kept = torch.rand(_N_DRAWN, generator=generator) >= share
    draws = (kept / (1 - share)).to(device, torch.bfloat16)
    for part in list(model.modules()):
        for name, child in part.named_children():
            if isinstance(child, nn.Dropout) and not hasattr(part, "query"):
                setattr(part, name, DrawnDropout(draws))
