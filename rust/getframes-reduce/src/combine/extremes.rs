//! Leaving out the lowest and the highest values of each pixel.

use super::{LANES, Lanes, Room, Working};

/// Leaves out the `low` lowest and the `high` highest values; all of them where no more are there. Of equal values the first frames go.
#[inline(always)]
pub fn reject<T: Working>(room: &mut Room<T>, counts: &mut Lanes<u32>, (low, high): (usize, usize)) {
    let Room { values, sorted, network } = room;
    sorted.copy_from_slice(values);
    network.sort(sorted);
    let most = sorted.len() - 1;
    let (mut least, mut greatest) = ([T::ZERO; LANES], [T::ZERO; LANES]);
    for lane in 0..LANES {
        let count = counts[lane] as usize;
        let none = low + high >= count;
        least[lane] = if none { T::LAST } else { sorted[low][lane] };
        greatest[lane] = if none { T::LAST } else { sorted[(count - 1 - high).min(most)][lane] };
        counts[lane] = if none { 0 } else { (count - low - high) as u32 };
    }
    // How many values equal to the limits are left out.
    let (mut below, mut above) = ([low as u32; LANES], [high as u32; LANES]);
    for row in values.iter() {
        for lane in 0..LANES {
            let kept = row[lane] < T::LAST;
            below[lane] = below[lane].wrapping_sub(u32::from(kept & (row[lane] < least[lane])));
            above[lane] = above[lane].wrapping_sub(u32::from(kept & (row[lane] > greatest[lane])));
        }
    }
    for row in values.iter_mut() {
        for lane in 0..LANES {
            let value = row[lane];
            let first = (value == least[lane]) & (below[lane] > 0);
            below[lane] = below[lane].wrapping_sub(u32::from(first));
            let second = !first & (value == greatest[lane]) & (above[lane] > 0);
            above[lane] = above[lane].wrapping_sub(u32::from(second));
            let out = first | second | (value < least[lane]) | (value > greatest[lane]);
            row[lane] = if out { T::LAST } else { value };
        }
    }
}
