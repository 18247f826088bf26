//! Trials of "X is A or B; which?": a fixed pair, or the original beside a depth that follows the
//! answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use residue_engine::blind::{
    AbxSide, AbxTest, BlindTestReport, ComparedStimulus, ListeningConditions, MAX_TRIALS,
    RandomSource, Staircase, TestResult,
};

use crate::blind::{BlindError, Ladder, Player, Rendered};
use crate::studio::Stimuli;

/// What can be listened to in a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Label {
    /// The first of the two.
    A,
    /// The second.
    B,
    /// One of them.
    X,
}

impl Label {
    /// All of them, in the order they are shown.
    pub const ALL: [Self; 3] = [Self::A, Self::B, Self::X];

    /// `A`, `B` or `X`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "A",
            Self::B => "B",
            Self::X => "X",
        }
    }
}

/// How far a test is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TrialCount {
    /// Trials answered.
    pub answered: usize,
    /// Trials there will be, or at most.
    pub of: usize,
    /// Whether there will be exactly so many.
    pub exactly: bool,
}

enum Kind {
    Abx {
        test: AbxTest,
        rendered: Rendered,
    },
    Threshold {
        test: Staircase,
        ladder: Ladder,
        heard: ListeningConditions,
        /// By depth, of what was heard.
        compared: BTreeMap<usize, Vec<ComparedStimulus>>,
    },
}

/// An ABX test or a threshold finder. Answers are final, and nothing of what X was comes out before
/// [`Trials::report`] does.
///
/// Every trial starts from the passage's start with A, whatever X is, so that the change from one X
/// to the next cannot be heard. X has to be listened to before an answer is taken.
pub struct Trials {
    kind: Kind,
    /// The trial at hand plays.
    presented: bool,
    playing: Label,
    heard_x: bool,
    report: Option<BlindTestReport>,
}

impl Trials {
    /// An ABX test of the first two of what was rendered. The number of trials is chosen before.
    ///
    /// # Errors
    /// If there are no random numbers.
    pub fn abx(
        rendered: Rendered,
        trials: usize,
        draw: Box<dyn RandomSource>,
    ) -> Result<Self, BlindError> {
        Ok(Self::new(Kind::Abx { test: AbxTest::new(trials, draw)?, rendered }))
    }

    /// A threshold finder over all depths of a ladder whose model is loaded.
    ///
    /// # Errors
    /// If there are no random numbers, or the model is not loaded yet.
    pub fn threshold(ladder: Ladder, draw: Box<dyn RandomSource>) -> Result<Self, BlindError> {
        let (Some(layers), Some(heard)) = (ladder.layers(), ladder.heard()) else {
            return Err(BlindError::NoResult { what: "loading the model" });
        };
        let test = Staircase::new(layers, draw)?;
        ladder.want(&test.reachable());
        Ok(Self::new(Kind::Threshold { test, ladder, heard, compared: BTreeMap::new() }))
    }

    fn new(kind: Kind) -> Self {
        Self { kind, presented: false, playing: Label::A, heard_x: false, report: None }
    }

    /// Plays the trial at hand as soon as it can. Call it often; once a frame of a window.
    ///
    /// # Errors
    /// What kept it from being made.
    pub fn tick(&mut self, player: &mut dyn Player) -> Result<(), BlindError> {
        if let Kind::Threshold { ladder, .. } = &self.kind
            && let Some(error) = ladder.take_error()
        {
            return Err(error);
        }
        if !self.presented
            && self.report.is_none()
            && let Some(stimuli) = self.ready()
        {
            player.audition(stimuli);
            (self.presented, self.playing, self.heard_x) = (true, Label::A, false);
        }
        Ok(())
    }

    /// What the trial at hand plays, once it and whatever may follow it are there: were the next one
    /// waited for after the answer, the wait would tell which one it is.
    fn ready(&self) -> Option<Arc<Stimuli>> {
        match &self.kind {
            Kind::Abx { rendered, .. } => Some(Arc::clone(&rendered.stimuli)),
            Kind::Threshold { test, ladder, .. } => ladder
                .has(&test.reachable())
                .then(|| ladder.rung(test.depth()))
                .flatten()
                .map(|rung| rung.stimuli),
        }
    }

    /// What has to be waited for, with the share that is done; `None` if the trial plays.
    pub fn waiting(&self) -> Option<(String, f32)> {
        match &self.kind {
            Kind::Threshold { ladder, .. } if !self.presented && self.report.is_none() => {
                Some(ladder.progress())
            }
            _ => None,
        }
    }

    /// Listens to another one, at the same place.
    pub fn listen(&mut self, label: Label, player: &mut dyn Player) {
        if !self.presented || self.report.is_some() {
            return;
        }
        let side = |side| usize::from(side == AbxSide::B);
        player.select(match label {
            Label::A => 0,
            Label::B => 1,
            Label::X => side(self.x()),
        });
        self.playing = label;
        self.heard_x |= label == Label::X;
    }

    fn x(&self) -> AbxSide {
        match &self.kind {
            Kind::Abx { test, .. } => test.x(),
            Kind::Threshold { test, .. } => test.x(),
        }
    }

    /// What is listened to; `None` between trials and after the last.
    pub fn playing(&self) -> Option<Label> {
        (self.presented && self.report.is_none()).then_some(self.playing)
    }

    /// Whether an answer would be taken: X has been listened to.
    pub fn may_answer(&self) -> bool {
        self.playing().is_some() && self.heard_x
    }

    /// Takes the answer to the trial at hand, for good. Does nothing where none may be given.
    ///
    /// # Errors
    /// If there are no random numbers; the answer then does not count.
    pub fn answer(&mut self, answer: AbxSide, player: &mut dyn Player) -> Result<(), BlindError> {
        if !self.may_answer() {
            return Ok(());
        }
        let finished = match &mut self.kind {
            Kind::Abx { test, rendered } => {
                test.answer(answer)?;
                test.result().map(|result| (rendered.heard.clone(), TestResult::Abx(result)))
            }
            Kind::Threshold { test, ladder, heard, compared } => {
                if let Some(rung) = ladder.rung(test.depth()) {
                    compared.insert(test.depth(), rung.compared);
                }
                test.answer(answer)?;
                ladder.want(&test.reachable());
                test.result().map(|result| {
                    let compared = compared.values().flatten().cloned().collect();
                    (
                        ListeningConditions { compared, ..heard.clone() },
                        TestResult::Staircase(result),
                    )
                })
            }
        };
        self.presented = false;
        if let Some((heard, findings)) = finished {
            self.report = Some(BlindTestReport::new(heard, findings));
            player.end();
            return Ok(());
        }
        self.tick(player)
    }

    /// What a label is, as far as a listener may know: for a threshold finder not the depth, which
    /// tells whether answers were right.
    pub fn detail(&self, label: Label) -> &str {
        match (&self.kind, label) {
            (_, Label::X) => "one of the two",
            (Kind::Abx { rendered, .. }, Label::A) => &rendered.heard.compared[0].name,
            (Kind::Abx { rendered, .. }, Label::B) => &rendered.heard.compared[1].name,
            (Kind::Threshold { .. }, Label::A) => "the original",
            (Kind::Threshold { .. }, Label::B) => "some depth",
        }
    }

    /// How far the test is.
    pub fn count(&self) -> TrialCount {
        match &self.kind {
            Kind::Abx { test, .. } => {
                TrialCount { answered: test.answered(), of: test.planned(), exactly: true }
            }
            Kind::Threshold { test, .. } => {
                TrialCount { answered: test.answered(), of: MAX_TRIALS, exactly: false }
            }
        }
    }

    /// Rate that the trials are made for.
    pub fn rate(&self) -> u32 {
        match &self.kind {
            Kind::Abx { rendered, .. } => rendered.heard.played_rate,
            Kind::Threshold { heard, .. } => heard.played_rate,
        }
    }

    /// What came of it, once all trials are answered and not before.
    pub fn report(&self) -> Option<&BlindTestReport> {
        self.report.as_ref()
    }
}
