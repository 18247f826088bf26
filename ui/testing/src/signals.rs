//! Synthetic audio and codes that resemble a codec's output for a voice.

use std::f64::consts::TAU;

use residue_engine::live::FrameCodes;
use residue_ui::FrameWindow;

/// Sample rate in Hz.
pub const RATE: u32 = 48_000;
/// Samples per codec frame.
pub const FRAME: u64 = 3840;
/// RVQ layers of the codec.
pub const LAYERS: usize = 16;

/// A reproducible pseudorandom sequence (a linear congruential generator).
pub struct Noise(u64);

impl Noise {
    /// Creates the sequence of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    fn bits(&mut self) -> u64 {
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    /// Returns the next number, 0 to 1.
    pub fn share(&mut self) -> f64 {
        self.bits() as f64 / f64::from(1u32 << 31)
    }

    /// Returns the next number, -1 to 1.
    pub fn sample(&mut self) -> f64 {
        2.0 * self.share() - 1.0
    }
}

/// Returns a gliding voice with pauses and consonants, of which A keeps most and B little: samples of dry,
/// A and B.
pub fn voices(seconds: f64) -> Vec<[f32; 3]> {
    let rate = f64::from(RATE);
    let mut noise = [Noise::new(1), Noise::new(2), Noise::new(3)];
    let mut phase = 0.0;
    let mut smooth = [0.0; 2];
    (0..(seconds * rate) as usize)
        .map(|n| {
            let t = n as f64 / rate;
            let pitch = 150.0 + 45.0 * (1.3 * t).sin() + 4.0 * (31.0 * t).sin();
            phase += pitch / rate;
            let syllable = (t * 1.9).fract();
            let open = (syllable * 1.25).min(1.0);
            let vowel = (TAU / 2.0 * open).sin().powi(2);
            let consonant = (1.0 - (syllable - 0.93).abs() * 18.0).max(0.0);
            let formant = 700.0 + 900.0 * (0.8 * t).sin().powi(2);
            let harmonic = |h: usize| {
                let hz = pitch * h as f64;
                let peak = 1.0 / (1.0 + ((hz - formant) / 350.0).powi(2));
                let second = 0.4 / (1.0 + ((hz - 2700.0) / 600.0).powi(2));
                (TAU * phase * h as f64).sin() * (peak + second + 0.3 / h as f64)
            };
            let hiss = noise[0].sample();
            smooth[0] += 0.5 * (hiss - smooth[0]);
            smooth[1] += 0.12 * (hiss - smooth[1]);
            let bright = hiss - smooth[0];
            let floor = 0.0004 * noise[1].sample();
            let voice = |most: usize| vowel * 0.16 * (1..=most).map(harmonic).sum::<f64>();
            let dry = voice(60) + 0.18 * consonant * bright + 0.2 * floor;
            let rough = noise[2].sample() * 0.004 * vowel;
            let a = voice(36) + 0.12 * consonant * bright + 0.4 * rough;
            let b = voice(14) * (1.0 + 0.2 * (9.0 * t).sin())
                + 0.1 * consonant * smooth[1]
                + 2.0 * rough;
            [dry as f32, a as f32, b as f32]
        })
        .collect()
}

/// Returns codes whose first layers change slowly and use few entries, and whose last layers are noise.
pub fn codes(frames: u64) -> FrameWindow {
    let mut noise = Noise::new(7);
    let mut window = FrameWindow::new();
    let mut held = [0u32; LAYERS];
    for n in 0..frames {
        for (layer, code) in held.iter_mut().enumerate() {
            let stays = 0.45 - 0.06 * layer as f64;
            if noise.share() >= stays {
                // Squaring makes low entries likelier: less so in deeper layers.
                let skew = 2.6 - 0.09 * layer as f64;
                *code = (noise.share().powf(skew) * 1024.0) as u32;
            }
        }
        window.push(&FrameCodes { position: n * FRAME, streams: 1, layers: LAYERS, codes: &held });
    }
    window
}
