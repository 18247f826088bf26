//! Decibels relative to full scale.

/// The lowest level reported, in dBFS: what silence reads as, so that every level is a finite
/// number that can be drawn, averaged and written as JSON. It lies below the least audible and
/// above the least representable of 32-bit float samples.
pub const FLOOR_DBFS: f64 = -200.0;

/// `20 log10(amplitude)`, not below [`FLOOR_DBFS`]; an amplitude of 1 is 0 dBFS.
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
