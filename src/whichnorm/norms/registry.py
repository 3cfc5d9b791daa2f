"""Every normalization, and the reader of their text forms."""

import re
from collections.abc import Sequence

from whichnorm.errors import SpecError, nearest, shortened
from whichnorm.norms.batch_norm import BatchNormSpec
from whichnorm.norms.channel_layer_norm import ChannelLayerNormSpec
from whichnorm.norms.element_layer_norm import ElementLayerNormSpec
from whichnorm.norms.group_norm import GroupNormSpec
from whichnorm.norms.instance_norm import InstanceNormSpec
from whichnorm.norms.layer_norm import LayerNormSpec
from whichnorm.norms.no_norm import NoNormSpec
from whichnorm.norms.spec import NormSpec

NORMS: tuple[NormSpec, ...] = (
    BatchNormSpec(),
    LayerNormSpec(),
    ElementLayerNormSpec(),
    ChannelLayerNormSpec(),
    GroupNormSpec(num_groups=8),
    GroupNormSpec(channels_per_group=16),
    InstanceNormSpec(),
    NoNormSpec(),
)
"""One norm for each text form; the numbers of GroupNorm stand for any other."""

FORMS = tuple(str(norm) for norm in NORMS)
"""The text forms, for messages."""

KINDS: dict[str, type[NormSpec]] = {norm.kind.split(":")[0]: type(norm) for norm in NORMS}
"""The spec by the first word of its text form."""


def parse_norm(text: str) -> NormSpec:
    """Read a norm's text form, one of FORMS with any number after gn, each but none with :noaffine if it is wanted."""
    word, *options = text.strip().lower().split(":")
    shown = shortened(text)
    if word not in KINDS:
        hint = _by_title(word, options) or nearest(shortened(word), FORMS)
        raise SpecError(f"unknown norm {shown!r}{hint}; there are {', '.join(FORMS)}")
    try:
        return KINDS[word].read(options)
    except SpecError as error:
        raise SpecError(f"norm {shown!r}: {error}") from None


def _by_title(word: str, options: Sequence[str]) -> str:
    """Return " (did you mean 'bn'?)" for a norm that is named in full, such as "batch" or "BatchNorm2d", or ""."""
    letters = re.sub("[^a-z]", "", word)
    for norm in NORMS if len(letters) > 2 else ():
        title = norm.title.split()[0].strip(",").lower()
        if title.startswith(letters) or (title.endswith("norm") and letters.startswith(title)):
            form = ":".join([norm.kind.split(":")[0], *options]) if options else str(norm)
            return f" (did you mean {shortened(form)!r}?)"
    return ""
