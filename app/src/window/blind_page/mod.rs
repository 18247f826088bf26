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
use residue_engine::models::{Job, JobContext, ModelStore, Wake};
use residue_ui::{FRAME, Theme};

use crate::blind::{
    AuditionPlayer, BlindError, Ladder, Ratings, RenderRequest, RenderedPassages, Trials, render,
};

pub use offer::TestableSound;
pub use setup::{BlindTestKind, BlindTestSetup};

use result_view::ReportSaving;

/// Widest that the page grows, in points: longer lines are hard to read.
const WIDTH: f32 = 680.0;

/// Makes sources of random choices.
pub type RandomSourceFactory = Box<dyn FnMut() -> Box<dyn RandomSource>>;

/// The page and the test that runs on it.
pub struct BlindPage {
    /// The test that is set up.
    pub setup: BlindTestSetup,
    /// The folder of reports; empty: beside the file that was listened to.
    pub folder: String,
    stage: PageStage,
    problem: Option<String>,
    /// The output was silent before the test and is to be again after.
    mute_after: bool,
    playing: bool,
    store: ModelStore,
    wake: Wake,
    draws: RandomSourceFactory,
}

enum PageStage {
    Setup,
    Rendering(Job<RenderedPassages, BlindError>),
    Climbing(Ladder),
    Trials { test: Box<Trials>, stopping: bool, chosen: Option<AbxSide> },
    Ratings { test: Box<Ratings>, stopping: bool },
    Over { report: Box<BlindTestReport>, saving: ReportSaving },
}

/// A request of a view to the page.
enum PageRequest {
    Start,
    Stop,
    SetUp,
    Finished(Box<BlindTestReport>),
    Failed(BlindError),
}

impl BlindPage {
    /// A page that draws from the system's random numbers. `wake` asks for the window to be drawn
    /// again, from any thread.
    pub fn new(store: ModelStore, wake: Wake) -> Self {
        Self::with_draws(store, wake, Box::new(|| Box::new(SystemRandom)))
    }

    /// A page that draws from something else: for tests of the page.
    pub fn with_draws(store: ModelStore, wake: Wake, draws: RandomSourceFactory) -> Self {
        Self {
            setup: BlindTestSetup::default(),
            folder: String::new(),
            stage: PageStage::Setup,
            problem: None,
            mute_after: false,
            playing: false,
            store,
            wake,
            draws,
        }
    }

    /// Whether a test runs: nothing else may show what is heard, and keys belong to the page.
    pub fn is_testing(&self) -> bool {
        matches!(self.stage, PageStage::Trials { .. } | PageStage::Ratings { .. })
    }

    /// The finished test that is shown.
    pub fn report(&self) -> Option<&BlindTestReport> {
        match &self.stage {
            PageStage::Over { report, .. } => Some(report),
            _ => None,
        }
    }

    /// Ends what runs, as when another page is shown or the window closes. A test that is not over
    /// leaves nothing behind.
    pub fn close(&mut self, player: &mut dyn AuditionPlayer) {
        if !matches!(self.stage, PageStage::Over { .. }) {
            self.leave(player);
        }
    }

    fn leave(&mut self, player: &mut dyn AuditionPlayer) {
        if self.is_testing() {
            player.end();
            self.restore_mute(player);
        }
        self.stage = PageStage::Setup;
    }

    fn restore_mute(&mut self, player: &mut dyn AuditionPlayer) {
        if std::mem::take(&mut self.mute_after) {
            player.set_muted(true);
        }
    }

    /// Draws the page, as wide as `ui` allows.
    pub fn show(&mut self, ui: &mut Ui, offer: &TestableSound, player: &mut dyn AuditionPlayer) {
        self.advance(offer, player);
        let mut request = None;
        ScrollArea::vertical().auto_shrink(false).show(ui, |ui| {
            let side = ((ui.available_width() - WIDTH) / 2.0).max(0.0);
            egui::Frame::NONE.inner_margin(egui::vec2(side, 0.0)).show(ui, |ui| {
                ui.set_width(ui.available_width().min(WIDTH));
                request = self.show_stage(ui, offer, player);
                if let Some(problem) = &self.problem {
                    let theme = Theme::of(ui);
                    ui.add_space(8.0);
                    ui.label(RichText::new(problem).color(theme.alert));
                }
            });
        });
        if let Some(request) = request {
            self.apply(request, offer, player);
            ui.ctx().request_repaint();
        }
        if self.is_testing() {
            ui.ctx().request_repaint_after(FRAME);
        }
    }

    fn show_stage(
        &mut self,
        ui: &mut Ui,
        offer: &TestableSound,
        player: &mut dyn AuditionPlayer,
    ) -> Option<PageRequest> {
        match &mut self.stage {
            PageStage::Setup => setup_view::show(ui, &mut self.setup, offer, player),
            PageStage::Rendering(job) => waiting_view::show(ui, job.progress()),
            PageStage::Climbing(ladder) => waiting_view::show(ui, ladder.progress()),
            PageStage::Trials { test, stopping, chosen } => {
                trial_view::show(ui, test, (stopping, chosen, &mut self.playing), player)
            }
            PageStage::Ratings { test, stopping } => {
                rating_view::show(ui, test, (stopping, &mut self.playing), player)
            }
            PageStage::Over { report, saving } => {
                result_view::show(ui, report, saving, &mut self.folder)
            }
        }
    }

    fn apply(
        &mut self,
        request: PageRequest,
        offer: &TestableSound,
        player: &mut dyn AuditionPlayer,
    ) {
        self.problem = None;
        match request {
            PageRequest::Start => self.start(offer, player),
            PageRequest::Stop => self.leave(player),
            PageRequest::SetUp => self.stage = PageStage::Setup,
            PageRequest::Finished(report) => {
                self.restore_mute(player);
                if self.folder.is_empty()
                    && let Some(folder) = offer.folder()
                {
                    self.folder = folder.display().to_string();
                }
                self.stage = PageStage::Over { report, saving: ReportSaving::default() };
            }
            PageRequest::Failed(error) => {
                self.leave(player);
                self.problem = Some(error.to_string());
            }
        }
    }

    /// Begins to make what is to be heard.
    fn start(&mut self, offer: &TestableSound, player: &mut dyn AuditionPlayer) {
        let (Some(material), Some(rate)) = (self.setup.material(offer), player.rate()) else {
            self.stage = PageStage::Setup;
            return;
        };
        let (store, wake) = (self.store.clone(), Arc::clone(&self.wake));
        let match_levels = self.setup.match_levels;
        self.stage = match self.setup.test {
            BlindTestKind::Threshold => {
                let model = (self.setup.model.clone(), self.setup.precision);
                PageStage::Climbing(Ladder::start(material, model, rate, match_levels, store, wake))
            }
            BlindTestKind::Abx | BlindTestKind::Rating => {
                let contenders = self.setup.contenders();
                let request = RenderRequest { material, contenders, rate, match_levels };
                let work = move |context: &JobContext| render(&request, &store, context);
                PageStage::Rendering(Job::start("residue-blind", wake, work))
            }
        };
    }

    /// Goes on where threads have done their part.
    fn advance(&mut self, offer: &TestableSound, player: &mut dyn AuditionPlayer) {
        let next = match &mut self.stage {
            PageStage::Rendering(job) => match job.poll() {
                Some(rendered) => rendered.and_then(|rendered| self.begin(rendered)),
                None => return,
            },
            PageStage::Climbing(ladder) => {
                if let Some(error) = ladder.take_error() {
                    Err(error)
                } else if ladder.layers().is_some() {
                    self.begin_trials()
                } else {
                    return;
                }
            }
            PageStage::Trials { test, .. } => match test.tick(player) {
                Ok(()) => return,
                Err(error) => Err(error),
            },
            PageStage::Ratings { test, .. } => {
                test.tick(player);
                return;
            }
            PageStage::Setup | PageStage::Over { .. } => return,
        };
        match next {
            Ok(stage) => {
                self.stage = stage;
                self.playing = true;
                self.mute_after = player.muted();
                player.set_muted(false);
            }
            Err(BlindError::Cancelled) => self.stage = PageStage::Setup,
            Err(error) => self.apply(PageRequest::Failed(error), offer, player),
        }
    }

    fn begin(&mut self, rendered: RenderedPassages) -> Result<PageStage, BlindError> {
        let mut draw = (self.draws)();
        Ok(if self.setup.test == BlindTestKind::Rating {
            let test = Box::new(Ratings::new(rendered, &mut *draw)?);
            PageStage::Ratings { test, stopping: false }
        } else {
            let test = Box::new(Trials::abx(rendered, self.setup.trials, draw)?);
            PageStage::Trials { test, stopping: false, chosen: None }
        })
    }

    fn begin_trials(&mut self) -> Result<PageStage, BlindError> {
        let PageStage::Climbing(ladder) = std::mem::replace(&mut self.stage, PageStage::Setup)
        else {
            return Ok(PageStage::Setup);
        };
        let test = Box::new(Trials::threshold(ladder, (self.draws)())?);
        Ok(PageStage::Trials { test, stopping: false, chosen: None })
    }
}

/// The default folder of reports.
fn beside(file: &std::path::Path) -> Option<PathBuf> {
    file.parent().map(|folder| folder.join("blind"))
}
