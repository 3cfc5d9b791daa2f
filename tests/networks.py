"""Networks of a user's own, written as people write them: functions, branches, in-place operations."""

import torch
from torch import nn
from torch.nn import functional as F


class Residual(nn.Module):
    def __init__(self, norm, a, b, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(a, b, 3, stride, 1, bias=False)
        self.norm1 = norm(b)
        self.conv2 = nn.Conv2d(b, b, 3, 1, 1, bias=False)
        self.norm2 = norm(b)
        self.short = nn.Identity() if a == b else nn.Sequential(nn.Conv2d(a, b, 1, stride, bias=False), norm(b))

    def forward(self, x):
        y = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        y += self.short(x)
        return F.relu(y, inplace=True)


class Resnet(nn.Module):
    def __init__(self, norm, num_classes, in_channels, depth):
        super().__init__()
        self.stem = nn.Conv2d(in_channels, 8, 3, 1, 1, bias=False)
        self.norm = norm(8)
        widths = [(8, 8, 1)] * depth + [(8, 16, 2)] + [(16, 16, 1)] * (depth - 1)
        self.blocks = nn.ModuleList(Residual(norm, *width) for width in widths)
        self.fc = nn.Linear(16, num_classes)

    def forward(self, x):
        x = F.relu(self.norm(self.stem(x)))
        for block in self.blocks:
            x = block(x)
        if float(x.detach().sum()) > 1e9:  # a branch on a value: symbolic tracers refuse it
            x = x / 2
        return self.fc(torch.flatten(F.adaptive_avg_pool2d(x, 1), 1))


def deep(norm, num_classes, in_channels):
    """Return a residual network with 41 convolutions."""
    return Resnet(norm, num_classes, in_channels, depth=10)


class Dense(nn.Module):
    def __init__(self, norm, num_classes, in_channels):
        super().__init__()
        self.a = nn.Conv2d(in_channels, 8, 3, padding=1)
        self.b = nn.Conv2d(8, 8, 3, padding=1)
        self.c = nn.Conv2d(16, 8, 5, padding=2)
        self.norm = norm(8)
        self.squeeze, self.excite = nn.Linear(24, 4), nn.Linear(4, 24)
        self.scale = nn.Parameter(torch.ones(24))
        self.fc = nn.Linear(24, num_classes)

    def forward(self, x):
        a = self.a(x)
        b = self.b(a).relu()
        c = self.norm(self.c(torch.cat([a, b], 1)))
        y = torch.cat([a, b, c], dim=1)
        gate = torch.sigmoid(self.excite(F.relu(self.squeeze(y.mean((2, 3))))))
        y = y * gate[:, :, None, None] * self.scale[:, None, None]
        return self.fc(y.amax(dim=(2, 3)))


def dense(norm, num_classes, in_channels):
    return Dense(norm, num_classes, in_channels)


class Odd(nn.Module):
    """Windows that differ in height and width, padding by function, a strided slice, functions with weights."""

    def __init__(self, norm, num_classes, in_channels):
        super().__init__()
        self.tall = nn.Conv2d(in_channels, 4, (5, 1), stride=(2, 1), padding=(2, 0))
        self.norm = norm(4)
        self.weight = nn.Parameter(torch.randn(6, 4, 3, 3))
        self.up = nn.ConvTranspose2d(6, 6, 2, stride=2)
        self.fc = nn.Linear(6 * 4, num_classes)

    def forward(self, x):
        x = F.pad(self.norm(self.tall(x)), (1, 1, 1, 1))
        x = F.conv2d(x, self.weight, stride=2, dilation=(1, 2))
        x = F.avg_pool2d(x[:, :, ::2, ::2], 2, stride=1)
        x = F.avg_pool2d(self.up(x), 3, stride=2, padding=1)
        return self.fc(nn.AdaptiveAvgPool2d(2)(x).flatten(1))


def odd(norm, num_classes, in_channels):
    return Odd(norm, num_classes, in_channels)


class Detour(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.classes = classes

    def forward(self, x):
        return torch.from_numpy(x.mean((2, 3)).numpy().repeat(self.classes, 1)[:, : self.classes])


def detour(norm, num_classes, in_channels):
    return Detour(num_classes)


def small(norm, num_classes, in_channels):
    """Return a chain of two convolutions."""
    return nn.Sequential(
        nn.Conv2d(in_channels, 8, 3, padding=1, bias=False), norm(8), nn.ReLU(),
        nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False), norm(16), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, num_classes),
    )  # fmt: skip


class Branching(nn.Module):
    def __init__(self, body):
        super().__init__()
        self.body = body

    def forward(self, x):
        y = self.body(x)
        return y if float(y.detach().sum()) > 0 else -y


def branching(norm, num_classes, in_channels):
    """Return a network that branches on a value, which no export can follow."""
    return Branching(small(norm, num_classes, in_channels))
