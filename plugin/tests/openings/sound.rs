//! Speech that is played through instances in real time.

use std::path::Path;
use std::time::{Duration, Instant};

use residue_engine::audio::{read, resample};

/// Sample rate in Hz.
pub const RATE: u32 = 48_000;
/// Samples per block.
pub const BLOCK: usize = 512;

/// Speech in a loop.
pub struct Speech {
    planes: Vec<Vec<f32>>,
    at: usize,
    began: Instant,
    played: u64,
}

impl Speech {
    /// A demo clip, as stereo at [`RATE`].
    pub fn new() -> Self {
        let clip = Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/clips/speech.flac");
        let audio = read(&clip).expect("the clip is there").audio;
        let audio = resample(&audio, RATE).expect("a rate");
        Self { planes: audio.channels, at: 0, began: Instant::now(), played: 0 }
    }

    /// The next block into two planes, when it is due.
    pub fn block(&mut self, planes: &mut [Vec<f32>; 2]) {
        let due = self.began + Duration::from_secs_f64(self.played as f64 / f64::from(RATE));
        let now = Instant::now();
        if due > now {
            std::thread::sleep(due - now);
        } else if now - due > Duration::from_millis(200) {
            // Late beyond repair: a host would drop out and go on from here.
            self.began = now - Duration::from_secs_f64(self.played as f64 / f64::from(RATE));
        }
        let length = self.planes[0].len();
        for (channel, plane) in planes.iter_mut().enumerate() {
            let source = &self.planes[channel.min(self.planes.len() - 1)];
            for (n, sample) in plane.iter_mut().enumerate() {
                *sample = source[(self.at + n) % length];
            }
        }
        self.at = (self.at + BLOCK) % length;
        self.played += BLOCK as u64;
    }
}
