//! What a likelihood is made of, and its rules.

use super::{at, finite};
use crate::gaussian::{Component, PIXELS, SIDE, Tile};
use crate::mixture::{GALAXY, STAR, View};
use getframes_core::Error;

/// Tiles of a block.
const BLOCK: usize = 32;

/// What a source is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A point.
    Star,
    /// A Sersic profile.
    Galaxy,
}

impl Kind {
    /// Count of the numbers that place and shape it.
    pub fn parameters(self) -> usize {
        match self {
            Self::Star => STAR,
            Self::Galaxy => GALAXY,
        }
    }
}

/// One image.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Exposure {
    /// Number of its band.
    pub band: usize,
    /// Counts per unit of flux.
    pub flux_scale: f64,
    /// Coefficients of its background: 0, 1 (constant) or 3 (plane).
    pub background: usize,
}

/// Tiles of exposures, and the sources that they see. Lists by exposure and source are in row-major order.
#[derive(Clone, Debug)]
pub struct Scene {
    /// Column and row of the first pixel of each tile.
    pub tiles: Vec<[i32; 2]>,
    /// Exposure of each tile.
    pub tile_exposures: Vec<usize>,
    /// Pixels of the tiles [counts]; need not be finite where masked.
    pub data: Vec<f64>,
    /// Inverse variance [1 / counts²], 0 where masked.
    pub weight: Vec<f64>,
    /// The exposures.
    pub exposures: Vec<Exposure>,
    /// Count of bands.
    pub bands: usize,
    /// The sources.
    pub kinds: Vec<Kind>,
    /// By exposure and source.
    pub views: Vec<View>,
    /// Number of the PSF, by exposure and source.
    pub psf_of: Vec<usize>,
    /// The PSFs, each a mixture with covariances that are positive definite.
    pub psfs: Vec<Vec<Component>>,
}

/// Tiles of one exposure that are summed one after the other.
#[derive(Clone, Debug)]
pub struct Block {
    pub exposure: usize,
    pub tiles: Vec<usize>,
}

impl Scene {
    /// How an exposure sees a source.
    pub fn seen(&self, exposure: usize, source: usize) -> (View, &[Component]) {
        let index = exposure * self.kinds.len() + source;
        (self.views[index], &self.psfs[self.psf_of[index]])
    }

    /// Where a tile lies.
    pub fn place(&self, tile: usize) -> Tile {
        let [x, y] = self.tiles[tile].map(f64::from);
        Tile { x, y }
    }

    pub(super) fn blocks(&self) -> Vec<Block> {
        let mut tiles = vec![Vec::new(); self.exposures.len()];
        for (tile, &exposure) in self.tile_exposures.iter().enumerate() {
            tiles[exposure].push(tile);
        }
        let tiles = tiles.iter().enumerate();
        tiles
            .flat_map(|(exposure, tiles)| {
                tiles.chunks(BLOCK).map(move |tiles| Block { exposure, tiles: tiles.to_vec() })
            })
            .collect()
    }

    /// Mean of the pixels of each exposure; the origin where there are none.
    pub(super) fn centers(&self) -> Vec<[f64; 2]> {
        let mut sums = vec![([0.0; 2], 0.0); self.exposures.len()];
        for (tile, &exposure) in self.tile_exposures.iter().enumerate() {
            let (sum, count) = &mut sums[exposure];
            let [x, y] = self.tiles[tile].map(|first| f64::from(first) + (SIDE - 1) as f64 / 2.0);
            *sum = [sum[0] + x, sum[1] + y];
            *count += 1.0;
        }
        sums.into_iter().map(|(sum, count): ([f64; 2], f64)| sum.map(|sum| sum / count.max(1.0))).collect()
    }

    /// Data that count for nothing are zero.
    pub(super) fn clear_masked(&mut self) {
        for (data, &weight) in self.data.iter_mut().zip(&self.weight) {
            if weight == 0.0 {
                *data = 0.0;
            }
        }
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let (tiles, exposures, sources) = (self.tiles.len(), self.exposures.len(), self.kinds.len());
        let lengths = [
            ("tile_exposure", self.tile_exposures.len(), tiles),
            ("data", self.data.len(), tiles * PIXELS),
            ("weight", self.weight.len(), tiles * PIXELS),
            ("position", self.views.len(), exposures * sources),
            ("psf_of", self.psf_of.len(), exposures * sources),
        ];
        for (name, got, expected) in lengths {
            Error::same_shape(name, &[got], &[expected])?;
        }
        finite("weight", &self.weight)?;
        for (index, (&data, &weight)) in self.data.iter().zip(&self.weight).enumerate() {
            let place = || format!(" at tile {}, pixel {}", index / PIXELS, index % PIXELS);
            at(weight >= 0.0, "weight", ">= 0 (inverse variance)", weight, place)?;
            at(weight == 0.0 || data.is_finite(), "data", "finite where the weight is not 0", data, place)?;
        }
        for (tile, &exposure) in self.tile_exposures.iter().enumerate() {
            let place = || format!(" at tile {tile}");
            at(exposure < exposures, "tile_exposure", "the number of an exposure", exposure as f64, place)?;
        }
        for (number, exposure) in self.exposures.iter().enumerate() {
            let place = || format!(" for exposure {number}");
            let Exposure { band, flux_scale, background } = *exposure;
            at(band < self.bands, "band", "the number of a band", band as f64, place)?;
            at(flux_scale.is_finite() && flux_scale > 0.0, "flux_scale", "> 0 counts per flux", flux_scale, place)?;
            at(matches!(background, 0 | 1 | 3), "background", "0, 1 or 3 coefficients", background as f64, place)?;
        }
        for (index, (view, &psf)) in self.views.iter().zip(&self.psf_of).enumerate() {
            let place = || format!(" for exposure {}, source {}", index / sources, index % sources);
            let [[a, b], [c, d]] = view.jacobian;
            at(view.is_regular(), "jacobian", "finite with a determinant, at a finite position", a * d - b * c, place)?;
            at(psf < self.psfs.len(), "psf_of", "the number of a PSF", psf as f64, place)?;
        }
        for (number, psf) in self.psfs.iter().enumerate() {
            let place = || format!(" for PSF {number}");
            at(!psf.is_empty(), "psf", "a mixture of at least one Gaussian", 0.0, place)?;
            for component in psf {
                component.check().map_err(|error| error.at(place))?;
            }
        }
        Ok(())
    }
}
