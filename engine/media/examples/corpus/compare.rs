//! Comparison of what Residue reads from a file with what ffmpeg does.

use residue_media::audio::{Audio, ReadOptions, ReadWarning, read_with};

use crate::recipes::{CorpusFile, Exactness};
use crate::reference::Reference;

/// Outcome of reading a file.
pub enum Verdict {
    /// The waveforms agree.
    Right,
    /// It was refused, for a reason without the file's name.
    Refused(String),
    /// It was read, and differs.
    Wrong(String),
}

/// Largest distance that a lossy codec's delay and padding may make, in samples.
const MAX_SHIFT: usize = 4600;
/// Largest difference of integer samples that are converted in different ways.
const EXACT: f32 = 1.0 / 8_388_608.0;
/// Least signal-to-noise ratio of two decoders of one lossy file, in decibels.
const LEAST_SNR: f64 = 40.0;

/// Reads `file` with `options` and compares.
pub fn compare(file: &CorpusFile, options: &ReadOptions, reference: Option<&Reference>) -> Verdict {
    let decoded = match read_with(&file.path, options) {
        Ok(decoded) => decoded,
        Err(error) => {
            let text = error.to_string();
            let name = format!("{}: ", file.path.display());
            return Verdict::Refused(text.replacen(&name, "", 1));
        }
    };
    let by_ffmpeg = |warning: &&ReadWarning| matches!(warning, ReadWarning::FfmpegReported { .. });
    let mut others =
        decoded.warnings.iter().filter(|warning| !warning.is_note() && !by_ffmpeg(warning));
    if let Some(warning) = others.next() {
        return Verdict::Wrong(format!("false alarm: {warning}"));
    }
    let Some(reference) = reference else {
        return Verdict::Wrong("read, and ffmpeg does not".into());
    };
    match difference(&decoded.audio, reference, file.exactness) {
        None => Verdict::Right,
        Some(what) => Verdict::Wrong(what),
    }
}

fn difference(audio: &Audio, reference: &Reference, exactness: Exactness) -> Option<String> {
    let (rate, count) = (audio.rate, audio.channels.len());
    if (rate, count) != (reference.rate, reference.channels.len()) {
        return Some(format!(
            "{rate} Hz and {count} channels, expected {} Hz and {}",
            reference.rate,
            reference.channels.len()
        ));
    }
    let (length, expected) = (audio.len(), reference.channels[0].len());
    match exactness {
        Exactness::Lossless => {
            if length != expected {
                return Some(format!("{length} samples, expected {expected}"));
            }
            let worst =
                audio.channels.iter().zip(&reference.channels).flat_map(|(found, expected)| {
                    found.iter().zip(expected).map(|(found, expected)| (found - expected).abs())
                });
            let worst = worst.fold(0.0, f32::max);
            (worst > EXACT).then(|| format!("samples differ by up to {worst}"))
        }
        Exactness::Lossy => {
            if length.abs_diff(expected) > MAX_SHIFT {
                return Some(format!("{length} samples, expected {expected}"));
            }
            audio.channels.iter().zip(&reference.channels).enumerate().find_map(
                |(channel, (found, expected))| {
                    if is_silent(found) && is_silent(expected) {
                        return None;
                    }
                    let (snr, shift) = best_alignment(found, expected);
                    (snr < LEAST_SNR).then(|| {
                        format!("channel {channel}: {snr:.1} dB at a shift of {shift} samples")
                    })
                },
            )
        }
    }
}

fn is_silent(samples: &[f32]) -> bool {
    samples.iter().all(|sample| sample.abs() < EXACT)
}

/// Returns the best signal-to-noise ratio over all shifts, and its shift of `found` against `expected`.
fn best_alignment(found: &[f32], expected: &[f32]) -> (f64, isize) {
    // A window in the middle finds the shift; the ratio is that of all that overlaps, but for both ends.
    let shifts = -(MAX_SHIFT as isize)..=MAX_SHIFT as isize;
    let middle = expected.len() / 2;
    let window = 256.min(expected.len() / 4);
    let part = &expected[middle - window / 2..middle + window / 2];
    let error = |shift: isize| {
        let start = (middle - window / 2) as isize + shift;
        let start = usize::try_from(start).ok()?;
        let candidate = found.get(start..start + part.len())?;
        Some(candidate.iter().zip(part).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>())
    };
    let best = shifts
        .filter_map(|shift| Some((error(shift)?, shift)))
        .min_by(|(a, _), (b, _)| a.total_cmp(b));
    let Some((_, shift)) = best else { return (f64::NEG_INFINITY, 0) };
    let ends = expected.len() / 8;
    let (mut signal, mut noise) = (1e-12, 1e-12);
    for (index, &sample) in expected.iter().enumerate().take(expected.len() - ends).skip(ends) {
        let place = usize::try_from(index as isize + shift).ok();
        let Some(&other) = place.and_then(|place| found.get(place)) else { continue };
        signal += f64::from(sample).powi(2);
        noise += f64::from(sample - other).powi(2);
    }
    (10.0 * (signal / noise).log10(), shift)
}
