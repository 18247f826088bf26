//! Trials of "X is A or B; which?": a fixed pair, or the original beside a depth that follows the
//! answers.

use std::collections::BTreeMap;
use std::sync::Arc;

use residue_engine::blind::{
    AbxSide, AbxTest, BlindTestReport, ComparedStimulus, ListeningConditions, MAX_TRIALS,
    RandomSource, Staircase, TestResult,
};

use residue_engine::models::StepProgress;

use crate::blind::{AuditionPlayer, BlindError, Ladder, RenderedPassages};
use crate::studio::Stimuli;

/// The buttons of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TrialLabel {
    /// The first of the two.
    A,
    /// The second.
    B,
    /// One of them.
    X,
}

impl TrialLabel {
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

/// Progress of a test in trials.
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
        rendered: RenderedPassages,
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
    playing: TrialLabel,
    heard_x: bool,
    report: Option<BlindTestReport>,
}

impl Trials {
    /// An ABX test of the first two of what was rendered. The number of trials is chosen before.
    ///
    /// # Errors
    /// If there are no random numbers.
    pub fn abx(
        rendered: RenderedPassages,
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
        ladder.request(&test.reachable());
        Ok(Self::new(Kind::Threshold { test, ladder, heard, compared: BTreeMap::new() }))
    }

    fn new(kind: Kind) -> Self {
        Self { kind, presented: false, playing: TrialLabel::A, heard_x: false, report: None }
    }

    /// Plays the trial at hand as soon as it can. Call it often; once a frame of a window.
    ///
    /// # Errors
    /// If the trial cannot be rendered.
    pub fn tick(&mut self, player: &mut dyn AuditionPlayer) -> Result<(), BlindError> {
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
            (self.presented, self.playing, self.heard_x) = (true, TrialLabel::A, false);
        }
        Ok(())
    }

    /// The stimuli of the trial at hand, once they and all that may follow are rendered: were the next one
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

    /// Returns the step that is waited for, with its progress; `None` if the trial plays.
    pub fn waiting(&self) -> Option<StepProgress> {
        match &self.kind {
            Kind::Threshold { ladder, .. } if !self.presented && self.report.is_none() => {
                Some(ladder.progress())
            }
            _ => None,
        }
    }

    /// Listens to another one, at the same place.
    pub fn listen(&mut self, label: TrialLabel, player: &mut dyn AuditionPlayer) {
        if !self.presented || self.report.is_some() {
            return;
        }
        let side = |side| usize::from(side == AbxSide::B);
        player.select(match label {
            TrialLabel::A => 0,
            TrialLabel::B => 1,
            TrialLabel::X => side(self.x()),
        });
        self.playing = label;
        self.heard_x |= label == TrialLabel::X;
    }

    fn x(&self) -> AbxSide {
        match &self.kind {
            Kind::Abx { test, .. } => test.x(),
            Kind::Threshold { test, .. } => test.x(),
        }
    }

    /// The label that is heard; `None` between trials and after the last.
    pub fn playing(&self) -> Option<TrialLabel> {
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
    pub fn answer(
        &mut self,
        answer: AbxSide,
        player: &mut dyn AuditionPlayer,
    ) -> Result<(), BlindError> {
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
                ladder.request(&test.reachable());
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

    /// The meaning of a label, as far as a listener may know: for a threshold finder not the depth, which
    /// tells whether answers were right.
    pub fn detail(&self, label: TrialLabel) -> &str {
        match (&self.kind, label) {
            (_, TrialLabel::X) => "one of the two",
            (Kind::Abx { rendered, .. }, TrialLabel::A) => &rendered.heard.compared[0].name,
            (Kind::Abx { rendered, .. }, TrialLabel::B) => &rendered.heard.compared[1].name,
            (Kind::Threshold { .. }, TrialLabel::A) => "the original",
            (Kind::Threshold { .. }, TrialLabel::B) => "some depth",
        }
    }

    /// Progress of the test.
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

    /// The report, once all trials are answered and not before.
    pub fn report(&self) -> Option<&BlindTestReport> {
        self.report.as_ref()
    }
}
