"""Scenes written once more, with jax, for the sampler of numpyro: nothing of the likelihood, its gradient, priors or coordinates is ours, but the table of profiles."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
from numpyro import distributions, infer

from getframes.fit import Patch
from getframes.fit.source import GALAXY
from getframes.reference.profile.sersic import between_knots

jax.config.update("jax_enable_x64", True)

INDICES = np.linspace(0.6, 5.5, 4000)
PIXEL = 1.0 / 12.0
"""Variance of a pixel [px^2]."""


def drawn_by_numpyro(patch: Patch, chains: int, draws: int, warmup: int) -> tuple[np.ndarray, int]:
    """Draws (chains, draws, N) of shapes and fluxes, and the gradients that they and the warm-up took."""
    light = _light(patch)
    shapes, (lower, upper) = patch.n_shapes, jnp.asarray(patch.bounds.T)
    data = jnp.concatenate([jnp.asarray(each.data) for each in patch.exposures])
    weight = jnp.concatenate([jnp.asarray(each.weight) for each in patch.exposures])
    unit = 100.0

    def model() -> None:
        theta = numpyro.sample("theta", distributions.Uniform(lower[:shapes], upper[:shapes]).to_event(1))
        free = distributions.ImproperUniform(distributions.constraints.real_vector, (), (patch.n_linear,))
        flux = unit * numpyro.sample("flux", free)
        numpyro.factor("pixels", -0.5 * jnp.sum(weight * (data - light(theta, flux)) ** 2))

    start = {"theta": patch.parameters[:shapes], "flux": patch.parameters[shapes:] / unit}
    kernel = infer.NUTS(model, dense_mass=True, init_strategy=infer.init_to_value(values=start))
    run = infer.MCMC(kernel, num_warmup=warmup, num_samples=draws, num_chains=chains, chain_method="sequential",
                     progress_bar=False)  # fmt: skip
    run.warmup(jax.random.PRNGKey(5), extra_fields=("num_steps",), collect_warmup=True)
    steps = int(np.sum(run.get_extra_fields()["num_steps"]))
    run.run(jax.random.PRNGKey(6), extra_fields=("num_steps",))
    steps += int(np.sum(run.get_extra_fields()["num_steps"]))
    made = run.get_samples(group_by_chain=True)
    return np.concatenate([made["theta"], unit * made["flux"]], axis=2), steps


def _light(patch: Patch) -> Any:
    """A function from shapes and fluxes to the light of the tiles (T, 64), one exposure after the other."""
    table = np.array([[values[:14] for values in between_knots(n)] for n in INDICES])
    sigmas, shares = jnp.asarray(table[:, 0]), jnp.asarray(table[:, 1])
    first = np.cumsum([0, *(6 if kind == GALAXY else 2 for kind in patch.sources["kind"])])
    at = jax.vmap(lambda n, column: jnp.interp(n, INDICES, column), (None, 1))
    inner = np.arange(64)

    def of(theta: Any, flux: Any) -> Any:
        fluxes = flux.reshape(len(patch.sources), len(patch.bands))
        images = []
        for exposure in patch.exposures:
            x = jnp.asarray(exposure.x[:, None] + inner % 8, float)
            y = jnp.asarray(exposure.y[:, None] + inner // 8, float)
            image = jnp.zeros(x.shape)
            for number, kind in enumerate(patch.sources["kind"]):
                own = theta[first[number] : first[number + 1]]
                dx, dy = x - exposure.position[number, 0] - own[0], y - exposure.position[number, 1] - own[1]
                blur = exposure.psf[number, 0, 3] + PIXEL
                if kind == GALAXY:
                    size, share = (own[2] * at(own[3], sigmas)) ** 2, at(own[3], shares)
                    square = own[4] ** 2 + own[5] ** 2
                    xx = size * (1.0 + square + 2.0 * own[4]) / (1.0 - square) + blur
                    yy = size * (1.0 + square - 2.0 * own[4]) / (1.0 - square) + blur
                    xy = size * 2.0 * own[5] / (1.0 - square)
                else:
                    share, xx, yy, xy = jnp.ones(1), blur * jnp.ones(1), blur * jnp.ones(1), jnp.zeros(1)
                det = xx * yy - xy**2
                parts = [dx[..., None], dy[..., None]]
                far = (yy * parts[0] ** 2 + xx * parts[1] ** 2 - 2.0 * xy * parts[0] * parts[1]) / det
                profile = jnp.exp(-0.5 * far) @ (share / (2.0 * jnp.pi * jnp.sqrt(det)))
                image = image + exposure.flux_scale * fluxes[number, exposure.band] * profile
            images.append(image)
        return jnp.concatenate(images)

    return of
