//! Loudness and level.

use ebur128::{EbuR128, Mode};
use serde::Serialize;

use super::MeasureError;
use super::level::dbfs;
use super::signal_pair::check;
use crate::audio::Audio;

/// Rates the BS.1770 filters are made for here, in hertz.
const RATES: std::ops::RangeInclusive<u32> = 16..=2_822_400;
/// Most channels the meter takes.
const MAX_CHANNELS: usize = 64;

/// How loud a signal is.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Loudness {
    /// Integrated loudness in LUFS (ITU-R BS.1770-4, EBU R 128), K-weighted and gated over all
    /// channels together. `None` where it does not exist: no block of 400 ms above -70 LUFS, that is
    /// silence, or a signal shorter than 400 ms.
    pub integrated_lufs: Option<f64>,
    /// Largest absolute sample of any channel in dBFS; [`FLOOR_DBFS`](super::FLOOR_DBFS) for
    /// silence. Peaks between samples may be higher.
    pub sample_peak_dbfs: f64,
    /// Root mean square over all samples of all channels in dBFS; a full-scale sine reads -3.01,
    /// silence [`FLOOR_DBFS`](super::FLOOR_DBFS).
    pub rms_dbfs: f64,
}

/// Measures the loudness of a whole signal.
///
/// One channel counts once: a full-scale 997 Hz sine is -3.01 LUFS in mono and 0.00 LUFS on both
/// channels of stereo. From the fourth channel on the layout is taken as ITU 5.1 (L, R, C, LFE, Ls,
/// Rs).
///
/// # Errors
/// [`MeasureError`] if the signal is empty or not finite, its rate is outside 16 Hz to 2.8 MHz or it
/// has more than 64 channels.
pub fn loudness(audio: &Audio) -> Result<Loudness, MeasureError> {
    check(audio)?;
    measure(audio)
}

/// [`loudness`] of checked audio.
pub(super) fn measure(audio: &Audio) -> Result<Loudness, MeasureError> {
    let samples = || audio.channels.iter().flatten();
    let peak = samples().fold(0.0_f32, |peak, x| peak.max(x.abs()));
    let count = (audio.len() * audio.channels.len()) as f64;
    let power = samples().map(|x| f64::from(*x).powi(2)).sum::<f64>() / count;
    Ok(Loudness {
        integrated_lufs: integrated(audio)?,
        sample_peak_dbfs: dbfs(f64::from(peak)),
        rms_dbfs: dbfs(power.sqrt()),
    })
}

/// Integrated loudness in LUFS, `None` if no block passes the gate.
fn integrated(audio: &Audio) -> Result<Option<f64>, MeasureError> {
    let (rate, channels) = (audio.rate, audio.channels.len());
    if !RATES.contains(&rate) {
        return Err(MeasureError::Rate { rate });
    }
    if channels > MAX_CHANNELS {
        return Err(MeasureError::TooManyChannels { channels });
    }
    // Rate and channels are in range, so what the meter could still refuse does not arise.
    let meter = || -> Result<f64, ebur128::Error> {
        let mut meter = EbuR128::new(channels as u32, rate, Mode::I)?;
        meter.add_frames_planar_f32(&audio.planes())?;
        meter.loudness_global()
    };
    let lufs = meter().map_err(|_| MeasureError::Rate { rate })?;
    Ok(lufs.is_finite().then_some(lufs))
}

#[cfg(test)]
mod tests {
    use super::super::level::FLOOR_DBFS;
    use super::super::test_signals::sine;
    use super::*;

    #[test]
    fn a_full_scale_sine_reads_as_in_bs1770() {
        for rate in [24_000, 44_100, 48_000, 96_000] {
            let samples = rate as usize * 5;
            // The filters are defined at 48 kHz; at lower rates their shape differs slightly.
            let tolerance = if rate < 44_100 { 0.05 } else { 0.02 };
            let mono = loudness(&sine(rate, 1, samples, 997.0, 1.0)).unwrap();
            assert!((mono.integrated_lufs.unwrap() + 3.01).abs() < tolerance, "{rate}: {mono:?}");
            assert!((mono.rms_dbfs + 3.0103).abs() < 1e-3, "{mono:?}");
            assert!(mono.sample_peak_dbfs.abs() < 1e-3, "{mono:?}");
            let stereo = loudness(&sine(rate, 2, samples, 997.0, 1.0)).unwrap();
            assert!(stereo.integrated_lufs.unwrap().abs() < tolerance, "{rate}: {stereo:?}");
            assert!((stereo.rms_dbfs + 3.0103).abs() < 1e-3, "{stereo:?}");
        }
    }

    #[test]
    fn minus_20_db_is_20_lu_less() {
        let loud = loudness(&sine(48_000, 1, 96_000, 997.0, 1.0)).unwrap();
        let quiet = loudness(&sine(48_000, 1, 96_000, 997.0, 0.1)).unwrap();
        let difference = loud.integrated_lufs.unwrap() - quiet.integrated_lufs.unwrap();
        assert!((difference - 20.0).abs() < 1e-3);
        assert!((quiet.sample_peak_dbfs + 20.0).abs() < 1e-3);
    }

    #[test]
    fn silence_and_short_signals_have_no_loudness() {
        let silence = loudness(&Audio::silence(48_000, 2, 48_000)).unwrap();
        assert_eq!(silence.integrated_lufs, None);
        assert_eq!((silence.sample_peak_dbfs, silence.rms_dbfs), (FLOOR_DBFS, FLOOR_DBFS));
        let short = loudness(&sine(48_000, 1, 4800, 997.0, 1.0)).unwrap();
        assert_eq!(short.integrated_lufs, None);
        assert!((short.rms_dbfs + 3.0103).abs() < 0.01);
    }

    #[test]
    fn odd_rates_and_layouts_are_refused() {
        assert_eq!(loudness(&Audio::silence(8, 1, 8)), Err(MeasureError::Rate { rate: 8 }));
        assert_eq!(
            loudness(&Audio::silence(48_000, 65, 8)),
            Err(MeasureError::TooManyChannels { channels: 65 })
        );
    }
}
