//! A port and the sound that goes through it: a microphone, a file, codes.

use std::sync::Arc;

use residue_engine::audio::Audio;
use residue_engine::live::{AudioPort, Playback};

use super::audition::mean;
use super::controls::TransportControls;
use super::file_playhead::{FilePlayhead, NextSamples};

/// The sound that goes through a port.
pub enum PlayerSource {
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

/// The position where a player begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartPosition {
    /// At this sample.
    At(u64),
    /// At the position of the player before it.
    Resume,
}

/// A port and the sound that goes through it. Realtime-safe once made; freeing it is not.
pub struct SourcePlayer {
    /// Number of this player, unlike that of any other.
    pub serial: u64,
    pub port: AudioPort,
    pub source: PlayerSource,
    pub playhead: FilePlayhead,
    pub begin: StartPosition,
    pub playing: bool,
    /// The port's stream must start anew before it goes on.
    pub is_stale: bool,
    /// The requests that have been applied.
    transport: TransportControls,
    /// Samples that the port takes at once.
    max_block: usize,
    /// By channel of the port.
    planes: Vec<Vec<f32>>,
}

impl SourcePlayer {
    /// A player that has not started. `transport` holds the requests that it begins with; later ones are
    /// applied by [`SourcePlayer::adopt_transport`].
    pub fn new(
        port: AudioPort,
        max_block: usize,
        source: PlayerSource,
        begin: StartPosition,
        transport: TransportControls,
    ) -> Self {
        let length = match &source {
            PlayerSource::Audio(audio) => audio.len() as u64,
            PlayerSource::Codes { playback, ticks, frames } => {
                (playback.codes().frames() as u64 * ticks).div_ceil(*frames)
            }
            PlayerSource::Microphone | PlayerSource::Feed => 0,
        };
        let planes = vec![vec![0.0; max_block]; port.channels()];
        let mut player = Self {
            serial: transport.player,
            port,
            source,
            playhead: FilePlayhead::new(length),
            begin,
            playing: transport.playing,
            is_stale: true,
            transport,
            max_block,
            planes,
        };
        player.repeat(transport.region);
        player
    }

    /// Applies play, pause and loop of newer requests; returns the requests before them. Seeking is left
    /// to the caller, since it interrupts the sound.
    pub fn adopt_transport(&mut self, transport: &TransportControls) -> TransportControls {
        let before = std::mem::replace(&mut self.transport, *transport);
        if before.request != transport.request {
            self.playing = transport.playing;
        }
        if before.region != transport.region {
            self.repeat(transport.region);
        }
        before
    }

    /// Whether it is to run: a microphone always, a file while it plays and is not over.
    pub fn is_to_run(&self) -> bool {
        !self.has_transport() || (self.playing && !self.is_over())
    }

    /// Whether there are places in it to go to, and an end.
    pub fn has_transport(&self) -> bool {
        matches!(self.source, PlayerSource::Audio(_) | PlayerSource::Codes { .. })
    }

    /// Samples from the port's input to its output.
    pub fn latency(&self) -> u64 {
        self.port.latency().total() as u64
    }

    /// The sample that is heard next.
    pub fn heard(&self) -> u64 {
        self.playhead.heard(self.latency())
    }

    /// Whether all of it has been heard.
    pub fn is_over(&self) -> bool {
        self.has_transport() && self.playhead.is_over(self.latency())
    }

    /// A new stream starts at this sample, or at the start of its frame.
    pub fn start(&mut self, at: u64) {
        let mut at = at;
        if let PlayerSource::Codes { playback, ticks, frames } = &self.source {
            let frame = at * frames / ticks;
            playback.start_at(frame);
            at = (frame * ticks).div_ceil(*frames);
        }
        self.playhead.start(at);
        self.port.reset();
        self.is_stale = false;
    }

    /// Repeats a part: of codes, whole frames.
    pub fn repeat(&mut self, region: Option<(u64, u64)>) {
        if let PlayerSource::Codes { playback, ticks, frames } = &self.source {
            let frame = |at: u64| (2 * at * frames + ticks) / (2 * ticks);
            let last = playback.codes().frames() as u64;
            let whole = region.map(|(start, end)| {
                let start = frame(start).min(last.saturating_sub(1));
                (start, frame(end).clamp(start + 1, last.max(start + 1)))
            });
            playback.repeat(whole.map(|(start, end)| start as u32..end as u32));
            let sample = |frame: u64| (frame * ticks).div_ceil(*frames);
            self.playhead.repeat(whole.map(|(start, end)| (sample(start), sample(end))));
        } else {
            self.playhead.repeat(region);
        }
    }

    /// Most samples for [`SourcePlayer::run`].
    pub fn max_block(&self) -> usize {
        self.max_block
    }

    /// Runs up to [`SourcePlayer::max_block`] samples, from `at` to `end`, in place; returns how many: fewer
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

    /// Copies the next samples of the source to the port's planes; returns how many.
    fn take(&mut self, planes: &[&mut [f32]], at: usize, end: usize) -> usize {
        let wanted = (end - at).min(self.max_block);
        match &self.source {
            PlayerSource::Microphone => {
                for (channel, own) in self.planes.iter_mut().enumerate() {
                    let plane = &planes[channel.min(planes.len() - 1)];
                    own[..wanted].copy_from_slice(&plane[at..at + wanted]);
                }
                return wanted;
            }
            PlayerSource::Feed => {
                self.planes.iter_mut().for_each(|own| own[..wanted].fill(0.0));
                return wanted;
            }
            PlayerSource::Audio(_) | PlayerSource::Codes { .. } => {}
        }
        let latency = self.latency();
        let mut done = 0;
        while done < wanted {
            match self.playhead.next(wanted - done, latency) {
                NextSamples::Ended => break,
                NextSamples::Silence(count) => {
                    self.planes.iter_mut().for_each(|own| own[done..done + count].fill(0.0));
                    done += count;
                }
                NextSamples::Samples(range) => {
                    let (start, stop) = (range.start as usize, range.end as usize);
                    let count = stop - start;
                    for (channel, own) in self.planes.iter_mut().enumerate() {
                        let own = &mut own[done..done + count];
                        match &self.source {
                            PlayerSource::Audio(audio) => {
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
