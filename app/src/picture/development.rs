//! A picture to look at while working on its design:
//! `RESIDUE_CLIP=in.flac RESIDUE_PICTURE=out.png cargo test -p residue -- --ignored picture`.

use std::f64::consts::PI;
use std::path::Path;

use residue_engine::audio::{Audio, read, resample, resample_to_length};

use super::{Comparison, Levels, PANEL_HEIGHT, PANEL_WIDTH, Row};

const WINDOW: usize = 2048;
const LOWEST: f64 = 40.0;

/// Radix-2 FFT in place, slow and short: this is for looking at, not for measuring.
fn fft(re: &mut [f64], im: &mut [f64]) {
    let n = re.len();
    let bits = n.trailing_zeros();
    for i in 0..n {
        let j = i.reverse_bits() >> (usize::BITS - bits);
        if i < j {
            re.swap(i, j);
            im.swap(i, j);
        }
    }
    let mut half = 1;
    while half < n {
        for start in (0..n).step_by(2 * half) {
            for k in 0..half {
                let (sin, cos) = (-PI * k as f64 / half as f64).sin_cos();
                let (a, b) = (start + k, start + k + half);
                let (x, y) = (re[b] * cos - im[b] * sin, re[b] * sin + im[b] * cos);
                (re[b], im[b]) = (re[a] - x, im[a] - y);
                (re[a], im[a]) = (re[a] + x, im[a] + y);
            }
        }
        half *= 2;
    }
}

fn spectrogram(samples: &[f32], rate: u32, highest: f64) -> Vec<f32> {
    let mut db = vec![-140.0f32; PANEL_WIDTH * PANEL_HEIGHT];
    for column in 0..PANEL_WIDTH {
        let centre = (column as f64 + 0.5) * samples.len() as f64 / PANEL_WIDTH as f64;
        let first = centre as i64 - WINDOW as i64 / 2;
        let mut re: Vec<f64> = (0..WINDOW)
            .map(|n| {
                let hann = 0.5 - 0.5 * (2.0 * PI * n as f64 / WINDOW as f64).cos();
                let sample = usize::try_from(first + n as i64).ok().and_then(|i| samples.get(i));
                hann * f64::from(sample.copied().unwrap_or(0.0))
            })
            .collect();
        let mut im = vec![0.0; WINDOW];
        fft(&mut re, &mut im);
        let level: Vec<f64> = (0..WINDOW / 2)
            .map(|k| 20.0 * (re[k].hypot(im[k]) * 4.0 / WINDOW as f64).max(1e-7).log10())
            .collect();
        for row in 0..PANEL_HEIGHT {
            let edge = |row: usize| {
                let part = 1.0 - row as f64 / PANEL_HEIGHT as f64;
                LOWEST * (highest / LOWEST).powf(part) * WINDOW as f64 / f64::from(rate)
            };
            let (high, low) = (edge(row), edge(row + 1));
            let k = (low as usize).min(WINDOW / 2 - 2);
            let mut best = level[k] + (level[k + 1] - level[k]) * low.fract();
            for &bin in
                &level[(low.ceil() as usize).min(level.len())..(high as usize + 1).min(level.len())]
            {
                best = best.max(bin);
            }
            db[row * PANEL_WIDTH + column] = best as f32;
        }
    }
    db
}

/// Something like a codec: less bandwidth and more noise at lower depths.
fn degrade(audio: &Audio, depth: usize) -> Audio {
    let rate = [4000, 8000, 16_000, 32_000][(depth.ilog2() as usize).min(3)];
    let narrow = resample(audio, rate).expect("resampling");
    let mut decoded = resample_to_length(&narrow, audio.rate, audio.len()).expect("resampling");
    let mut state = 1u32;
    for sample in decoded.channels.iter_mut().flatten() {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        *sample += *sample * ((state >> 8) as f32 / (1 << 23) as f32 - 1.0) * 0.5 / depth as f32;
    }
    decoded
}

#[test]
#[ignore = "draws a picture for a person to look at"]
fn picture() {
    let (Ok(clip), Ok(out)) = (std::env::var("RESIDUE_CLIP"), std::env::var("RESIDUE_PICTURE"))
    else {
        panic!("set RESIDUE_CLIP to an audio file and RESIDUE_PICTURE to where the PNG goes")
    };
    let audio = read(Path::new(&clip)).expect("a readable clip").audio;
    let highest = (f64::from(audio.rate) / 2.0).min(20_000.0);
    let original = spectrogram(&audio.channels[0], audio.rate, highest);
    let drawn: Vec<_> = [1, 2, 4, 8]
        .into_iter()
        .map(|depth| {
            let decoded = degrade(&audio, depth).channels.swap_remove(0);
            let difference: Vec<f32> =
                audio.channels[0].iter().zip(&decoded).map(|(a, b)| a - b).collect();
            (
                format!("depth {depth} · {} kbps", depth as f64 * 0.125),
                format!("mel distance {:.2}   SI-SDR {:.1} dB", 2.0 / depth as f64, depth as f64),
                spectrogram(&decoded, audio.rate, highest),
                spectrogram(&difference, audio.rate, highest),
            )
        })
        .collect();
    fn levels(db: &[f32]) -> Levels<'_> {
        Levels { width: PANEL_WIDTH, height: PANEL_HEIGHT, db }
    }
    let comparison = Comparison {
        title: "MOSS-Audio-Tokenizer Nano",
        subtitle: "clip.flac · 44.1 kHz stereo · what each depth keeps, and what it leaves behind",
        seconds: audio.seconds(),
        lowest: LOWEST,
        highest,
        original_note: "8.0 s   44.1 kHz   stereo",
        original: levels(&original),
        rows: drawn
            .iter()
            .map(|(label, numbers, decoded, difference)| Row {
                label,
                numbers,
                difference_numbers: "−31.4 dBFS",
                decoded: levels(decoded),
                difference: levels(difference),
            })
            .collect(),
    };
    let picture = comparison.draw().expect("a picture");
    picture.save(Path::new(&out)).expect("a writable path");
}
