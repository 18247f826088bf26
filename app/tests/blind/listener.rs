//! Headphones that remember what they play, and listeners who hear what is in them.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use residue_app::blind::{
    AuditionPlayer, CodecContender, Contender, PassagePosition, RenderRequest, RenderedPassages,
    TestMaterial,
};
use residue_app::blind::{Ladder, render};
use residue_app::studio::Stimuli;
use residue_engine::audio::{self, Audio};
use residue_engine::codec::Precision;
use residue_engine::models::{EMBEDDED, JobContext, ModelStore};

pub const RATE: u32 = 24_000;

/// Plays nothing, and knows what it would play.
#[derive(Clone, Default)]
pub struct Headphones(pub Rc<RefCell<State>>);

#[derive(Default)]
pub struct State {
    pub off: bool,
    pub stimuli: Option<Arc<Stimuli>>,
    pub index: usize,
    pub playing: bool,
    pub muted: bool,
    pub auditions: usize,
}

impl AuditionPlayer for Headphones {
    fn rate(&self) -> Option<u32> {
        (!self.0.borrow().off).then_some(RATE)
    }

    fn start(&mut self) {
        self.0.borrow_mut().off = false;
    }

    fn muted(&self) -> bool {
        self.0.borrow().muted
    }

    fn set_muted(&mut self, muted: bool) {
        self.0.borrow_mut().muted = muted;
    }

    fn audition(&mut self, stimuli: Arc<Stimuli>) {
        let mut state = self.0.borrow_mut();
        (state.stimuli, state.index, state.playing) = (Some(stimuli), 0, true);
        state.auditions += 1;
    }

    fn select(&mut self, index: usize) {
        self.0.borrow_mut().index = index;
    }

    fn set_playing(&mut self, playing: bool) {
        self.0.borrow_mut().playing = playing;
    }

    fn position(&self) -> Option<PassagePosition> {
        let state = self.0.borrow();
        let length = state.stimuli.as_ref()?.planes[0].seconds();
        Some(PassagePosition { seconds: length / 3.0, length })
    }

    fn end(&mut self) {
        let mut state = self.0.borrow_mut();
        (state.stimuli, state.playing) = (None, false);
    }
}

impl Headphones {
    /// Returns the audio that is heard now.
    pub fn heard(&self) -> Audio {
        let state = self.0.borrow();
        state.stimuli.as_ref().expect("something plays").planes[state.index].clone()
    }
}

/// How far `heard` is from `reference`: power of the difference against that of the reference, in dB.
pub fn distance_db(reference: &Audio, heard: &Audio) -> f64 {
    let power =
        |samples: &mut dyn Iterator<Item = f32>| samples.map(|x| f64::from(x).powi(2)).sum::<f64>();
    let (a, b) = (&reference.channels, &heard.channels);
    let mut pairs = a.iter().flatten().zip(b.iter().flatten());
    let difference = power(&mut std::iter::from_fn(|| pairs.next().map(|(a, b)| a - b)));
    10.0 * (difference / power(&mut a.iter().flatten().copied())).log10()
}

/// A moment of the demo clip of speech, from second to second.
pub fn speech(region: Option<(f64, f64)>) -> TestMaterial {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../assets/clips/speech.flac");
    let audio = Arc::new(audio::read(&path).unwrap().audio);
    TestMaterial { name: "speech.flac".into(), sha256: "c0de".into(), audio, region }
}

/// A depth of the embedded model.
pub fn depth(depth: usize) -> Contender {
    Contender::Codec(CodecContender { model: EMBEDDED.into(), precision: Precision::F32, depth })
}

/// 1.2 seconds of speech as these.
pub fn rendered(contenders: &[Contender]) -> RenderedPassages {
    let request = RenderRequest {
        material: speech(Some((1.0, 2.2))),
        contenders: contenders.to_vec(),
        rate: RATE,
        match_levels: true,
    };
    render(&request, &ModelStore::from_env(), &JobContext::new(Arc::new(|| ()))).unwrap()
}

/// A ladder over the same passage, with its model loaded.
pub fn ladder() -> Ladder {
    let material = speech(Some((1.0, 2.2)));
    let model = (EMBEDDED.to_owned(), Precision::F32);
    let ladder =
        Ladder::start(material, model, RATE, true, ModelStore::from_env(), Arc::new(|| ()));
    while ladder.layers().is_none() {
        if let Some(error) = ladder.take_error() {
            panic!("{error}");
        }
        pause();
    }
    ladder
}

/// Gives other threads time.
pub fn pause() {
    thread::sleep(Duration::from_millis(5));
}
