"""The 1,797 handwritten digits of 8 x 8 pixels that come with scikit-learn: real data without a download."""

import numpy as np
import torch

from whichnorm.data.dataset import Dataset, ImageSet
from whichnorm.data.split import split_validation

TEST_FRACTION = 0.2


def load_digits() -> Dataset:
    """Return the digits as (N, 1, 8, 8), a fifth of each class as the test split.

    Their 17 grey levels, 0 to 16, are spread over 0 to 255. The set has no published split; this one never changes.
    E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998.
    """
    from sklearn import datasets  # takes a second to import

    bunch = datasets.load_digits()
    pixels = np.rint(bunch.images * (255 / 16)).astype(np.uint8)[:, None]  # (1797, 1, 8, 8)
    everything = ImageSet(torch.from_numpy(pixels), torch.from_numpy(bunch.target.astype(np.int64)))
    train, test = split_validation(everything, TEST_FRACTION)
    return Dataset("digits", tuple(str(digit) for digit in range(10)), train, test)
