"""Made-up studies whose truth is known in closed form: values of seeds by images, and right and wrong answers."""

import numpy as np
from scipy import stats

RNG_SEED = 20240501


def normal_table(rng, num_seeds, num_images, *, mean=0.0, seeds=0.0, images=0.0, rest=1.0):
    """Return (num_seeds, N) values: mean + a seed's part + an image's part + the rest, each normal with this spread."""
    of_seeds, of_images = rng.normal(size=(num_seeds, 1)), rng.normal(size=(1, num_images))
    return mean + seeds * of_seeds + images * of_images + rest * rng.normal(size=(num_seeds, num_images))


def answers(rng, num_seeds, num_images, *, ability, seeds, images, arms=1):
    """Return (arms, num_seeds, N) booleans of a probit model: right where ability + three normal parts is above zero.

    The images' part is the same for all arms; seeds have a part of their own in each arm. The true accuracy is
    Φ(ability / sqrt(1 + seeds² + images²)), see `accuracy`.
    """
    of_images = images * rng.normal(size=(1, 1, num_images))
    of_seeds = seeds * rng.normal(size=(arms, num_seeds, 1))
    level = np.reshape(ability, (-1, 1, 1)) + of_seeds + of_images
    return level + rng.normal(size=(arms, num_seeds, num_images)) > 0


def accuracy(ability, *, seeds, images):
    """Return the true accuracy of `answers` over all seeds and images."""
    return stats.norm.cdf(ability / np.sqrt(1 + seeds**2 + images**2))


def pigeonhole_bootstrap(table, resamples=4000, seed=0):
    """Return means of a table (num_seeds, N) whose seeds and images are both drawn again: Owen 2007, section 3."""
    num_seeds, num_images = table.shape
    rng = np.random.default_rng(seed)
    seeds = rng.multinomial(num_seeds, np.full(num_seeds, 1 / num_seeds), size=resamples)
    images = rng.multinomial(num_images, np.full(num_images, 1 / num_images), size=resamples)
    return ((seeds @ table) * images).sum(axis=1) / (num_seeds * num_images)
