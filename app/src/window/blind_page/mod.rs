//! The page for blind listening: set-up, waiting, the test, the result.
//!
//! Everything works by keyboard alone. While a test runs ([`BlindPage::is_testing`]) a window must show
//! nothing else of what is heard, such as meters or spectrograms: they would tell the answers.

mod answers;
mod big_button;
mod contender_editor;
mod fader;
mod keys;
mod offer;
mod rating_view;
mod result_view;
mod setup;
mod setup_view;
mod staircase_plot;
mod trial_view;
mod waiting_view;

use std::path::PathBuf;
use std::sync::Arc;

use egui::{RichText, ScrollArea, Ui};
use residue_engine::blind::{AbxSide, BlindTestReport, RandomSource, SystemRandom};
use residue_ui::{FRAME, Theme};

use crate::blind::{
    BlindError, Brief, Ladder, Player, Ratings, Rendered, Shelf, Task, Trials, Wake, render,
};

pub use offer::Offer;
pub use setup::{Setup, TestKind};

use result_view::Saving;

/// Widest that the page grows, in points: longer lines are hard to read.
const WIDTH: f32 = 680.0;

/// Makes sources of random choices.
pub type Draws = Box<dyn FnMut() -> Box<dyn RandomSource>>;

/// The page and the test that runs on it.
pub struct BlindPage {
    /// What is to be tested.
    pub setup: Setup,
    /// Where reports go; empty: beside the file that was listened to.
    pub folder: String,
    stage: Stage,
    problem: Option<String>,
    /// The output was silent before the test and is to be again after.
    mute_after: bool,
    playing: bool,
    shelf: Arc<Shelf>,
    wake: Wake,
    draws: Draws,
}

enum Stage {
    Setup,
    Rendering(Task<Rendered>),
    Climbing(Ladder),
    Trials { test: Box<Trials>, stopping: bool, chosen: Option<AbxSide> },
    Ratings { test: Box<Ratings>, stopping: bool },
    Over { report: Box<BlindTestReport>, saving: Saving },
}

/// What a view asks for.
enum Wish {
    Start,
    Stop,
    SetUp,
    Finished(Box<BlindTestReport>),
    Failed(BlindError),
}

impl BlindPage {
    /// A page that draws from the system's random numbers. `wake` asks for the window to be drawn
    /// again, from any thread.
    pub fn new(shelf: Arc<Shelf>, wake: Wake) -> Self {
        Self::with_draws(shelf, wake, Box::new(|| Box::new(SystemRandom)))
    }

    /// A page that draws from something else: for tests of the page.
    pub fn with_draws(shelf: Arc<Shelf>, wake: Wake, draws: Draws) -> Self {
        Self {
            setup: Setup::default(),
            folder: String::new(),
            stage: Stage::Setup,
            problem: None,
            mute_after: false,
            playing: false,
            shelf,
            wake,
            draws,
        }
    }

    /// Whether a test runs: nothing else may show what is heard, and keys belong to the page.
    pub fn is_testing(&self) -> bool {
        matches!(self.stage, Stage::Trials { .. } | Stage::Ratings { .. })
    }

    /// The finished test that is shown.
    pub fn report(&self) -> Option<&BlindTestReport> {
        match &self.stage {
            Stage::Over { report, .. } => Some(report),
            _ => None,
        }
    }

    /// Ends what runs, as when another page is shown or the window closes. A test that is not over
    /// leaves nothing behind.
    pub fn close(&mut self, player: &mut dyn Player) {
        if !matches!(self.stage, Stage::Over { .. }) {
            self.leave(player);
        }
    }

    fn leave(&mut self, player: &mut dyn Player) {
        if self.is_testing() {
            player.end();
            self.restore_mute(player);
        }
        self.stage = Stage::Setup;
    }

    fn restore_mute(&mut self, player: &mut dyn Player) {
        if std::mem::take(&mut self.mute_after) {
            player.set_muted(true);
        }
    }

    /// Draws the page, as wide as `ui` allows.
    pub fn show(&mut self, ui: &mut Ui, offer: &Offer, player: &mut dyn Player) {
        self.advance(offer, player);
        let mut wish = None;
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let side = ((ui.available_width() - WIDTH) / 2.0).max(0.0);
            egui::Frame::NONE.inner_margin(egui::vec2(side, 0.0)).show(ui, |ui| {
                ui.set_width(ui.available_width().min(WIDTH));
                wish = self.show_stage(ui, offer, player);
                if let Some(problem) = &self.problem {
                    let theme = Theme::of(ui);
                    ui.add_space(8.0);
                    ui.label(RichText::new(problem).color(theme.alert));
                }
            });
        });
        if let Some(wish) = wish {
            self.fulfil(wish, offer, player);
            ui.ctx().request_repaint();
        }
        if self.is_testing() {
            ui.ctx().request_repaint_after(FRAME);
        }
    }

    fn show_stage(&mut self, ui: &mut Ui, offer: &Offer, player: &mut dyn Player) -> Option<Wish> {
        match &mut self.stage {
            Stage::Setup => setup_view::show(ui, &mut self.setup, offer, player),
            Stage::Rendering(task) => waiting_view::show(ui, task.progress()),
            Stage::Climbing(ladder) => waiting_view::show(ui, ladder.progress()),
            Stage::Trials { test, stopping, chosen } => {
                trial_view::show(ui, test, (stopping, chosen, &mut self.playing), player)
            }
            Stage::Ratings { test, stopping } => {
                rating_view::show(ui, test, (stopping, &mut self.playing), player)
            }
            Stage::Over { report, saving } => {
                result_view::show(ui, report, saving, &mut self.folder)
            }
        }
    }

    fn fulfil(&mut self, wish: Wish, offer: &Offer, player: &mut dyn Player) {
        self.problem = None;
        match wish {
            Wish::Start => self.start(offer, player),
            Wish::Stop => self.leave(player),
            Wish::SetUp => self.stage = Stage::Setup,
            Wish::Finished(report) => {
                self.restore_mute(player);
                if self.folder.is_empty()
                    && let Some(folder) = offer.folder()
                {
                    self.folder = folder.display().to_string();
                }
                self.stage = Stage::Over { report, saving: Saving::default() };
            }
            Wish::Failed(error) => {
                self.leave(player);
                self.problem = Some(error.to_string());
            }
        }
    }

    /// Begins to make what is to be heard.
    fn start(&mut self, offer: &Offer, player: &mut dyn Player) {
        let (Some(material), Some(rate)) = (self.setup.material(offer), player.rate()) else {
            self.stage = Stage::Setup;
            return;
        };
        let (shelf, wake) = (Arc::clone(&self.shelf), Arc::clone(&self.wake));
        let match_levels = self.setup.match_levels;
        self.stage = match self.setup.test {
            TestKind::Threshold => {
                let model = (self.setup.model.clone(), self.setup.precision);
                Stage::Climbing(Ladder::start(material, model, rate, match_levels, shelf, wake))
            }
            TestKind::Abx | TestKind::Rating => {
                let contenders = self.setup.contenders();
                let brief = Brief { material, contenders, rate, match_levels };
                Stage::Rendering(Task::start(wake, move |watch| render(&brief, &shelf, watch)))
            }
        };
    }

    /// Goes on where threads have done their part.
    fn advance(&mut self, offer: &Offer, player: &mut dyn Player) {
        let next = match &mut self.stage {
            Stage::Rendering(task) => match task.poll() {
                Some(rendered) => rendered.and_then(|rendered| self.begin(rendered)),
                None => return,
            },
            Stage::Climbing(ladder) => {
                if let Some(error) = ladder.take_error() {
                    Err(error)
                } else if ladder.layers().is_some() {
                    self.begin_trials()
                } else {
                    return;
                }
            }
            Stage::Trials { test, .. } => match test.tick(player) {
                Ok(()) => return,
                Err(error) => Err(error),
            },
            Stage::Ratings { test, .. } => {
                test.tick(player);
                return;
            }
            Stage::Setup | Stage::Over { .. } => return,
        };
        match next {
            Ok(stage) => {
                self.stage = stage;
                self.playing = true;
                self.mute_after = player.muted();
                player.set_muted(false);
            }
            Err(BlindError::Cancelled) => self.stage = Stage::Setup,
            Err(error) => self.fulfil(Wish::Failed(error), offer, player),
        }
    }

    fn begin(&mut self, rendered: Rendered) -> Result<Stage, BlindError> {
        let mut draw = (self.draws)();
        Ok(if self.setup.test == TestKind::Rating {
            let test = Box::new(Ratings::new(rendered, &mut *draw)?);
            Stage::Ratings { test, stopping: false }
        } else {
            let test = Box::new(Trials::abx(rendered, self.setup.trials, draw)?);
            Stage::Trials { test, stopping: false, chosen: None }
        })
    }

    fn begin_trials(&mut self) -> Result<Stage, BlindError> {
        let Stage::Climbing(ladder) = std::mem::replace(&mut self.stage, Stage::Setup) else {
            return Ok(Stage::Setup);
        };
        let test = Box::new(Trials::threshold(ladder, (self.draws)())?);
        Ok(Stage::Trials { test, stopping: false, chosen: None })
    }
}

/// Where reports go if nothing else is said.
fn beside(file: &std::path::Path) -> Option<PathBuf> {
    file.parent().map(|folder| folder.join("blind"))
}
