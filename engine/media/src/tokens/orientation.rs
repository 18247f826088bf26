//! Recognition of arrays whose frames stand where layers should.

use super::Codes;

/// Fewest repetitions that tell anything.
const REPETITIONS: usize = 3;
/// Ratio between the rates of repetitions in the two directions.
const RATIO: usize = 4;

/// Returns true if `codes` look like (T, K) read as (K, T).
///
/// Sound lasts longer than a frame, so codes repeat from one frame to the next, the first layers' above all,
/// while neighbouring layers agree by chance only. The array looks transposed if codes repeat at least three times
/// from layer to layer, and at four times the rate at which they repeat from frame to frame.
///
/// Measured on parts of 4 to 32 frames and 4 to 32 layers of real files (three clips through the embedded model, two
/// published files of Nano's codes): 15 of 21,600 that stand right are called transposed (0.07 %), and of those that
/// are transposed 48 % (embedded), 38 % and 0 % (Nano) are recognised. So silence of this function proves nothing.
pub fn looks_transposed(codes: &Codes) -> bool {
    let (layers, frames) = (codes.layers(), codes.frames());
    let repeated =
        |pairs: &mut dyn Iterator<Item = (u32, u32)>| pairs.filter(|(a, b)| a == b).count();
    let along_frames: usize = (0..layers)
        .map(|k| codes.layer(k))
        .map(|row| repeated(&mut row.iter().copied().zip(row.iter().copied().skip(1))))
        .sum();
    let along_layers: usize = (1..layers)
        .map(|k| (codes.layer(k - 1), codes.layer(k)))
        .map(|(row, next)| repeated(&mut row.iter().copied().zip(next.iter().copied())))
        .sum();
    // Rates are counts over the pairs in each direction, compared without dividing.
    let frame_pairs = layers * frames.saturating_sub(1);
    let layer_pairs = layers.saturating_sub(1) * frames;
    along_layers >= REPETITIONS && along_layers * frame_pairs > RATIO * along_frames * layer_pairs
}

#[cfg(test)]
mod tests {
    use residue_engine_testing::SeededNoise;

    use super::*;

    /// Codes of which the first layer stays the same for some frames, as in held sound, and the others do not.
    fn held(layers: usize, frames: usize, seed: u32) -> Codes {
        let mut noise = SeededNoise::new(seed);
        let mut code = move || ((noise.sample() + 1.0) * 511.0) as u32;
        let mut data = Vec::new();
        for layer in 0..layers {
            let mut held = code();
            for frame in 0..frames {
                if layer > 0 || frame % 4 == 0 {
                    held = code();
                }
                data.push(held);
            }
        }
        Codes::new(layers, frames, data)
    }

    #[test]
    fn held_sound_shows_where_the_frames_are() {
        for (layers, frames) in [(8, 20), (16, 16), (32, 12)] {
            let codes: Vec<Codes> = (1..=50).map(|seed| held(layers, frames, seed)).collect();
            assert_eq!(codes.iter().position(looks_transposed), None, "{layers} x {frames}");
            // Some agree by chance in the other direction too.
            let turned = codes.iter().map(Codes::transposed);
            let recognised = turned.filter(looks_transposed).count();
            assert!(recognised >= 45, "{recognised} of 50, {layers} x {frames}");
        }
    }

    #[test]
    fn small_and_uniform_arrays_tell_nothing() {
        for codes in [
            Codes::empty(4),
            Codes::new(1, 1, vec![5]),
            Codes::new(1, 9, vec![5; 9]),
            Codes::new(3, 3, (0..9).collect()),
            Codes::new(9, 1, vec![5; 9]),
            Codes::new(8, 8, vec![7; 64]),
        ] {
            assert!(!looks_transposed(&codes), "{codes:?}");
        }
    }
}
