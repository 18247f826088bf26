//! Loudness matching without clipping.

use residue_engine::audio::Audio;
use residue_engine::measure::{FLOOR_DBFS, MeasureError, loudness};

/// Highest sample that is played, in dBFS: what lies between samples may be higher.
const CEILING_DBFS: f64 = -1.0;

/// The loudness of one of several versions, and the gain that it is played at.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct PassageLevel {
    /// Integrated loudness in LUFS; `None` for silence.
    pub lufs: Option<f64>,
    /// Gain in dB.
    pub gain_db: f64,
}

/// Gains that bring all to the loudness of the first, if `matched`. Where that would clip any of
/// them, all are lowered by as much. What is silent keeps its level.
///
/// # Errors
/// If one cannot be measured: which, and why.
pub(super) fn levels(
    planes: &[&Audio],
    matched: bool,
) -> Result<Vec<PassageLevel>, (usize, MeasureError)> {
    let measured = planes.iter().enumerate().map(|(n, audio)| loudness(audio).map_err(|e| (n, e)));
    let measured = measured.collect::<Result<Vec<_>, _>>()?;
    let target = measured.first().and_then(|first| first.integrated_lufs);
    let mut levels: Vec<PassageLevel> = measured
        .iter()
        .map(|one| {
            let lufs = one.integrated_lufs;
            let gain_db = match (target, lufs) {
                (Some(target), Some(lufs)) if matched => target - lufs,
                _ => 0.0,
            };
            PassageLevel { lufs, gain_db }
        })
        .collect();
    let peaks =
        levels.iter().zip(&measured).map(|(level, one)| one.sample_peak_dbfs + level.gain_db);
    let excess = (peaks.fold(FLOOR_DBFS, f64::max) - CEILING_DBFS).max(0.0);
    levels.iter_mut().for_each(|level| level.gain_db -= excess);
    Ok(levels)
}

/// Plays `audio` at a gain in dB; at 0 it stays as it is, bit for bit.
pub(super) fn amplify(audio: &mut Audio, gain_db: f64) {
    let gain = 10.0_f64.powf(gain_db / 20.0) as f32;
    if gain != 1.0 {
        audio.channels.iter_mut().flatten().for_each(|sample| *sample *= gain);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tone(amplitude: f32) -> Audio {
        let sine = |n| amplitude * (n as f32 * 0.13).sin();
        Audio::new(48_000, vec![(0..48_000).map(sine).collect(); 2])
    }

    fn played(planes: &[Audio], matched: bool) -> Vec<(f64, f64)> {
        let levels = levels(&planes.iter().collect::<Vec<_>>(), matched).unwrap();
        let apply = |(audio, level): (&Audio, &PassageLevel)| {
            let mut audio = audio.clone();
            amplify(&mut audio, level.gain_db);
            let loudness = loudness(&audio).unwrap();
            (loudness.integrated_lufs.unwrap_or(FLOOR_DBFS), loudness.sample_peak_dbfs)
        };
        planes.iter().zip(&levels).map(apply).collect()
    }

    #[test]
    fn all_are_as_loud_as_the_first() {
        let planes = [tone(0.4), tone(0.02), tone(0.7)];
        let first = loudness(&planes[0]).unwrap().integrated_lufs.unwrap();
        for (lufs, _) in played(&planes, true) {
            assert!((lufs - first).abs() < 0.01, "{lufs}, not {first}");
        }
        let unmatched = levels(&planes.iter().collect::<Vec<_>>(), false).unwrap();
        assert!(unmatched.iter().all(|level| level.gain_db == 0.0));
    }

    #[test]
    fn nothing_clips_and_all_are_lowered_together() {
        // As loud as the first, the second would reach far above full scale.
        let mut click = tone(0.01);
        click.channels[0][20_000] = 0.5;
        let played = played(&[tone(0.8), click], true);
        assert!((played[0].0 - played[1].0).abs() < 0.05, "{played:?}");
        assert!((played[1].1 - CEILING_DBFS).abs() < 0.01, "{played:?}");
        assert!(played[0].1 < -10.0);
        // Full scale alone is lowered too, without being matched.
        let full = levels(&[&tone(1.0), &tone(0.1)], false).unwrap();
        assert!((full[0].gain_db + 1.0).abs() < 0.01 && full[0].gain_db == full[1].gain_db);
    }

    #[test]
    fn silence_stays_silent() {
        let silence = Audio::silence(48_000, 2, 48_000);
        let levels = levels(&[&tone(0.4), &silence], true).unwrap();
        assert_eq!(levels[1], PassageLevel { lufs: None, gain_db: 0.0 });
        let mut nan = tone(0.1);
        nan.channels[1][7] = f32::NAN;
        assert_eq!(super::levels(&[&tone(0.4), &nan], true).unwrap_err().0, 1);
    }
}
