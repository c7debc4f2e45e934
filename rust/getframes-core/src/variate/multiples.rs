//! Gamma variates of shapes that are whole multiples of one number: a gain stage that multiplies whole electrons.
//!
//! With a = n k, y(z) = (x / a)^(1/3) is close to a line (Wilson & Hilferty 1931, doi:10.1073/pnas.17.12.684). It is kept as polynomials of
//! degree 7 on pieces of 1/8 in z, through quantiles of [`gamma::quantile`] near the Chebyshev points; between them they agree with it to
//! 1e-12. A row, one n, is worked out when a pixel first asks for it. Shapes below 1, and those that have a fast method of their own, are left
//! to [`gamma::fill`].

use crate::Real;
use crate::variate::gamma::{self, Fitted};
use crate::variate::{self, BLOCK, TILE, normal};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

/// Where rows hold: |z| < 5. Beyond are 6e-7 of all words.
const Z_MAX: f64 = 5.0;
const PER_UNIT: f64 = 8.0;
const PIECES: usize = 80;
const NODES: usize = 8;
/// Whole charges up to this have rows.
const MOST: usize = 40;
/// Tables kept for the next frame.
const KEPT: usize = 16;

/// Words and their places in a piece.
type Places = [[(u32, f64); NODES]; PIECES];

type Row = Box<[[f64; NODES]; PIECES]>;

/// Quantiles of the shapes n k, for the n at which they are slow otherwise.
#[derive(Debug)]
pub struct Multiples {
    border: f64,
    shapes: [f64; MOST + 1],
    rows: [OnceLock<Row>; MOST + 1],
    first: usize,
    last: usize,
}

/// Lanes of a tile that were taken out of it.
pub struct Taken {
    lanes: [u16; TILE],
    rows: [u8; TILE],
    words: [u32; TILE],
    count: usize,
}

impl Multiples {
    /// The table of the shapes n k in a precision, made or found.
    pub fn of<T: Fitted>(k: f64) -> Arc<Self> {
        static TABLES: Mutex<Vec<Arc<Multiples>>> = Mutex::new(Vec::new());
        let shapes = std::array::from_fn(|n| (T::of(n as f64) * T::of(k)).wide());
        let border = if T::POLISH { gamma::LARGE } else { 3.0 };
        let mut tables = TABLES.lock().unwrap_or_else(PoisonError::into_inner);
        let same = |table: &&Arc<Self>| table.shapes == shapes && table.border == border;
        if let Some(found) = tables.iter().find(same) {
            return Arc::clone(found);
        }
        let slow = |n: &usize| k != k.floor() && (1.0..border).contains(&shapes[*n]);
        let first = (1..=MOST).find(slow).unwrap_or(MOST);
        let last = (1..=MOST).rev().find(slow).unwrap_or(0);
        let made = Arc::new(Self { border, shapes, rows: [const { OnceLock::new() }; MOST + 1], first, last });
        if tables.len() == KEPT {
            tables.remove(0);
        }
        tables.push(Arc::clone(&made));
        made
    }

    /// Takes the whole charges that have a row out of a tile, which has 0 there then.
    #[inline(always)]
    pub fn take<T: Real>(&self, charge: &mut [T], words: &[u32]) -> Taken {
        let mut taken = Taken { lanes: [0; TILE], rows: [0; TILE], words: [0; TILE], count: 0 };
        let (first, last) = (T::of(self.first as f64), T::of(self.last as f64));
        for (number, block) in charge.chunks_mut(BLOCK).enumerate() {
            let mut wanted = [0; BLOCK];
            for (flag, &charge) in wanted.iter_mut().zip(&*block) {
                *flag = u32::from((charge >= first) & (charge <= last) & (charge == charge.floor()));
            }
            for lane in variate::flagged(&wanted) {
                let (at, from) = (taken.count, number * BLOCK + lane);
                (taken.lanes[at], taken.rows[at], taken.words[at]) =
                    (from as u16, block[lane].to_int() as u8, words[from]);
                block[lane] = T::ZERO;
                taken.count += 1;
            }
        }
        taken
    }

    /// Puts the quantiles of the lanes that were taken into their places.
    #[inline(always)]
    pub fn place<T: Real>(&self, taken: &Taken, out: &mut [T]) {
        let (count, mut z) = (taken.count, [0.0; TILE]);
        normal::fill(&taken.words[..count], &mut z[..count]);
        for at in 0..count {
            let x = self.quantile(usize::from(taken.rows[at]), taken.words[at], z[at]);
            out[usize::from(taken.lanes[at])] = T::of(x);
        }
    }

    /// The quantile of row n at a word, whose normal quantile is z.
    #[inline(always)]
    fn quantile(&self, n: usize, word: u32, z: f64) -> f64 {
        let shape = self.shapes[n];
        if z.abs() >= Z_MAX {
            return gamma::quantile(shape, word);
        }
        let row = self.rows[n].get_or_init(|| pieces(shape));
        let at = (z + Z_MAX) * PER_UNIT;
        let piece = at.floor();
        let t = (at - piece).mul_add(2.0, -1.0);
        let c = &row[piece as usize];
        let mut y = c[NODES - 1];
        for power in (0..NODES - 1).rev() {
            y = y.mul_add(t, c[power]);
        }
        shape * (y * y * y)
    }
}

/// Words near the Chebyshev points of each piece, and where in it they lie, from -1 to 1.
fn nodes() -> &'static Places {
    static NODES_OF: OnceLock<Box<Places>> = OnceLock::new();
    // cos((2 j + 1) pi / 16)
    const POINTS: [f64; NODES / 2] =
        [0.980_785_280_403_230_4, 0.831_469_612_302_545_2, 0.555_570_233_019_602_2, 0.195_090_322_016_128_3];
    NODES_OF.get_or_init(|| {
        let mut all = Box::new([[(0, 0.0); NODES]; PIECES]);
        for (piece, nodes) in all.iter_mut().enumerate() {
            for (j, node) in nodes.iter_mut().enumerate() {
                let point = if j < NODES / 2 { -POINTS[j] } else { POINTS[NODES - 1 - j] };
                let middle = piece as f64 + 0.5;
                let word = word_at((middle + 0.5 * point) / PER_UNIT - Z_MAX);
                *node = (word, ((normal::of_word(word) + Z_MAX) * PER_UNIT - middle) * 2.0);
            }
        }
        all
    })
}

/// The first word whose normal quantile is at least z.
fn word_at(z: f64) -> u32 {
    let (mut below, mut above) = (0, u32::MAX);
    while below < above {
        let middle = below + (above - below) / 2;
        if normal::of_word(middle) < z {
            below = middle + 1;
        } else {
            above = middle;
        }
    }
    below
}

/// The polynomials of one shape, lowest power first.
fn pieces(shape: f64) -> Row {
    let mut row = Box::new([[0.0; NODES]; PIECES]);
    for (coefficients, nodes) in row.iter_mut().zip(nodes()) {
        let mut divided =
            nodes.map(|(word, _)| ((gamma::quantile(shape, word) / shape).logarithm() * (1.0 / 3.0)).exponential());
        for order in 1..NODES {
            for j in (order..NODES).rev() {
                divided[j] = (divided[j] - divided[j - 1]) / (nodes[j].1 - nodes[j - order].1);
            }
        }
        for j in (0..NODES).rev() {
            // c <- c (t - t_j) + d_j
            for power in (1..NODES).rev() {
                coefficients[power] = coefficients[power - 1] - coefficients[power] * nodes[j].1;
            }
            coefficients[0] = divided[j] - coefficients[0] * nodes[j].1;
        }
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::variate::normal::of_word;

    #[test]
    fn rows_meet_the_scalar_quantile() {
        for k in [0.43, 1.0 / (1.2124f64 * 1.2124 - 1.0), 2.2727, 23.1] {
            let table = Multiples::of::<f64>(k);
            for n in table.first..=table.last {
                let shape = n as f64 * k;
                assert!((1.0..24.0).contains(&shape));
                for step in 0..97 {
                    let word = (step * 44_738_923u64 + 77 * step * step) as u32;
                    let (got, want) = (table.quantile(n, word, of_word(word)), gamma::quantile(shape, word));
                    assert!((got / want - 1.0).abs() < 2e-12, "{shape} {word}: {got} for {want}");
                }
            }
        }
    }

    #[test]
    fn the_tails_are_those_of_the_scalar_quantile() {
        let table = Multiples::of::<f64>(2.13);
        for word in [0, 1, 7, 600, 1231, 1300, 5000, 100_000, u32::MAX - 5000, u32::MAX - 1231, u32::MAX] {
            let (got, want) = (table.quantile(1, word, of_word(word)), gamma::quantile(2.13, word));
            assert!((got / want - 1.0).abs() < 1e-11, "{word}: {got} for {want}");
        }
    }

    #[test]
    fn what_is_taken_comes_back_in_its_place() {
        let table = Multiples::of::<f32>(2.13);
        assert_eq!((table.first, table.last), (1, 1));
        let charge: Vec<f32> =
            (0..TILE as u16 - 3).map(|lane| [0.0, 1.0, 2.0, 1.5, f32::NAN, 1e30][usize::from(lane % 6)]).collect();
        let words: Vec<u32> = (0..charge.len() as u32).map(|lane| lane.wrapping_mul(0x9e37_79b9)).collect();
        let (mut left, mut out) = (charge.clone(), vec![-1.0; charge.len()]);
        table.place(&table.take(&mut left, &words), &mut out);
        for lane in 0..charge.len() {
            let hit = charge[lane] == 1.0;
            let want = if hit { gamma::quantile(f64::from(2.13f32), words[lane]) as f32 } else { -1.0 };
            assert!((out[lane] - want).abs() <= 1e-6 * want.abs());
            assert!(if hit { left[lane] == 0.0 } else { left[lane].to_bits() == charge[lane].to_bits() });
        }
    }

    #[test]
    fn tables_are_found_again_and_whole_shapes_need_none() {
        let table = Multiples::of::<f32>(2.13);
        assert!(Arc::ptr_eq(&table, &Multiples::of::<f32>(2.13)));
        assert!(!Arc::ptr_eq(&table, &Multiples::of::<f64>(2.13)));
        // 2.5 is the same number in both precisions.
        assert!(!Arc::ptr_eq(&Multiples::of::<f32>(2.5), &Multiples::of::<f64>(2.5)));
        assert!(Multiples::of::<f64>(3.0).last < Multiples::of::<f64>(3.0).first);
    }
}
