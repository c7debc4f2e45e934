//! Which pixels of a sensor a frame has.

/// A frame, and where it lies on its sensor.
#[derive(Clone, Copy, Debug)]
pub struct Region {
    /// Height and width of the frame.
    pub shape: [usize; 2],
    /// Height and width of the sensor.
    pub sensor: [usize; 2],
    /// Row and column of the sensor under the frame's first pixel.
    pub origin: [usize; 2],
    /// Address of the sensor's first pixel: 0, but for pixels that are read beyond those of a sensor.
    pub first: usize,
}

impl Region {
    /// A whole sensor.
    pub fn whole(sensor: [usize; 2]) -> Self {
        Self { shape: sensor, sensor, origin: [0, 0], first: 0 }
    }

    /// The grid of super pixels of `factor` x `factor` pixels.
    pub fn binned(self, factor: usize) -> Self {
        let whole = |[rows, columns]: [usize; 2]| [rows / factor, columns / factor];
        let Self { shape, sensor, origin, first } = self;
        Self { shape: whole(shape), sensor: whole(sensor), origin: whole(origin), first }
    }

    /// Whether its rows follow one another on the sensor.
    pub(super) fn covers_rows(&self) -> bool {
        self.origin[1] == 0 && self.shape[1] == self.sensor[1]
    }

    /// Whether it is the whole sensor.
    pub(super) fn is_whole(&self) -> bool {
        self.origin == [0, 0] && self.shape == self.sensor
    }

    /// Pixels of the frame.
    pub fn pixels(&self) -> usize {
        self.shape[0] * self.shape[1]
    }
}
