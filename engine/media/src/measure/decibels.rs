//! Levels in decibels relative to full scale.

/// Lowest level reported, in dBFS, and the level of silence, so that every level is finite and can be drawn,
/// averaged and written as JSON. It is below audibility and above the smallest f32 sample.
pub const FLOOR_DBFS: f64 = -200.0;

/// Returns the level of an amplitude in dBFS, `20 log10(amplitude)`, at least [`FLOOR_DBFS`]. An amplitude of 1 is
/// 0 dBFS.
///
/// Realtime-safe.
pub fn dbfs(amplitude: f64) -> f64 {
    // `max` also turns NaN into the floor.
    (20.0 * amplitude.abs().log10()).max(FLOOR_DBFS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels() {
        assert_eq!(dbfs(1.0), 0.0);
        assert!((dbfs(-0.5) + 6.0206).abs() < 1e-4);
        assert_eq!(dbfs(0.0), FLOOR_DBFS);
        assert_eq!(dbfs(f64::NAN), FLOOR_DBFS);
    }
}
