//! What runs through a port: a microphone, a file, codes.

use std::sync::Arc;

use residue_engine::audio::Audio;
use residue_engine::live::{AudioPort, Playback};

use super::audition::mean;
use super::cursor::{Cursor, Piece};

/// Where a program's sound comes from.
pub enum Material {
    /// The input device.
    Microphone,
    /// A file, at the rate of the devices, with the port's channels.
    Audio(Arc<Audio>),
    /// Codes that are all there; a frame is `ticks / frames` samples at the rate of the devices.
    Codes {
        /// Says from where they are played.
        playback: Playback,
        /// Samples of so many frames.
        ticks: u64,
        /// Frames.
        frames: u64,
    },
    /// Codes as they arrive.
    Feed,
}

/// Where a program begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begin {
    /// At this sample.
    At(u64),
    /// Where the program before it is.
    Resume,
}

/// A port and what goes through it. Realtime-safe once made; freeing it is not.
pub struct Program {
    /// Counts programs.
    pub serial: u64,
    pub port: AudioPort,
    pub material: Material,
    pub cursor: Cursor,
    pub begin: Begin,
    pub playing: bool,
    /// Samples that the port takes at once.
    max_block: usize,
    /// By channel of the port.
    planes: Vec<Vec<f32>>,
}

impl Program {
    /// Not started. `length` is that of the material, in samples at the rate of the devices; `region`
    /// the part that repeats.
    pub fn new(
        serial: u64,
        port: AudioPort,
        max_block: usize,
        material: Material,
        begin: Begin,
        playing: bool,
        region: Option<(u64, u64)>,
    ) -> Self {
        let length = match &material {
            Material::Audio(audio) => audio.len() as u64,
            Material::Codes { playback, ticks, frames } => {
                (playback.codes().frames() as u64 * ticks).div_ceil(*frames)
            }
            Material::Microphone | Material::Feed => 0,
        };
        let planes = vec![vec![0.0; max_block]; port.channels()];
        let cursor = Cursor::new(length);
        let mut program =
            Self { serial, port, material, cursor, begin, playing, max_block, planes };
        program.repeat(region);
        program
    }

    /// Whether there are places in it to go to, and an end.
    pub fn has_transport(&self) -> bool {
        matches!(self.material, Material::Audio(_) | Material::Codes { .. })
    }

    /// Samples from the port's input to its output.
    pub fn latency(&self) -> u64 {
        self.port.latency().total() as u64
    }

    /// What is heard next.
    pub fn heard(&self) -> u64 {
        self.cursor.heard(self.latency())
    }

    /// All of it has been heard.
    pub fn is_over(&self) -> bool {
        self.has_transport() && self.cursor.is_over(self.latency())
    }

    /// A new stream starts at this sample, or at the start of its frame.
    pub fn start(&mut self, at: u64) {
        let mut at = at;
        if let Material::Codes { playback, ticks, frames } = &self.material {
            let frame = at * frames / ticks;
            playback.start_at(frame);
            at = (frame * ticks).div_ceil(*frames);
        }
        self.cursor.start(at);
        self.port.reset();
    }

    /// Repeats a part: of codes, whole frames.
    pub fn repeat(&mut self, region: Option<(u64, u64)>) {
        if let Material::Codes { playback, ticks, frames } = &self.material {
            let frame = |at: u64| (2 * at * frames + ticks) / (2 * ticks);
            let last = playback.codes().frames() as u64;
            let whole = region.map(|(start, end)| {
                let start = frame(start).min(last.saturating_sub(1));
                (start, frame(end).clamp(start + 1, last.max(start + 1)))
            });
            playback.repeat(whole.map(|(start, end)| start as u32..end as u32));
            let sample = |frame: u64| (frame * ticks).div_ceil(*frames);
            self.cursor.repeat(whole.map(|(start, end)| (sample(start), sample(end))));
        } else {
            self.cursor.repeat(region);
        }
    }

    /// Most samples for [`Program::run`].
    pub fn max_block(&self) -> usize {
        self.max_block
    }

    /// Runs up to [`Program::max_block`] samples, from `at` to `end`, in place; returns how many: fewer
    /// where all of it has been heard.
    pub fn run(&mut self, planes: &mut [&mut [f32]], at: usize, end: usize) -> usize {
        let count = self.take(planes, at, end);
        if count == 0 {
            return 0;
        }
        match self.planes.as_mut_slice() {
            [one] => self.port.process(&mut [&mut one[..count]]),
            [left, right] => self.port.process(&mut [&mut left[..count], &mut right[..count]]),
            _ => {}
        }
        let stereo = planes.len() > 1;
        for (channel, plane) in planes.iter_mut().enumerate() {
            let plane = &mut plane[at..at + count];
            match self.planes.as_slice() {
                [left, right] if !stereo => mean(plane, &left[..count], &right[..count]),
                own => plane.copy_from_slice(&own[channel.min(own.len() - 1)][..count]),
            }
        }
        count
    }

    /// Puts the next samples of the material where the port takes them.
    fn take(&mut self, planes: &[&mut [f32]], at: usize, end: usize) -> usize {
        let wanted = (end - at).min(self.max_block);
        match &self.material {
            Material::Microphone => {
                for (channel, own) in self.planes.iter_mut().enumerate() {
                    let plane = &planes[channel.min(planes.len() - 1)];
                    own[..wanted].copy_from_slice(&plane[at..at + wanted]);
                }
                return wanted;
            }
            Material::Feed => {
                self.planes.iter_mut().for_each(|own| own[..wanted].fill(0.0));
                return wanted;
            }
            Material::Audio(_) | Material::Codes { .. } => {}
        }
        let latency = self.latency();
        let mut done = 0;
        while done < wanted {
            match self.cursor.next(wanted - done, latency) {
                Piece::Ended => break,
                Piece::Silence(count) => {
                    self.planes.iter_mut().for_each(|own| own[done..done + count].fill(0.0));
                    done += count;
                }
                Piece::Samples(range) => {
                    let (start, stop) = (range.start as usize, range.end as usize);
                    let count = stop - start;
                    for (channel, own) in self.planes.iter_mut().enumerate() {
                        let own = &mut own[done..done + count];
                        match &self.material {
                            Material::Audio(audio) => {
                                own.copy_from_slice(&audio.channels[channel][start..stop]);
                            }
                            _ => own.fill(0.0),
                        }
                    }
                    done += count;
                }
            }
        }
        done
    }
}
