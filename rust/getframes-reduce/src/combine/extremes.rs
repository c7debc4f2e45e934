//! Leaving out the lowest and the highest values of each pixel.

use super::rank::Window;
use super::{LANES, Lanes, Room, Working};

/// Leaves the `low` lowest and the `high` highest out of a window; all of them where no more are there.
#[inline(always)]
pub fn narrow(window: &mut Window, (low, high): (usize, usize)) {
    let counts = window.counts();
    for lane in 0..LANES {
        let none = low + high >= counts[lane] as usize;
        window.low[lane] += if none { 0 } else { low as u32 };
        window.high[lane] = if none { window.low[lane] } else { window.high[lane] - high as u32 };
    }
}

/// Leaves those of the values out whose rank is not in the window of the sorted ones, of which `counts` are there. A window that was not narrowed to
/// distances alone may end among `equals`, of which the first frames go.
#[inline(always)]
pub fn reject<T: Working>(room: &mut Room<T>, counts: &Lanes<u32>, window: &Window, equals: bool) {
    if window.counts() == *counts {
        return;
    }
    let Room { values, sorted, .. } = room;
    let (mut least, mut greatest) = ([T::LAST; LANES], [T::LAST; LANES]);
    // How many values equal to the limits are left out.
    let (mut below, mut above) = ([0; LANES], [0; LANES]);
    for lane in 0..LANES {
        let (low, high, count) = (window.low[lane] as usize, window.high[lane] as usize, counts[lane] as usize);
        if low < high {
            (least[lane], greatest[lane]) = (sorted[low][lane], sorted[high - 1][lane]);
        }
        if equals && low < high {
            below[lane] = sorted[..low].iter().rev().take_while(|row| row[lane] == least[lane]).count() as u32;
            above[lane] = sorted[high..count].iter().take_while(|row| row[lane] == greatest[lane]).count() as u32;
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
