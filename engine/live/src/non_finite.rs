//! NaN, infinities and extreme levels: replaced before they reach a filter's or a model's state.

/// Largest magnitude that goes to a model or comes from it, 80 dB above full scale: beyond it the
/// arithmetic of a model could overflow and never recover.
pub const MAX_MAGNITUDE: f32 = 1e4;

/// Replaces NaN and infinities by silence; returns how many samples that were. Realtime-safe.
pub fn silence_non_finite(samples: &mut [f32]) -> u64 {
    let mut found = 0;
    for sample in samples.iter_mut().filter(|sample| !sample.is_finite()) {
        *sample = 0.0;
        found += 1;
    }
    found
}

/// Limits samples to what a model accepts: NaN and infinities become silence, and magnitudes are
/// clamped to [`MAX_MAGNITUDE`]. Returns how many samples were not finite. Realtime-safe.
pub fn limit_to_model_range(samples: &mut [f32]) -> u64 {
    let found = silence_non_finite(samples);
    samples.iter_mut().for_each(|sample| *sample = sample.clamp(-MAX_MAGNITUDE, MAX_MAGNITUDE));
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_silenced_clamped_and_counted() {
        let mut samples = [0.5, f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 2e4, -3e38];
        assert_eq!(limit_to_model_range(&mut samples), 3);
        assert_eq!(samples, [0.5, 0.0, 0.0, 0.0, 1e4, -1e4]);
        assert_eq!(silence_non_finite(&mut samples), 0);
    }
}
