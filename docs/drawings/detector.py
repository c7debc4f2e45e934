"""Pictures of the stages between light and counts."""

from __future__ import annotations

import numpy as np
from paper import INK, PAPER, Pixels, Plot, linear, logarithmic, side_by_side
from PIL import Image, ImageDraw

from getframes import (
    QE,
    SED,
    Camera,
    GaussianPSF,
    PointSource,
    Scene,
    Telescope,
)
from getframes.noise import apply_em_gain, apply_nonlinearity, digitize, release_latent


def gain_histograms(size: tuple[int, int] = (640, 300)) -> Image.Image:
    """Distribution of the output of a few electrons at a gain of 100."""
    width, height = size
    left, bottom, top = 20, height - 24, 10
    picture = Image.new("L", size, PAPER)
    draw = ImageDraw.Draw(picture)
    edges = np.linspace(0.0, 1200.0, 121)
    across = left + (edges[:-1] + 5.0) / 1200.0 * (width - 2 * left)
    for electrons, shade in ((1, 30), (2, 80), (3, 120), (5, 160)):
        out = apply_em_gain(np.full((1000, 1000), float(electrons)), 100.0, rng=electrons)
        density = np.histogram(out, edges)[0] / out.size / 10.0
        up = bottom - density / 0.01 * (bottom - top)
        draw.line(list(zip(across.tolist(), up.tolist(), strict=True)), fill=shade, width=2)
        peak = int(np.argmax(density))
        draw.text((across[peak] + 12, up[peak] - 3), f"{electrons} e-", fill=shade, anchor="lb")
    draw.line((left, bottom, width - left, bottom), fill=INK)
    for tick in range(0, 1201, 200):
        x = left + tick / 1200.0 * (width - 2 * left)
        draw.line((x, bottom, x, bottom + 4), fill=INK)
        draw.text((x, bottom + 6), str(tick), fill=INK, anchor="ma")
    draw.text((width - left, bottom - 14), "output [e-]", fill=INK, anchor="ra")
    return picture


def binned_star() -> Image.Image:
    """A faint star in super pixels, of counts and of charge."""
    config = Camera.from_preset("generic_ccd").config.replace(resolution=(128, 128), read_noise_e=10.0)
    camera = Camera(config)
    star = Scene(
        camera.resolution, Telescope.unit(), GaussianPSF(8.0), [PointSource(63.5, 63.5, photon_rate=600.0)]
    )
    rate = star.photon_rate_map() / config.quantum_efficiency
    pictures = []
    for mode, reads in (("digital", 16), ("on_chip", 1)):
        frame = camera.expose(rate, 1.0, seed=4, binning=4, binning_mode=mode)
        charge = (frame.data - reads * config.bias_offset_adu) * config.gain_e_per_adu
        grey = np.clip((charge + 80.0) / 360.0, 0.0, 1.0) * 255.0
        shown = Image.fromarray(grey[::-1].astype(np.uint8))
        pictures.append(shown.resize((320, 320), Image.Resampling.NEAREST))
    return side_by_side(pictures)


def detector(shape: tuple[int, int] = (160, 160), **figures: object) -> Camera:
    """A quiet detector with one effect."""
    quiet = {"read_noise_e": 3.0, "prnu": 0.0, "dark_current_nonuniformity": 0.0, "hot_pixel_fraction": 0.0}
    return Camera.from_preset("generic_ccd").with_config(resolution=shape, **{**quiet, **figures})


def star_field(shape: tuple[int, int], stars: list[tuple[float, float, float]], fwhm: float = 3.0) -> Pixels:
    """Stars (x, y, photons/s) on a faint sky."""
    sources = [PointSource(x, y, photon_rate=rate) for x, y, rate in stars]
    return Scene(shape, Telescope.unit(), GaussianPSF(fwhm), sources).photon_rate_map() + 20.0


def cosmic_rays() -> Image.Image:
    """Ten minutes in the dark: hits of single pixels, and tracks."""
    panels = []
    for length in (0.0, 15.0):
        figures = {"cosmic_ray_rate_per_cm2_s": 0.6, "cosmic_ray_track_length_px": length}
        panels.append(linear(detector(**figures).dark_frame(600.0, -60.0, seed=4).data, 380.0, 1500.0, 2))
    return side_by_side(panels)


def bloomed_stars() -> Image.Image:
    """Bright stars in wells that lose their excess, and in wells that let it flow."""
    light = star_field((160, 160), [(50.3, 60.2, 6e6), (100.8, 100.1, 1.5e6), (120.0, 40.0, 1e5)])
    panels = []
    for flows in (False, True):
        frame = detector(blooming=flows, bit_depth=18, full_well_e=5e4).expose(light, 1.0, seed=1)
        panels.append(logarithmic(frame.data, 400.0, 4e4).resize((320, 320), Image.Resampling.NEAREST))
    return side_by_side(panels)


def trails() -> Image.Image:
    """Single bright pixels without and with a hundred times the usual inefficiency; the register is below."""
    light = np.full((80, 80), 20.0)
    light[4::8, 4::8] = 5e3
    frames = (detector((80, 80), cti=cti).expose(light, 1.0, seed=1).data for cti in (0.0, 3e-3))
    return side_by_side([linear(frame, 380.0, 1500.0, 4) for frame in frames])


def coupled_pixels() -> Image.Image:
    """Single bright pixels, and what interpixel capacitance of 3 % makes of them."""
    light = np.full((40, 40), 20.0)
    light[::8, ::8] = 4e3
    frames = (detector((40, 40), ipc_coupling=c).expose(light, 1.0, seed=1).data for c in (0.0, 0.03))
    return side_by_side(
        [logarithmic(frame, 380.0, 3e3).resize((320, 320), Image.Resampling.NEAREST) for frame in frames]
    )


def dead_pixels() -> Image.Image:
    """A flat with dead pixels and columns."""
    camera = detector((160, 320), dead_pixel_fraction=0.004, bad_column_fraction=0.01)
    return linear(camera.flat_frame(2000.0, 1.0, seed=1).data, 300.0, 1700.0, 2)


def drifting_frames() -> Image.Image:
    """Sixteen biases with a common mode of 8 ADU RMS."""
    camera = detector((40, 40), readout_common_mode_noise_adu=8.0)
    frames = [frame.data for frame in camera.dark_series(0.0, 16, seed=1)]
    return side_by_side([linear(frame, 375.0, 425.0) for frame in frames])


def channel_noise() -> Image.Image:
    """Read noise of each pixel: eight channels, and a rise towards the edges."""
    camera = detector(
        (120, 240),
        readout_channel_count=8,
        read_noise_channel_nonuniformity=0.15,
        read_noise_edge_factor=2.0,
        read_noise_edge_scale_px=8.0,
    )
    return linear(np.asarray(camera.fixed_patterns.read_noise_sigma), 2.0, 6.0, 3)


def biases() -> Image.Image:
    """Plane and columns, channels, texture, and two edges."""
    parts: tuple[dict[str, object], ...] = (
        {"bias_structure_amplitude_adu": 25.0},
        {"bias_channel_spread_adu": 10.0, "readout_channel_count": 16},
        {"bias_pixel_spread_adu": 10.0},
        {"bias_edge_amplitude_adu": 25.0, "bias_edge_scale_px": 12.0, "bias_edge_axis": 1},
    )
    maps = [np.asarray(detector(**part).fixed_patterns.bias_structure) for part in parts]
    return side_by_side([linear(one, -30.0, 30.0) for one in [*maps, sum(maps)]])


def avalanche_noise() -> Image.Image:
    """Avalanche input noise of 0.5 e- at a gain of 2, against the gain, for three exponents."""
    gains = np.geomspace(2.0, 80.0, 12)
    plot = Plot((1.0, 100.0), (0.3, 300.0), ("gain", "noise behind the gain [e-]"), logarithmic=True)
    for exponent, shade in ((0.5, 170), (1.0, 40), (1.5, 110)):
        sigmas = []
        for gain in gains:
            camera = detector(
                (64, 64),
                sensor_type="EAPD",
                em_gain=float(gain),
                read_noise_e=0.0,
                avalanche_input_noise_e=0.5,
                avalanche_input_noise_reference_gain=2.0,
                avalanche_input_noise_gain_exponent=exponent,
                gain_e_per_adu=0.02,
                bias_offset_adu=30_000.0,
            )
            sigmas.append(camera.bias_frame(seed=1).data.std() * 0.02)
        plot.line(gains, 0.5 * gains * (gains / 2.0) ** (exponent - 1.0), 210)
        plot.points(gains, np.array(sigmas), shade)
        plot.text(20.0, 0.42 * 20.0 * 10.0 ** (exponent - 1.0) * 1.7, f"p = {exponent:g}")
    return plot.picture


def afterglow() -> Image.Image:
    """A star, and five dark frames after it."""
    camera = detector((64, 64), persistence_fraction=0.06, persistence_decay=0.4)
    light = [star_field((64, 64), [(31.5, 31.5, 4e5)], 6.0), *[np.full((64, 64), 20.0)] * 5]
    latent, frames = np.zeros((64, 64)), []
    for number, rate in enumerate(light):
        signal = camera.expose(rate, 1.0, seed=number).truth.mean_photoelectrons
        released, latent = release_latent(latent, signal, camera.config)
        frames.append(camera.expose(rate, 1.0, extra_electrons=released, seed=number).data)
    return side_by_side(
        [logarithmic(frame, 395.0, 600.0).resize((128, 128), Image.Resampling.NEAREST) for frame in frames]
    )


def light_and_charge() -> Image.Image:
    """Light on the detector, and the mean charge that pixels of unequal response make of it."""
    light = star_field((120, 160), [(40.0, 80.0, 2e4), (110.3, 50.7, 4e4)], 12.0)
    frame = detector((120, 160), prnu=0.1).expose(light, 10.0, seed=1)
    return side_by_side(
        [linear(light, 0.0, 200.0, 2), linear(frame.truth.mean_photoelectrons, 0.0, 1700.0, 2)]
    )


def folded_light() -> Image.Image:
    """A hot and a cool star at three wavelengths, and the frame of a camera that sees blue light badly."""
    wavelengths = np.array([400.0, 550.0, 700.0])
    shape, places = (96, 96), ((30.0, 48.0), (66.0, 48.0))
    spectra = [SED.blackbody(kelvin) for kelvin in (20_000.0, 3500.0)]
    weights = np.array([spectrum(wavelengths) / spectrum(550.0) for spectrum in spectra])
    stars = [star_field(shape, [(x, y, 1e4)], 14.0) - 20.0 for x, y in places]
    cube = np.tensordot(weights.T, np.array(stars), 1)
    curve = QE.from_arrays(wavelengths, [0.2, 0.9, 0.8])
    frame = detector(shape, qe_curve=curve).expose_spectral(cube, wavelengths, 10.0, seed=1)
    charge = (frame.data - 400.0) / 10.0
    return side_by_side([*(linear(light, 0.0, 90.0, 2) for light in cube), linear(charge, 0.0, 150.0, 2)])


def darks() -> Image.Image:
    """One minute in the dark at -40, -20 and 0 degrees, with hot pixels and glow at the edges."""
    camera = detector(
        (120, 120),
        dark_current_nonuniformity=0.2,
        hot_pixel_fraction=0.005,
        detector_glow_e_per_s=0.5,
        detector_glow_edge_scale_px=10.0,
    )
    return side_by_side(
        [linear(camera.dark_frame(60.0, t, seed=1).data, 380.0, 700.0, 2) for t in (-40.0, -20.0, 0.0)]
    )


def extra_charge() -> Image.Image:
    """A frame, and the same frame with charge of an earlier one in its pixels."""
    camera, light = detector(), star_field((160, 160), [(40.0, 110.0, 1e5)], 4.0)
    ghost = 0.02 * star_field((160, 160), [(110.0, 60.0, 1e6)], 14.0)
    frames = (camera.expose(light, 1.0, extra_electrons=left, seed=1).data for left in (0.0, ghost))
    return side_by_side([linear(frame, 380.0, 520.0, 2) for frame in frames])


def shot_noise() -> Image.Image:
    """Variance of a count of electrons against its mean."""
    camera = detector((100, 100), read_noise_e=0.0, gain_e_per_adu=1.0, bias_offset_adu=0.0, bit_depth=24)
    plot = Plot((0.01, 1e5), (0.01, 1e5), ("mean [e-]", "variance [e-^2]"), logarithmic=True)
    means = np.geomspace(0.02, 8e4, 24)
    efficiency = camera.config.quantum_efficiency
    frames = [camera.expose(mean / efficiency, 1.0, -90.0, seed=n).data for n, mean in enumerate(means)]
    plot.line(means, means, 180)
    plot.points(np.array([frame.mean() for frame in frames]), np.array([frame.var() for frame in frames]))
    return plot.picture


def clock_charge() -> Image.Image:
    """Biases of an EMCCD without and with 0.02 electrons a pixel of clock-induced charge."""
    camera = Camera.from_preset("generic_emccd").with_config(resolution=(120, 160))
    frames = (camera.with_config(clock_induced_charge_e=c).bias_frame(seed=1).data for c in (0.0, 0.02))
    bias = camera.config.bias_offset_adu
    return side_by_side([linear(frame, bias - 30.0, bias + 150.0, 2) for frame in frames])


def filling_well() -> Image.Image:
    """Charge that is held against the charge that light frees, for wells of 20 000 and 50 000 electrons."""
    plot = Plot((0.0, 1e5), (0.0, 6e4), ("freed [e-]", "held [e-]"))
    freed = np.linspace(500.0, 1e5, 60)
    for well, shade in ((2e4, 130), (5e4, 40)):
        camera = detector((16, 16), full_well_e=well, bit_depth=20)
        config = camera.config
        frames = [camera.expose(e / config.quantum_efficiency, 1.0, -60.0, seed=1).data.mean() for e in freed]
        plot.points(freed, (np.array(frames) - config.bias_offset_adu) * config.gain_e_per_adu, shade)
    return plot.picture


def bent_response() -> Image.Image:
    """Response of a well of 100 000 electrons: a straight line, one coefficient, and three."""
    plot = Plot((0.0, 1e5), (0.0, 1e5), ("charge [e-]", "response [e-]"))
    charge = np.linspace(0.0, 1e5, 100)
    plot.line(charge, charge, 200)
    curves: tuple[tuple[dict[str, object], int], ...] = (
        ({"nonlinearity": 0.1}, 110),
        ({"nonlinearity_coeffs": (0.1, 0.0, -0.35)}, 30),
    )
    for figures, shade in curves:
        config = detector(full_well_e=1e5, **figures).config
        plot.line(charge, apply_nonlinearity(charge[None], config)[0], shade)
    return plot.picture


def reset_biases() -> Image.Image:
    """Biases without and with a reset noise of 20 electrons."""
    frames = (detector((120, 160), reset_noise_e=e).bias_frame(seed=1).data for e in (0.0, 20.0))
    return side_by_side([linear(frame, 360.0, 440.0, 2) for frame in frames])


def noisy_pixels() -> Image.Image:
    """Read noise of each pixel of an sCMOS: a core, and a tail of pixels with random telegraph noise."""
    camera = detector(
        (120, 320), read_noise_nonuniformity=0.25, read_noise_rts_fraction=0.02, read_noise_rts_factor=3.0
    )
    return linear(np.asarray(camera.fixed_patterns.read_noise_sigma), 1.0, 9.0, 2)


def amplifier_blocks() -> Image.Image:
    """A flat read through two by four amplifiers."""
    camera = detector(
        (120, 320), amplifier_layout=(2, 4), amp_gain_nonuniformity=0.03, amp_offset_spread_adu=20.0
    )
    return linear(camera.flat_frame(1000.0, 1.0, seed=1).data, 850.0, 1150.0, 2)


def steps() -> Image.Image:
    """Counts against charge at 10 electrons per count, and the end of the converter."""
    config = detector(
        (1, 601), gain_e_per_adu=10.0, bias_offset_adu=2.0, read_noise_e=0.0, bit_depth=6
    ).config
    charge = np.linspace(0.0, 750.0, 601)
    plot = Plot((0.0, 750.0), (0.0, 80.0), ("charge [e-]", "counts [ADU]"))
    plot.line(charge, charge / 10.0 + 2.0, 200)
    plot.line(charge, digitize(charge[None], config, 1)[0].astype(float))
    return plot.picture


def fixed_maps() -> Image.Image:
    """Pixel response, dark signal with hot pixels, read noise, glow."""
    maps = detector(
        (140, 140),
        prnu=0.02,
        dark_current_nonuniformity=0.2,
        hot_pixel_fraction=0.005,
        read_noise_nonuniformity=0.3,
        read_noise_rts_fraction=0.01,
        detector_glow_e_per_s=0.1,
        detector_glow_edge_scale_px=12.0,
    ).fixed_patterns
    ranges = ((0.94, 1.06), (0.3, 2.5), (1.0, 8.0), (0.0, 4.0))
    shown = (maps.prnu_multiplier, maps.dark_multiplier, maps.read_noise_sigma, maps.glow_shape)
    return side_by_side([linear(np.asarray(one), *span) for one, span in zip(shown, ranges, strict=True)])


PICTURES = {
    "gain.png": gain_histograms,
    "binning.png": binned_star,
    "cosmic_ray.png": cosmic_rays,
    "blooming.png": bloomed_stars,
    "cti.png": trails,
    "ipc.png": coupled_pixels,
    "defects.png": dead_pixels,
    "common_mode.png": drifting_frames,
    "channels.png": channel_noise,
    "bias_structure.png": biases,
    "avalanche_noise.png": avalanche_noise,
    "persistence.png": afterglow,
    "photo.png": light_and_charge,
    "fold.png": folded_light,
    "dark.png": darks,
    "extra.png": extra_charge,
    "shot.png": shot_noise,
    "clock_induced_charge.png": clock_charge,
    "full_well.png": filling_well,
    "nonlinearity.png": bent_response,
    "reset_noise.png": reset_biases,
    "read_noise.png": noisy_pixels,
    "amplifier.png": amplifier_blocks,
    "digitize.png": steps,
    "pattern.png": fixed_maps,
}
