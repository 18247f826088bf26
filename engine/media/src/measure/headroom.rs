//! True peak: what comes out between the samples, and how much of it is over full scale.

use ebur128::{EbuR128, Mode};
use serde::Serialize;

use super::MeasureError;
use super::decibels::dbfs;
use super::signal_pair::check;
use crate::audio::Audio;

/// Most channels that the meter supports.
const MAX_CHANNELS: usize = 64;
/// Samples after which the meter's interpolation filter has ended.
const RINGING: usize = 32;
/// Sample rates of the meter, in hertz.
const RATES: std::ops::RangeInclusive<u32> = 16..=2_822_400;

/// The peaks of a signal between its samples. Serialises to JSON with these names.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Headroom {
    /// True peak of any channel in dBTP (ITU-R BS.1770-4, annex 2, by interpolation: four times up to 96 kHz, twice up
    /// to 192 kHz); [`FLOOR_DBFS`](super::FLOOR_DBFS) for silence.
    pub true_peak_dbtp: f64,
    /// Sample frames (one sample of each channel) at which the interpolated signal of any channel is over 0 dBTP.
    pub samples_over: usize,
    /// The gain, 0 or less, that would bring the true peak to 0 dBTP, in dB: the headroom that the signal lacks.
    pub needed_gain_db: f64,
}

/// Measures the true peak of a whole signal. Not realtime-safe.
///
/// # Errors
/// [`MeasureError`] if the signal is empty or not finite, its rate is outside 16 Hz to 2.8 MHz or it has more than 64
/// channels.
pub fn headroom(audio: &Audio) -> Result<Headroom, MeasureError> {
    check(audio)?;
    measure(audio)
}

/// Returns the [`headroom`] of checked audio.
pub(super) fn measure(audio: &Audio) -> Result<Headroom, MeasureError> {
    let (rate, channels) = (audio.rate, audio.channels.len());
    if !RATES.contains(&rate) {
        return Err(MeasureError::Rate { rate });
    }
    if channels > MAX_CHANNELS {
        return Err(MeasureError::TooManyChannels { channels });
    }
    // Rate and channels are in range, so that the meter has no reason to fail.
    let (peak, samples_over) = peaks(audio).map_err(|_| MeasureError::Rate { rate })?;
    let true_peak_dbtp = dbfs(peak);
    // 0 and not -0.
    Ok(Headroom { true_peak_dbtp, samples_over, needed_gain_db: 0.0 - true_peak_dbtp.max(0.0) })
}

/// Returns the largest magnitude of the interpolated signal, and the sample frames over 1.
fn peaks(audio: &Audio) -> Result<(f64, usize), ebur128::Error> {
    let channels = audio.channels.len() as u32;
    let mut meter = EbuR128::new(channels, audio.rate, Mode::TRUE_PEAK)?;
    let mut over = 0;
    let mut frame = vec![0.0; audio.channels.len()];
    // Silence at the end: the interpolation filter rings behind the last sample.
    for n in 0..audio.len() + RINGING {
        for (to, plane) in frame.iter_mut().zip(&audio.channels) {
            *to = plane.get(n).copied().unwrap_or(0.0);
        }
        meter.add_frames_f32(&frame)?;
        let mut is_over = false;
        for channel in 0..channels {
            is_over |= meter.prev_true_peak(channel)? > 1.0;
        }
        over += usize::from(is_over);
    }
    let mut peak = 0.0f64;
    for channel in 0..channels {
        peak = peak.max(meter.true_peak(channel)?);
    }
    Ok((peak, over))
}

#[cfg(test)]
mod tests {
    use super::super::FLOOR_DBFS;
    use super::super::test_signals::sine;
    use super::*;

    #[test]
    fn peaks_between_samples_are_found() {
        // A sine of a quarter of the rate, sampled 45 degrees off its peaks: its samples are 3 dB below.
        let sample = |n: usize| 1.2 * (std::f32::consts::FRAC_PI_2 * (n as f32 + 0.5)).sin();
        let audio = Audio::new(48_000, vec![(0..4800).map(sample).collect()]);
        let found = headroom(&audio).unwrap();
        let expected = 20.0 * 1.2f64.log10();
        assert!((found.true_peak_dbtp - expected).abs() < 0.3, "{found:?}");
        assert!((found.needed_gain_db + found.true_peak_dbtp).abs() < 1e-12, "{found:?}");
        // A peak lies between every other pair of samples.
        assert!((2390..=2410).contains(&found.samples_over), "{found:?}");
        assert!(audio.channels[0].iter().all(|x| x.abs() < 0.9), "no sample is over");
    }

    #[test]
    fn the_tone_of_ebu_tech_3341_reads_within_its_tolerance() {
        // Test case 15 of EBU Tech 3341 (2016): a sine of a quarter of 48 kHz at -6 dBFS reads -6 dBTP, +0.2, -0.4.
        let found = headroom(&sine(48_000, 2, 48_000, 12_000.0, 0.5)).unwrap();
        assert!((-6.4..=-5.8).contains(&found.true_peak_dbtp), "{found:?}");
        assert_eq!((found.samples_over, found.needed_gain_db), (0, 0.0));
    }

    #[test]
    fn one_sample_over_is_counted_about_once() {
        let mut audio = Audio::silence(48_000, 2, 1000);
        audio.channels[1][500] = 1.5;
        let found = headroom(&audio).unwrap();
        assert!((1..4).contains(&found.samples_over), "{found:?}");
        assert!((found.true_peak_dbtp - 20.0 * 1.5f64.log10()).abs() < 0.3, "{found:?}");
        let silence = headroom(&Audio::silence(48_000, 1, 100)).unwrap();
        assert_eq!(silence.true_peak_dbtp, FLOOR_DBFS);
    }
}
