//! The picture of a comparison: spectrograms of the original, each depth and what each leaves behind.

use std::path::Path;

use anyhow::Result;
use residue_engine::audio::Audio;
use residue_engine::measure::{Spectrogram, SpectrogramView};

use crate::picture::{Comparison, Levels, PANEL_HEIGHT, PANEL_WIDTH, Row};

/// Top of the frequency axis in hertz, unless half the sample rate lies below.
const HIGHEST: f64 = 20_000.0;

/// Captions of the picture.
pub struct ComparisonCaptions {
    pub title: String,
    pub subtitle: String,
    pub original: String,
    /// Label and numbers of each depth.
    pub rows: Vec<(String, String)>,
}

/// Draws `original` and each of `decoded` to a PNG at `path`.
pub fn draw(
    path: &Path,
    captions: &ComparisonCaptions,
    original: &Audio,
    decoded: &[Audio],
) -> Result<()> {
    let mut view = SpectrogramView::new(PANEL_WIDTH, PANEL_HEIGHT);
    view.fmax = HIGHEST.min(f64::from(original.rate) / 2.0).max(view.fmin * 2.0);
    // 43 ms at any rate.
    view.window = (f64::from(original.rate) * 2048.0 / 48_000.0).round().max(2.0) as usize;
    let of = |audio: &Audio| Spectrogram::of(audio, &view);
    let first = of(original)?;
    let panels = decoded
        .iter()
        .map(|decoded| {
            let difference = difference(original, decoded);
            Ok((of(decoded)?, of(&difference)?, level(&difference, original)))
        })
        .collect::<Result<Vec<_>>>()?;
    let rows = captions.rows.iter().zip(&panels);
    let rows = rows.map(|((label, numbers), (decoded, difference, level))| Row {
        label,
        numbers,
        difference_numbers: level,
        decoded: levels(decoded),
        difference: levels(difference),
    });
    let comparison = Comparison {
        title: &captions.title,
        subtitle: &captions.subtitle,
        seconds: original.seconds(),
        lowest: view.fmin,
        highest: view.fmax,
        original_note: &captions.original,
        original: levels(&first),
        rows: rows.collect(),
    };
    comparison.draw()?.save(path)?;
    Ok(())
}

fn levels(spectrogram: &Spectrogram) -> Levels<'_> {
    Levels { width: spectrogram.width(), height: spectrogram.height(), db: spectrogram.levels() }
}

/// The difference of `original` and `decoded`.
fn difference(original: &Audio, decoded: &Audio) -> Audio {
    let planes = original.channels.iter().zip(&decoded.channels);
    let channels = planes.map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect()).collect();
    Audio { rate: original.rate, channels }
}

/// The level of the difference, in words.
fn level(difference: &Audio, original: &Audio) -> String {
    let power =
        |audio: &Audio| audio.channels.iter().flatten().map(|x| f64::from(*x).powi(2)).sum();
    let (left, all): (f64, f64) = (power(difference), power(original));
    if all > 0.0 && left > 0.0 {
        format!("{:.1} dB against the original", 10.0 * (left / all).log10() + 0.0)
    } else {
        String::new()
    }
}
