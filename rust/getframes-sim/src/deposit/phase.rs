//! A PSF of any shape, integrated over pixels: for each pixel of its patch a polynomial in the sub-pixel phase of the star.
//!
//! | symbol | name        | unit                                                              |
//! |--------|-------------|-------------------------------------------------------------------|
//! | f      | [`Density`] | 1/pixel², unit total                                              |
//! | p, q   | phase       | pixel: the star minus the centre of its pixel, in \[-1/2, 1/2)    |
//!
//! Law: E(i - p, j - q) = ∫∫ f(i - p + a, j - q + b) da db over the pixel, as Σ c\[i, j, m, n\] T_m(s) T_n(t) with s, t the phases
//! scaled to \[-1, 1\], on one cell of phases or, for a PSF narrower than a pixel, on several.
//!
//! f is interpolated at Chebyshev nodes on the square that the pixel sweeps, and the polynomial integrated exactly. Terms of high
//! degree are dropped where they fall below [`TOLERANCE`] of the peak plus [`LOCAL_TOLERANCE`] of the pixel. That is coarser than single
//! precision, so E is computed in f32 for images of either precision: a product of matrices, phases times coefficients,
//! of a few stars at a time so that the coefficients are read once for all of them. Terms that are even and odd in t are summed apart: where f
//! is symmetric and there is one cell, sum and difference are the values of a row and of its mirror image.

use super::{LANES, Profile, Stars, Tile, pixel_of};
use getframes_core::profile::cosine_of_half_turns;
use getframes_core::real::Real;
use getframes_core::simd::{self, Level};

/// Error of any pixel, as a fraction of the peak pixel.
pub const TOLERANCE: f64 = 5e-7;

/// Further error of a bright pixel, as a fraction of its own light.
pub const LOCAL_TOLERANCE: f64 = 2e-4;

/// That further error at most, as a fraction of the peak pixel.
pub const CORE_TOLERANCE: f64 = 2e-5;

/// Stars whose sums stand side by side; one pass over the coefficients serves one such group, or two where there are
/// registers for it.
const TOGETHER: usize = 4;

/// Values of E that are prepared at a time, as far as two groups of stars need no more.
const BATCH: usize = 1 << 14;

/// Highest total degree in the two phases.
const HIGHEST: usize = 12;

/// Terms up to that degree.
const MOST_TERMS: usize = (HIGHEST + 1) * (HIGHEST + 2) / 2;

/// A PSF as a density of light, centred on the origin.
pub trait Density: Sync {
    /// f at a point [1/pixel²].
    fn at(&self, u: f64, v: f64) -> f64;
    /// The length over which f changes by much, at its sharpest [pixel].
    fn scale(&self) -> f64;
    /// Degree that resolves f to 1e-7 of its peak on a square of half width `half` about a point.
    fn degree(&self, half: f64, u: f64, v: f64) -> usize;
    /// Whether f(u, -v) = f(u, v).
    fn is_mirrored(&self) -> bool {
        false
    }
    /// Whether light is drawn in the pixel at an offset from the star's own.
    fn covers(&self, column: i64, row: i64) -> bool;
    /// Farthest column and row that are covered.
    fn reach(&self) -> (usize, usize);
}

/// The degree for a density whose nearest complex singularity is `distance` away.
pub(crate) fn degree_of_singularity(half: f64, distance: f64) -> usize {
    let ratio = distance / half;
    let ellipse = ratio + (1.0 + ratio * ratio).sqrt();
    (16.2 / Real::logarithm(ellipse)).ceil() as usize
}

/// Sixteen neighbouring pixels of a row: their first column, and their coefficients, [`LANES`] a term from `first`: those of the terms that
/// are even in t, then the odd ones.
#[derive(Clone, Copy, Debug)]
struct Block {
    column: i64,
    first: usize,
    even: usize,
    odd: usize,
}

/// The polynomials of one cell of phases.
#[derive(Clone, Debug)]
struct Cell {
    /// Blocks of row `r` of the patch: `rows[r]..rows[r + 1]`.
    rows: Vec<usize>,
    blocks: Vec<Block>,
    coefficients: Vec<f32>,
    /// For each block with coefficients of its own, its number and that of its mirror image (its own where there is none).
    computed: Vec<(usize, usize)>,
    /// Highest total degree that a block needs.
    degree: usize,
}

/// The polynomials of a PSF.
#[derive(Clone, Debug)]
pub struct Phase {
    /// Cells along each axis.
    divisions: usize,
    reach: (usize, usize),
    /// Blocks of the cell that has most.
    blocks: usize,
    cells: Vec<Cell>,
}

/// A star in terms of its pixel: cell, and phase in that cell scaled to \[-1, 1\].
#[derive(Clone, Copy)]
struct Place {
    cell: usize,
    phase: (f64, f64),
}

/// The products of Chebyshev polynomials of a group of stars, side by side: those even in t, those odd in t, each by rising degree.
type Terms = [[[f32; TOGETHER]; MOST_TERMS]; 2];

/// E of sixteen pixels for a group of stars.
type Sums = [[f32; LANES]; TOGETHER];

impl Phase {
    /// The polynomials of a density.
    pub fn new(density: &impl Density) -> Self {
        let divisions = (0.95 / density.scale()).ceil().clamp(1.0, 8.0) as usize;
        let mut squares = Squares::new(divisions);
        let middle = divisions / 2;
        let peak = squares.coefficients(density, (middle, middle), (0, 0))[0];
        let numbers = 0..divisions * divisions;
        let cells: Vec<Cell> =
            numbers.map(|number| squares.cell(density, (number % divisions, number / divisions), peak)).collect();
        let blocks = cells.iter().map(|cell| cell.blocks.len()).max().unwrap_or(0);
        Self { divisions, reach: density.reach(), blocks, cells }
    }

    /// Fraction of the light that is drawn of a star centred on a pixel.
    pub fn drawn(&self) -> f64 {
        let place = self.locate(0.0, 0.0);
        let cell = &self.cells[place.cell];
        let mut stamp = vec![[0.0; LANES]; self.blocks.max(1)];
        self.fill(&[place], &mut stamp);
        stamp[..cell.blocks.len()].as_flattened().iter().copied().map(f64::from).sum()
    }

    #[inline(always)]
    fn locate(&self, p: f64, q: f64) -> Place {
        let ((column, s), (row, t)) = (self.locate_along(p), self.locate_along(q));
        Place { cell: row * self.divisions + column, phase: (s, t) }
    }

    #[inline(always)]
    fn locate_along(&self, phase: f64) -> (usize, f64) {
        let position = (phase + 0.5) * self.divisions as f64;
        let number = (position as usize).min(self.divisions - 1);
        (number, 2.0 * (position - number as f64) - 1.0)
    }

    /// E of the patches of some stars: `stamps[star][block][lane]`, with room for [`Phase::blocks`] blocks a star.
    #[inline(always)]
    fn fill(&self, places: &[Place], stamps: &mut [[f32; LANES]]) {
        let groups = if simd::level() >= Level::Avx512 { 2 } else { 1 };
        let mut order: Vec<usize> = (0..places.len()).collect();
        order.sort_by_key(|&star| places[star].cell);
        for same_cell in order.chunk_by(|&a, &b| places[a].cell == places[b].cell) {
            let cell = &self.cells[places[same_cell[0]].cell];
            for group in same_cell.chunks(groups * TOGETHER) {
                let mut terms = [[[[0.0; TOGETHER]; MOST_TERMS]; 2]; 2];
                for (member, &star) in group.iter().enumerate() {
                    let terms = &mut terms[member / TOGETHER];
                    products(places[star].phase, cell.degree, member % TOGETHER, terms);
                }
                for &(number, mirrored) in &cell.computed {
                    let block = cell.blocks[number];
                    let (even, odd) = if group.len() > TOGETHER {
                        cell.sums_of_two(block, &terms)
                    } else {
                        cell.sums(block, &terms[0])
                    };
                    for (member, &star) in group.iter().enumerate() {
                        let (even, odd) = (&even.as_flattened()[member], &odd.as_flattened()[member]);
                        let stamp = &mut stamps[star * self.blocks..];
                        for lane in 0..LANES {
                            stamp[number][lane] = (even[lane] + odd[lane]).most(0.0);
                        }
                        if mirrored != number {
                            for lane in 0..LANES {
                                stamp[mirrored][lane] = (even[lane] - odd[lane]).most(0.0);
                            }
                        }
                    }
                }
            }
        }
    }
}

impl<T: Real> Profile<T> for Phase {
    fn reach(&self) -> (usize, usize) {
        self.reach
    }

    #[inline(always)]
    fn draw(&self, stars: Stars<'_>, order: &[u32], mut tile: Tile<'_, T>) {
        let size = self.blocks.max(1);
        let at_once = (BATCH / (size * LANES)).max(2 * TOGETHER).min(order.len());
        let mut stamps = vec![[0.0; LANES]; at_once * size];
        let mut places = Vec::with_capacity(at_once);
        for group in order.chunks(at_once) {
            places.clear();
            places.extend(group.iter().map(|&star| {
                let (x, y) = (stars.x[star as usize], stars.y[star as usize]);
                self.locate(x - pixel_of(x) as f64, y - pixel_of(y) as f64)
            }));
            self.fill(&places, &mut stamps);
            for ((&star, place), stamp) in group.iter().zip(&places).zip(stamps.chunks_exact(size)) {
                let star = star as usize;
                let corner = (pixel_of(stars.x[star]), pixel_of(stars.y[star]) - self.reach.1 as i64);
                self.add(&mut tile, corner, &self.cells[place.cell], stamp, T::of(stars.flux[star]));
            }
        }
    }
}

impl Phase {
    /// Adds the patch of one star, whose column and first row are given.
    #[inline(always)]
    fn add<T: Real>(
        &self,
        tile: &mut Tile<'_, T>,
        (column, top): (i64, i64),
        cell: &Cell,
        stamp: &[[f32; LANES]],
        flux: T,
    ) {
        let (here, skipped) = tile.rows(top, 2 * self.reach.1 + 1);
        for (row, patch_row) in here.zip(skipped..) {
            let numbers = cell.rows[patch_row]..cell.rows[patch_row + 1];
            for (block, values) in cell.blocks[numbers.clone()].iter().zip(&stamp[numbers]) {
                tile.add(row, column + block.column, values, flux);
            }
        }
    }
}

impl Cell {
    /// The even and the odd part of E in the pixels of a block, for a group of stars.
    #[inline(always)]
    fn sums(&self, block: Block, [even, odd]: &Terms) -> ([Sums; 2], [Sums; 2]) {
        let nothing = [[0.0; LANES]; TOGETHER];
        let (mut sums, mut odd_sums) = (nothing, nothing);
        let (even_terms, odd_terms) = self.terms_of(block);
        for (coefficients, terms) in even_terms.zip(even) {
            accumulate(&mut sums, coefficients, terms);
        }
        for (coefficients, terms) in odd_terms.zip(odd) {
            accumulate(&mut odd_sums, coefficients, terms);
        }
        ([sums, nothing], [odd_sums, nothing])
    }

    /// The same for two groups: enough independent sums to hide the latency of a multiply-add.
    #[inline(always)]
    fn sums_of_two(&self, block: Block, [first, second]: &[Terms; 2]) -> ([Sums; 2], [Sums; 2]) {
        let nothing = [[0.0; LANES]; TOGETHER];
        let (mut a, mut b, mut odd_a, mut odd_b) = (nothing, nothing, nothing, nothing);
        let (even_terms, odd_terms) = self.terms_of(block);
        for ((coefficients, first), second) in even_terms.zip(&first[0]).zip(&second[0]) {
            accumulate(&mut a, coefficients, first);
            accumulate(&mut b, coefficients, second);
        }
        for ((coefficients, first), second) in odd_terms.zip(&first[1]).zip(&second[1]) {
            accumulate(&mut odd_a, coefficients, first);
            accumulate(&mut odd_b, coefficients, second);
        }
        ([a, b], [odd_a, odd_b])
    }

    #[inline(always)]
    fn terms_of(&self, block: Block) -> (impl Iterator<Item = &[f32]>, impl Iterator<Item = &[f32]>) {
        let all = &self.coefficients[block.first..][..(block.even + block.odd) * LANES];
        let (even, odd) = all.split_at(block.even * LANES);
        (even.chunks_exact(LANES), odd.chunks_exact(LANES))
    }
}

#[inline(always)]
fn accumulate(sums: &mut Sums, coefficients: &[f32], terms: &[f32; TOGETHER]) {
    for (sum, &term) in sums.iter_mut().zip(terms) {
        for lane in 0..LANES {
            sum[lane] = coefficients[lane].mul_add(term, sum[lane]);
        }
    }
}

/// T_m(s) T_n(t) for all m + n up to `degree`, by rising degree, for one member of a group.
#[inline(always)]
fn products((s, t): (f64, f64), degree: usize, member: usize, terms: &mut Terms) {
    let (s, t) = (chebyshev(s as f32), chebyshev(t as f32));
    let mut made = [0; 2];
    for degree in 0..=degree.min(HIGHEST) {
        for n in 0..=degree {
            terms[n % 2][made[n % 2]][member] = s[degree - n] * t[n];
            made[n % 2] += 1;
        }
    }
}

/// Whether each of the first `count` terms, by rising degree, is odd in t.
fn parities(count: usize) -> impl Iterator<Item = bool> {
    (0..=HIGHEST).flat_map(|degree| (0..=degree).map(|n| n % 2 == 1)).take(count)
}

#[inline(always)]
fn chebyshev(x: f32) -> [f32; HIGHEST + 1] {
    let mut values = [1.0; HIGHEST + 1];
    values[1] = x;
    for degree in 2..=HIGHEST {
        values[degree] = (x + x).mul_add(values[degree - 1], -values[degree - 2]);
    }
    values
}

/// Interpolation and integration of a density on the square that a pixel sweeps while the phase runs through a cell.
struct Squares {
    divisions: usize,
    rules: Vec<Option<Rule>>,
}

impl Squares {
    fn new(divisions: usize) -> Self {
        Self { divisions, rules: Vec::new() }
    }

    /// The polynomials of all pixels of a cell.
    fn cell(&mut self, density: &impl Density, cell: (usize, usize), peak: f64) -> Cell {
        let (reach_x, reach_y) = (density.reach().0 as i64, density.reach().1 as i64);
        let mut made =
            Cell { rows: vec![0], blocks: Vec::new(), coefficients: Vec::new(), computed: Vec::new(), degree: 0 };
        let mirrored = self.divisions == 1 && density.is_mirrored();
        for row in -reach_y..=reach_y {
            if mirrored && row > 0 {
                made.mirror((reach_y - row) as usize);
                continue;
            }
            let covered = |column: &i64| density.covers(*column, row);
            let first = (-reach_x..=reach_x).find(covered);
            let last = (-reach_x..=reach_x).rfind(covered);
            if let (Some(first), Some(last)) = (first, last) {
                for column in (first..=last).step_by(LANES) {
                    let pixels: Vec<_> = (column..(column + LANES as i64).min(last + 1))
                        .map(|column| self.coefficients(density, cell, (column, row)))
                        .collect();
                    made.push(column, &pixels, peak);
                }
            }
            made.rows.push(made.blocks.len());
        }
        made
    }

    /// Coefficients of the terms of one pixel, by rising degree.
    fn coefficients(&mut self, density: &impl Density, cell: (usize, usize), pixel: (i64, i64)) -> [f64; MOST_TERMS] {
        let width = 1.0 / self.divisions as f64;
        let middle = |cell: usize| (cell as f64 + 0.5) * width - 0.5;
        let (u, v) = (pixel.0 as f64 - middle(cell.0), pixel.1 as f64 - middle(cell.1));
        let half = 0.5 + width / 2.0;
        let degree = density.degree(half, u, v).clamp(4, 80);
        if self.rules.len() <= degree {
            self.rules.resize_with(degree + 1, || None);
        }
        let rule = self.rules[degree].get_or_insert_with(|| Rule::new(degree, width));
        rule.apply(|a, b| density.at(u + a * half, v + b * half))
    }
}

impl Cell {
    fn push(&mut self, column: i64, pixels: &[[f64; MOST_TERMS]], peak: f64) {
        let terms = pixels.iter().map(|pixel| significant(pixel, peak)).max().unwrap_or(0);
        if terms == 0 {
            return;
        }
        while terms > (self.degree + 1) * (self.degree + 2) / 2 {
            self.degree += 1;
        }
        let odd = parities(terms).filter(|&odd| odd).count();
        self.computed.push((self.blocks.len(), self.blocks.len()));
        self.blocks.push(Block { column, first: self.coefficients.len(), even: terms - odd, odd });
        for parity in [false, true] {
            for (term, _) in parities(terms).enumerate().filter(|&(_, odd)| odd == parity) {
                for lane in 0..LANES {
                    self.coefficients.push(pixels.get(lane).map_or(0.0, |pixel| pixel[term] as f32));
                }
            }
        }
    }

    /// Adds the mirror image of a row that is there.
    fn mirror(&mut self, row: usize) {
        for number in self.rows[row]..self.rows[row + 1] {
            self.computed[number].1 = self.blocks.len();
            self.blocks.push(self.blocks[number]);
        }
        self.rows.push(self.blocks.len());
    }
}

/// How many terms a pixel needs.
fn significant(pixel: &[f64; MOST_TERMS], peak: f64) -> usize {
    let tolerance = TOLERANCE * peak + (LOCAL_TOLERANCE * pixel[0].abs()).min(CORE_TOLERANCE * peak);
    let mut dropped = 0.0;
    for terms in (0..MOST_TERMS).rev() {
        dropped += pixel[terms].abs();
        if dropped > tolerance {
            return terms + 1;
        }
    }
    0
}

/// From values at Chebyshev nodes on a square to the coefficients of their window integral.
struct Rule {
    nodes: Vec<f64>,
    /// `matrix[m * nodes + k]`: coefficient of T_m for a unit value at node k, along one axis.
    matrix: Vec<f64>,
}

impl Rule {
    /// The rule of a degree, for cells of `width` phases.
    fn new(degree: usize, width: f64) -> Self {
        let count = degree + 1;
        let nodes: Vec<f64> = (0..count).map(|k| cosine_of_half_turns((k as f64 + 0.5) / count as f64)).collect();
        let half = 0.5 + width / 2.0;
        // Window integrals of T_j at the nodes of the phase.
        let mut windows = vec![0.0; count * count];
        for (node, &s) in nodes.iter().enumerate() {
            let centre = -s * width / 2.0;
            let (low, high) = ((centre - 0.5) / half, (centre + 0.5) / half);
            for j in 0..count {
                windows[node * count + j] = half * (antiderivative(j, high) - antiderivative(j, low));
            }
        }
        let weight = |m: usize| if m == 0 { 1.0 } else { 2.0 } / count as f64;
        let mut matrix = vec![0.0; count.min(HIGHEST + 1) * count];
        for (m, row) in matrix.chunks_exact_mut(count).enumerate() {
            for j in 0..count {
                // Coefficient of T_m of the window integral of T_j.
                let coefficient: f64 =
                    (0..count).map(|node| weight(m) * chebyshev_at(m, nodes[node]) * windows[node * count + j]).sum();
                for (value, &node) in row.iter_mut().zip(&nodes) {
                    *value += coefficient * weight(j) * chebyshev_at(j, node);
                }
            }
        }
        Self { nodes, matrix }
    }

    fn apply(&self, density: impl Fn(f64, f64) -> f64) -> [f64; MOST_TERMS] {
        let count = self.nodes.len();
        let kept = self.matrix.len() / count;
        // Along the columns first: `half_done[m][l]`.
        let mut half_done = vec![0.0; kept * count];
        for (l, &b) in self.nodes.iter().enumerate() {
            for (k, &a) in self.nodes.iter().enumerate() {
                let value = density(a, b);
                for m in 0..kept {
                    half_done[m * count + l] += self.matrix[m * count + k] * value;
                }
            }
        }
        let mut terms = [0.0; MOST_TERMS];
        let mut term = 0;
        for degree in 0..=HIGHEST {
            for n in 0..=degree {
                let m = degree - n;
                if m < kept && n < kept {
                    let pairs = self.matrix[n * count..][..count].iter().zip(&half_done[m * count..][..count]);
                    terms[term] = pairs.map(|(a, b)| a * b).sum();
                }
                term += 1;
            }
        }
        terms
    }
}

/// T_j(x), by recurrence.
fn chebyshev_at(j: usize, x: f64) -> f64 {
    let (mut before, mut now) = (x, 1.0);
    for _ in 0..j {
        (before, now) = (now, 2.0 * x * now - before);
    }
    now
}

/// An antiderivative of T_j.
fn antiderivative(j: usize, x: f64) -> f64 {
    match j {
        0 => x,
        1 => x * x / 2.0,
        _ => (chebyshev_at(j + 1, x) / (j as f64 + 1.0) - chebyshev_at(j - 1, x) / (j as f64 - 1.0)) / 2.0,
    }
}
