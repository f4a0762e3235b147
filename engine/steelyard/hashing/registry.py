"""Every scheme by its name, in order of importance."""

from types import MappingProxyType

from steelyard.errors import SpecError
from steelyard.hashing.scheme import Scheme
from steelyard.hashing.schemes import (
    amplitude,
    confidence,
    devcycle,
    eppo,
    flagd,
    flagsmith,
    flipt,
    go_feature_flag,
    growthbook,
    launchdarkly,
    optimizely,
    planout,
    posthog,
    sha256,
    sha256_60,
    split,
    statsig,
    unleash,
)

DEFAULT = sha256.SCHEME
"""The canonical scheme."""

SCHEMES = MappingProxyType(
    {
        scheme.name: scheme
        for scheme in (
            sha256.SCHEME,
            sha256_60.SCHEME,
            *growthbook.SCHEMES,
            *(statsig.SCHEME, statsig.LAYER),
            *(eppo.SCHEME, eppo.EXPOSURE, eppo.ASSIGNMENT),
            launchdarkly.SCHEME,
            *(posthog.SCHEME, posthog.ROLLOUT),
            optimizely.SCHEME,
            *(unleash.SCHEME, unleash.ROLLOUT),
            *(split.SCHEME, split.LEGACY),
            flagsmith.SCHEME,
            confidence.SCHEME,
            *(planout.SCHEME, planout.WEIGHTED),
            *(amplitude.SCHEME, amplitude.ALLOCATION),
            *(flagd.SCHEME, flagd.VERSION_1, flagd.VERSION_3, flagd.VERSION_3_TEXT),
            go_feature_flag.SCHEME,
            *(flipt.SCHEME, flipt.BOOLEAN),
            *(devcycle.SCHEME, devcycle.ROLLOUT),
        )
    }
)


def scheme_named(name: str) -> Scheme:
    """The scheme of that name.

    Raises:
        SpecError: There is none.

    Examples:
        >>> scheme_named("sha256").scalar("exp_checkout", "user_1")
        2419
    """
    if name in SCHEMES:
        return SCHEMES[name]
    raise SpecError(f"unknown hash scheme {name!r}", hint=f"the schemes are {', '.join(SCHEMES)}")
