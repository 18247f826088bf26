//! The code of the audio thread. Everything here is realtime-safe once made, except that dropping frees
//! memory.
//!
//! [`SoundControls`] come and [`SoundStatus`] goes through triple buffers: the newest value counts. Two
//! rings carry ownership and nothing else: a [`SoundObject`] comes to be played, and a [`RetiredObject`]
//! goes back to be freed. [`SoundLink`] is the other end of all four.
//!
//! A gate fades the sound out before a change that would click: a stop, a seek, another player, the start
//! or the end of an audition. The states of [`SoundEngine`], where *change* stands for any of these:
//!
//! ```text
//!              change, player is to run
//!    +--------+ -----------------------> +---------+ <-- change taken back --+
//!    | Silent |                          | Playing | ----- change ---------> | FadingOut(Player)
//!    +--------+ <-- end of the file ---- +---------+                         |
//!      |    ^                                                   gate closed: make the changes, then
//!      |    |                                                   Silent, Playing, Auditioning or Held
//!    change |                            change taken back                   |
//!      v    |                          +---------------------+               |
//!    +-------------+ <-----------------+                     |               |
//!    | Auditioning | ----- change ---------------------------+-----> FadingOut(Audition)
//!    +-------------+                                         ^
//!      | held ^ goes on                                      |
//!      v      |                                              |
//!    +--------+                                              |
//!    |  Held  | -------------------- change -----------------+
//!    +--------+
//! ```
//!
//! Where the gate is closed already, a change is made at once.

mod audition;
mod controls;
mod engine;
mod file_playhead;
mod link;
mod recording_ring;
mod source_player;

use std::time::Duration;

pub use audition::Audition;
pub use controls::{AuditionControls, NO_PLAYER, SoundControls, SoundStatus, TransportControls};
pub use engine::SoundEngine;
pub use link::{SoundLink, SoundObject};
pub use recording_ring::{KINDS, RecordingFlags, RecordingReader, RecordingSink, recording_ring};
pub use source_player::{PlayerSource, SourcePlayer, StartPosition};

/// Length of a fade before and after a change.
const FADE: Duration = Duration::from_millis(5);
/// Length of a change of volume or mute.
const GLIDE: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::Ordering::Relaxed;

    use residue_engine::audio::Audio;
    use residue_engine::codec::{Codec, CodecOptions};
    use residue_engine::live::{
        Allowance, CodecModel, ListeningSource, PortConfig, PortControl, PortSettings, open_port,
    };
    use residue_engine::models::embedded;

    use super::super::state::Stimuli;
    use super::link::RetiredObject;
    use super::*;

    const RATE: u32 = 24_000;

    fn silent() -> SoundControls {
        SoundControls {
            settings: PortSettings::default(),
            gain: 0.0,
            transport: TransportControls::default(),
            audition: None,
            recording: Some(1),
        }
    }

    fn audio(length: usize) -> Audio {
        let plane = (0..length).map(|n| 0.3 * (n as f32 * 0.05).sin()).collect();
        Audio::new(RATE, vec![plane])
    }

    fn player(codec: &Codec, serial: u64, begin: StartPosition) -> (SoundObject, PortControl) {
        // A measured allowance would make the latency, and with it the end, depend on the machine's load.
        let allowance = Allowance::Samples(240);
        let config = PortConfig { allowance, ..PortConfig::new(RATE, 1, 128) };
        let (mut port, control) = open_port(&config, &CodecModel(codec.clone())).unwrap();
        port.set_offline(true);
        let source = PlayerSource::Audio(Arc::new(audio(12_000)));
        let transport = TransportControls {
            player: serial,
            playing: true,
            region: Some((1000, 5000)),
            ..TransportControls::default()
        };
        let player = SourcePlayer::new(port, 128, source, begin, transport);
        (SoundObject::Player(Box::new(player)), control)
    }

    enum Step {
        Controls(fn(&mut SoundControls)),
        Object(SoundObject),
        Nothing,
    }

    fn request(controls: &mut SoundControls) -> u64 {
        controls.transport.request += 1;
        controls.transport.request
    }

    /// Everything that the audio thread may be sent, at any moment, without the allocator.
    #[test]
    fn the_audio_thread_leaves_the_allocator_alone() {
        let model = embedded();
        let codec =
            Codec::load_from_memory(model.config, model.weights, &CodecOptions::default()).unwrap();
        let mut controls = SoundControls {
            gain: 1.0,
            transport: TransportControls {
                player: 1,
                playing: true,
                region: Some((1000, 5000)),
                ..TransportControls::default()
            },
            ..silent()
        };
        let (mut engine, mut link) = SoundLink::connect(RATE, controls);
        let (first, _first) = player(&codec, 1, StartPosition::At(0));
        let (second, _second) = player(&codec, 2, StartPosition::Resume);
        let (sink, mut reader, flags) = recording_ring(1, 48_000, 1, 2);
        let (early, _, refused) = recording_ring(1, 100, 1, 7);
        let stimuli =
            Arc::new(Stimuli { rate: RATE, planes: vec![audio(3000), audio(3000)], region: None });
        let audition = Box::new(Audition::new(1, stimuli, RATE).unwrap());
        let steps = vec![
            Step::Nothing,
            Step::Object(first),
            Step::Object(SoundObject::Recording(Box::new(early))),
            Step::Controls(|controls| {
                controls.settings.source = ListeningSource::DryMinusB;
                controls.settings.frames.depths = [3, 9];
            }),
            Step::Controls(|controls| controls.transport.seek = (request(controls), 7000)),
            Step::Controls(|controls| {
                request(controls);
                controls.transport.playing = false;
            }),
            Step::Controls(|controls| controls.gain = 0.5),
            Step::Controls(|controls| {
                controls.transport.play_request = request(controls);
                controls.transport.playing = true;
            }),
            Step::Controls(|controls| controls.transport.player = 2),
            Step::Object(second),
            Step::Nothing,
            Step::Object(SoundObject::Recording(Box::new(sink))),
            Step::Controls(|controls| controls.transport.region = None),
            Step::Controls(|controls| {
                controls.audition = Some(AuditionControls { serial: 1, index: 1, held: false });
            }),
            Step::Object(SoundObject::Audition(audition)),
            Step::Controls(|controls| {
                controls.audition = Some(AuditionControls { serial: 1, index: 0, held: true });
            }),
            Step::Controls(|controls| controls.audition = None),
            Step::Controls(|controls| controls.transport.seek = (request(controls), 11_000)),
        ];
        let (mut left, mut right) = (vec![0.0; 300], vec![0.0; 300]);
        let mut loudest = 0.0f32;
        for step in steps {
            match step {
                Step::Controls(change) => {
                    change(&mut controls);
                    link.publish(controls);
                }
                Step::Object(object) => link.send(object),
                Step::Nothing => {}
            }
            for _ in 0..6 {
                residue_engine_testing::allocation::without_allocation(|| {
                    engine.process(&mut [&mut left, &mut right])
                });
                loudest = left.iter().fold(loudest, |most, x| most.max(x.abs()));
                assert_eq!(left, right);
            }
        }
        assert!(loudest > 0.1);
        flags.stop.store(true, Relaxed);
        residue_engine_testing::allocation::without_allocation(|| {
            engine.process(&mut [&mut left, &mut right])
        });
        let mut retired = Vec::new();
        while let Some(object) = link.retired() {
            retired.push(match object {
                RetiredObject::Player(_) => "player",
                RetiredObject::Recording(_) => "recording",
                RetiredObject::Audition(_) => "audition",
            });
        }
        assert_eq!(retired, ["recording", "player", "audition", "recording"]);
        assert!(flags.ended.load(Relaxed) && refused.ended.load(Relaxed));
        let mut recorded = 0;
        while reader.next(|_, count, _| recorded += count) {}
        assert!(recorded > 4000, "{recorded} samples");
        // The end has been heard.
        let status = link.status();
        assert_eq!((status.heard, status.playing, status.player), (12_000, false, 2));
        assert_eq!(status.request, controls.transport.request);
    }

    /// However many objects and controls come while the audio thread stands still: none is lost, those
    /// that were overtaken are given back, and the newest controls count.
    #[test]
    fn nothing_is_lost_while_the_audio_thread_stands_still() {
        let mut controls = SoundControls { gain: 1.0, ..silent() };
        let (mut engine, mut link) = SoundLink::connect(RATE, controls);
        let stimuli = Arc::new(Stimuli { rate: RATE, planes: vec![audio(3000)], region: None });
        for serial in 1..=100 {
            controls.audition = Some(AuditionControls { serial, index: 0, held: false });
            link.publish(controls);
            let audition = Audition::new(serial, Arc::clone(&stimuli), RATE).unwrap();
            link.send(SoundObject::Audition(Box::new(audition)));
        }
        let mut plane = vec![0.0; 300];
        let mut retired = 0;
        for _ in 0..100 {
            link.flush();
            engine.process(&mut [&mut plane]);
            while link.retired().is_some() {
                retired += 1;
            }
        }
        assert_eq!(retired, 99);
        assert!(plane.iter().any(|x| x.abs() > 0.1));
        assert!(link.status().audition > 0);
        drop((engine, link));
        assert_eq!(Arc::strong_count(&stimuli), 1);
    }
}
