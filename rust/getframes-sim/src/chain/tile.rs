//! What a stage sees: some consecutive pixels, the room to work on them, and the check of what comes in.

use getframes_core::Real;
use getframes_core::stream::Stream;
use getframes_core::variate::TILE;

/// Charge that pixels hold from one run to the next, one image a slot ([`Accumulate`]); empty where nothing is held.
pub type Held<'a, T> = [&'a mut [T]; 2];

/// The charge of the next `count` pixels; what comes after them stays.
#[inline(always)]
pub(super) fn cut<'a, T>(held: &mut Held<'a, T>, count: usize) -> Held<'a, T> {
    let [one, two] = held;
    [one, two].map(|rest| {
        let whole = std::mem::take(rest);
        let (now, later) = whole.split_at_mut(count.min(whole.len()));
        *rest = later;
        now
    })
}

/// A value that broke the rule of an input.
#[derive(Clone, Copy, Debug)]
pub struct Bad {
    pub(super) name: &'static str,
    pub(super) value: f64,
    pub(super) index: usize,
}

/// Some consecutive pixels of one row, and the buffers they need.
pub struct Tile<'a, T> {
    /// Their first pixel in the frame.
    pub out: usize,
    /// Their first pixel on the sensor.
    pub sensor: usize,
    /// The address of that pixel in the random contract.
    pub address: u64,
    /// Charge, or whatever the stages before made.
    pub value: &'a mut [T],
    /// Room for the values of a stage that cannot work in place; such a stage swaps the two.
    pub spare: &'a mut [T],
    /// More room for a map or for draws.
    pub scratch: &'a mut [T],
    /// What these pixels hold from one run to the next, by slot.
    pub held: Held<'a, T>,
    /// Room for words.
    pub words: &'a mut [u32; TILE],
    /// The first value that broke a rule.
    pub bad: Option<Bad>,
}

impl<T: Real> Tile<'_, T> {
    /// Fills the words of these pixels.
    #[inline(always)]
    pub fn draw(&mut self, stream: &Stream) {
        stream.fill_inline(self.address, &mut self.words[..self.value.len()]);
    }
}

/// Notes the first value that is negative, infinite or not a number; gives the largest.
#[inline(always)]
pub fn check<T: Real>(name: &'static str, values: &[T], out: usize, bad: &mut Option<Bad>) -> T::Order {
    let (mut least, mut most) = (T::ZERO.order(), T::ZERO.order());
    for value in values {
        least = least.min(value.order());
        most = most.max(value.order());
    }
    if least < T::ZERO.order() || most >= T::of(f64::INFINITY).order() {
        note(name, values, out, bad);
    }
    most
}

#[cold]
#[inline(never)]
fn note<T: Real>(name: &'static str, values: &[T], out: usize, bad: &mut Option<Bad>) {
    // A negative zero sorts as negative but breaks no rule.
    let broken = values.iter().position(|&value| !(value.is_finite() && value >= T::ZERO));
    if let (Some(lane), None) = (broken, &bad) {
        *bad = Some(Bad { name, value: values[lane].wide(), index: out + lane });
    }
}
