//! The window: pages and panels over a [`Studio`], drawn with the widgets that the plugin has too.
//!
//! Nothing here knows how sound is made: panels show the studio's observed state and change its desired
//! state. [`AppWindow::ui`] draws a frame of it into any [`egui::Ui`], with or without a
//! real window, and [`run`] opens a real one.

pub mod blind_page;
mod command;
mod controls;
mod dialogs;
mod file_address;
mod help;
mod keys;
mod launch;
mod models_page;
mod notices;
mod opening;
mod page;
mod parts;
mod preferences;
mod round_trip;
mod sidebar;
mod status_line;
mod top_bar;
mod transport;
mod views;

use std::path::PathBuf;
use std::time::Duration;

use egui::{CentralPanel, Context, Frame, Margin, Panel, Ui};
use residue_engine::live::PortStatus;
use residue_engine::models::Wake;
use residue_ui::theme::size;
use residue_ui::{FRAME, LevelMeters, Theme};

pub use launch::{Launch, WindowError, run};
pub use page::Page;
pub use preferences::{Preferences, ThemeChoice};
pub use sidebar::CONTROLS;

use crate::studio::{
    InputKind, NO_SOUND, RecordOptions, Severity, StreamState, Studio, StudioOptions, UserNotice,
};
use blind_page::{BlindPage, TestableSound};
use command::WindowCommand;
use controls::KeyFocus;
use dialogs::{DialogPurpose, Dialogs};
use keys::TakenKeys;
use notices::Notices;
use sidebar::SidebarState;
use views::{LiveViews, ViewChoices};

/// Time between two frames while numbers change and no picture does.
const SLOW: Duration = Duration::from_millis(250);
/// Seconds for which pictures go on after the sound has stopped: longer than any latency.
const AFTERGLOW: f64 = 3.0;
/// Longest step of meters and histories, in seconds, after a window was hidden.
const LONGEST_STEP: f64 = 0.5;
/// Width of the column at the left, in points.
const SIDEBAR: f32 = 226.0;

/// The window: pages and panels over a studio.
pub struct AppWindow {
    studio: Studio,
    preferences: Preferences,
    views: LiveViews,
    meters: LevelMeters,
    status: Option<PortStatus>,
    notices: Notices,
    dialogs: Dialogs,
    blind: BlindPage,
    /// The page of the last frame.
    shown: Page,
    /// Files that were open last: audio, codes.
    recent: [Option<PathBuf>; 2],
    /// Texts that are being typed.
    typed: String,
    typed_model: String,
    /// When the last frame was, and when something was last heard, in seconds of the context.
    last: f64,
    moved: f64,
    /// The scale and look that the context was told.
    applied: Option<(f32, ThemeChoice)>,
    /// Controls of the last frame that take keys or leave them.
    focus: KeyFocus,
}

impl AppWindow {
    /// Over a studio, as it was left. `wake` asks for a frame, from any thread. Install [`Theme`] in
    /// the context before the first frame.
    pub fn new(mut studio: Studio, preferences: Preferences, wake: Wake) -> Self {
        studio.set_volume_db(preferences.volume_db);
        studio.refresh_devices();
        studio.refresh_library();
        let blind = BlindPage::new(studio.store().clone(), wake);
        Self {
            studio,
            shown: preferences.page,
            preferences,
            views: LiveViews::default(),
            meters: LevelMeters::default(),
            status: None,
            notices: Notices::default(),
            dialogs: Dialogs::default(),
            blind,
            recent: [None, None],
            typed: String::new(),
            typed_model: String::new(),
            last: 0.0,
            moved: f64::MIN,
            applied: None,
            focus: KeyFocus::default(),
        }
    }

    /// The options of a studio, as the last one was left.
    pub fn options(preferences: &Preferences) -> StudioOptions {
        StudioOptions {
            settings: preferences.heard.clone().into(),
            model: preferences.model.clone().into(),
            devices: preferences.devices.clone().into(),
            ..StudioOptions::default()
        }
    }

    /// The sound.
    pub fn studio(&mut self) -> &mut Studio {
        &mut self.studio
    }

    /// Opens a file, whatever it holds.
    pub fn open(&mut self, path: PathBuf) {
        opening::open(&mut self.studio, path);
    }

    /// The settings to be kept.
    pub fn preferences(&self) -> Preferences {
        let studio = &self.studio;
        let state = studio.model();
        let wanted = state.wanted.clone();
        let model = wanted.map_or_else(|| self.preferences.model.clone(), Into::into);
        Preferences {
            devices: studio.device_request().into(),
            model,
            heard: studio.settings().into(),
            volume_db: studio.volume_db(),
            ..self.preferences.clone()
        }
    }

    /// Takes the studio's news; called whether the window is seen or not.
    pub fn logic(&mut self, ctx: &Context) {
        let notices = self.studio.tick();
        self.tell(ctx, notices);
        let audio = self.studio.file().map(|file| &file.path);
        let codes = self.studio.token_file().map(|file| &file.path);
        for (recent, open) in self.recent.iter_mut().zip([audio, codes]) {
            if let Some(open) = open.filter(|open| recent.as_ref() != Some(open)) {
                *recent = Some(open.clone());
            }
        }
        if ctx.input(|input| input.viewport().visible()) == Some(false) {
            self.views.rest();
        }
    }

    /// Draws a frame.
    pub fn ui(&mut self, ui: &mut Ui) {
        let ctx = ui.ctx().clone();
        let now = ctx.input(|input| input.time);
        let seconds = (now - self.last).clamp(0.0, LONGEST_STEP) as f32;
        self.last = now;
        self.apply_look(&ctx);
        self.take_files(&ctx);
        self.apply_keys(&ctx);
        self.status = self.studio.status();
        match &self.status {
            Some(status) => {
                self.meters.update(&status.peaks, seconds);
                self.views.history.update(status, seconds);
            }
            None => self.meters.update(&[[0.0; 2]; 2], seconds),
        }
        let page = self.preferences.page;
        if page != self.shown && self.shown == Page::Blind {
            self.blind.close(&mut self.studio);
        }
        self.shown = page;
        if page == Page::Listen {
            views::update(&mut self.views, &self.studio, self.preferences.seconds);
        } else {
            self.views.rest();
        }

        self.focus = KeyFocus::default();
        let mut commands = Vec::new();
        let theme = Theme::of(ui);
        let bar = |vertical: i8| {
            Frame::new().fill(theme.background).inner_margin(Margin::symmetric(10, vertical))
        };
        Panel::top("bar")
            .frame(bar(6))
            .exact_size(40.0)
            .show(ui, |ui| top_bar::show(ui, &mut self.preferences, &mut self.studio));
        Panel::bottom("status").frame(bar(3)).exact_size(26.0).show(ui, |ui| {
            status_line::show(ui, &self.studio, self.status.as_ref(), &self.notices);
        });
        if page == Page::Listen {
            let recordings = self.recordings();
            let mut state = SidebarState {
                recent: &self.recent,
                typed: &mut self.typed,
                recordings: &recordings,
            };
            let panel = Panel::left("sidebar").frame(bar(4)).exact_size(SIDEBAR).resizable(false);
            commands = panel.show(ui, |ui| sidebar::show(ui, &mut self.studio, &mut state)).inner;
        }
        CentralPanel::default().frame(bar(8)).show(ui, |ui| {
            self.banners(ui, now);
            match page {
                Page::Listen => self.listen_page(ui),
                Page::Blind => {
                    let offer = TestableSound::of(&self.studio);
                    self.blind.show(ui, &offer, &mut self.studio);
                }
                Page::Models => models_page::show(ui, self),
                Page::Help => help::show(ui),
            }
        });
        for command in commands {
            self.run(&ctx, command);
        }
        self.drop_target(ui);
        self.ask_for_frames(&ctx, now);
    }

    fn listen_page(&mut self, ui: &mut Ui) {
        self.focus.quiet.extend(transport::show(ui, &mut self.studio));
        ui.add_space(size::GAP);
        controls::show(ui, &mut self.studio, &mut self.meters, &mut self.focus);
        ui.add_space(size::GAP);
        let mut choices = ViewChoices {
            unfolded: &mut self.preferences.views,
            seconds: &mut self.preferences.seconds,
        };
        let status = self.status.as_ref();
        views::show(ui, &mut self.views, &mut self.studio, status, &mut choices);
    }

    fn run(&mut self, ctx: &Context, command: WindowCommand) {
        match command {
            WindowCommand::Show(page) => self.preferences.page = page,
            WindowCommand::Choose(purpose) => self.ask(ctx, purpose),
            WindowCommand::Record => self.toggle_recording(),
            WindowCommand::Notify(notice) => self.tell(ctx, [notice]),
        }
    }

    /// Applies look and scale. Egui's own keys change the scale too.
    fn apply_look(&mut self, ctx: &Context) {
        let preferences = &mut self.preferences;
        match self.applied {
            Some((scale, _)) if scale != preferences.scale => {
                ctx.set_zoom_factor(preferences.scale)
            }
            Some(_) => preferences.scale = ctx.zoom_factor(),
            None => ctx.set_zoom_factor(preferences.scale),
        }
        if self.applied.is_none_or(|(_, look)| look != preferences.look) {
            ctx.set_theme(egui::ThemePreference::from(preferences.look));
        }
        self.applied = Some((preferences.scale, preferences.look));
        ctx.input(|input| {
            let viewport = input.viewport();
            if let Some(maximized) = viewport.maximized {
                preferences.maximized = maximized;
            }
            if let Some(rect) = viewport.inner_rect.filter(|_| !preferences.maximized) {
                // In points of the system, which is told the size before it is told the scale.
                preferences.window = [rect.width(), rect.height()].map(|x| x * preferences.scale);
            }
        });
    }

    /// Files that were dropped on the window or chosen in a dialog.
    fn take_files(&mut self, ctx: &Context) {
        let dropped = ctx.input(|input| input.raw.dropped_files.clone());
        for file in dropped {
            self.open(file.path().to_owned());
        }
        match self.dialogs.chosen() {
            Some((DialogPurpose::Open, path)) => self.open(path),
            Some((DialogPurpose::Model, path)) => self.studio.add_model(path),
            Some((DialogPurpose::Recordings, path)) => self.preferences.recordings = Some(path),
            None => {}
        }
    }

    fn apply_keys(&mut self, ctx: &Context) {
        let focused = ctx.memory(|memory| memory.focused());
        let presses = focused.is_some_and(|id| {
            let rect = ctx.read_response(id).map(|response| response.rect);
            rect.is_some_and(|rect| !self.focus.quiet.iter().any(|quiet| quiet.contains_rect(rect)))
        });
        let taken = TakenKeys { digits: self.focus.knob_has_focus, presses };
        if let Some(command) = keys::apply(ctx, self.preferences.page, taken, &mut self.studio) {
            self.run(ctx, command);
        }
    }

    /// Problems, above everything else.
    fn banners(&mut self, ui: &mut Ui, now: f64) {
        if let StreamState::Lost { why, retrying_in } = self.studio.stream_state() {
            // The banner says it already, in its newest words.
            if self.notices.current(now).is_some_and(|notice| notice.text.starts_with(NO_SOUND)) {
                self.notices.dismiss();
            }
            let text = format!("{why}. Trying again in {} s.", retrying_in.as_secs_f32().ceil());
            if notices::banner(ui, &text, true, "Try now", "opens the devices again") {
                self.studio.start();
            }
        } else if self.studio.muted_for_headphones()
            && *self.studio.stream_state() != StreamState::Stopped
        {
            let text = "Muted, because loudspeakers would feed back into the microphone. Put on \
                        headphones, then unmute.";
            if notices::banner(ui, text, false, "Unmute (M)", "headphones are on") {
                self.studio.set_muted(false);
            }
        }
        let current = self.notices.current(now).filter(|notice| notice.severity > Severity::Info);
        if let Some(notice) = current.cloned()
            && notices::banner(ui, &notice.text, true, notices::DISMISS, "takes this away")
        {
            self.notices.dismiss();
        }
    }

    /// Says that a file would be opened if it were dropped now.
    fn drop_target(&self, ui: &Ui) {
        let hovering = ui.input(|input| !input.raw.hovered_files.is_empty());
        if hovering {
            let theme = Theme::of(ui);
            let rect = ui.ctx().content_rect();
            let id = egui::Id::unique("drop");
            let painter = ui.ctx().layer_painter(egui::LayerId::new(egui::Order::Foreground, id));
            painter.rect_filled(rect, 0, Theme::faded(theme.background, 0.85));
            painter.text(
                rect.center(),
                egui::Align2::CENTER_CENTER,
                "Drop to open: audio, codes (.npy) or a model's folder",
                residue_ui::theme::value(),
                theme.text,
            );
        }
    }

    /// Asks for the next frame no sooner than something will look different.
    fn ask_for_frames(&mut self, ctx: &Context, now: f64) {
        let playing = match self.studio.input() {
            InputKind::Microphone => true,
            InputKind::File => self.studio.transport().is_some_and(|transport| transport.playing),
            InputKind::Tokens => {
                self.studio.transport().is_some_and(|transport| transport.playing)
                    || self.studio.token_progress().is_some_and(|progress| !progress.finished)
            }
        };
        match self.studio.stream_state() {
            StreamState::Running(_) => {
                if playing {
                    self.moved = now;
                }
                let pictures = self.preferences.page == Page::Listen;
                let moving = pictures && now - self.moved < AFTERGLOW;
                ctx.request_repaint_after(if moving { FRAME } else { SLOW });
            }
            StreamState::Lost { .. } | StreamState::Starting => ctx.request_repaint_after(SLOW),
            // The studio wakes the window; a notice goes away by itself.
            StreamState::Stopped => {
                if self.notices.current(now).is_some_and(|notice| notice.severity == Severity::Info)
                {
                    ctx.request_repaint_after(Duration::from_secs(1));
                }
            }
        }
    }

    /// Notes what a person is to be told.
    fn tell(&mut self, ctx: &Context, notices: impl IntoIterator<Item = UserNotice>) {
        self.notices.add(ctx.input(|input| input.time), notices);
    }

    /// Opens a dialog of the system.
    fn ask(&mut self, ctx: &Context, purpose: DialogPurpose) {
        let ctx = ctx.clone();
        self.dialogs.open(purpose, move || ctx.request_repaint());
    }

    /// The folder of recordings.
    fn recordings(&self) -> PathBuf {
        self.preferences.recordings.clone().unwrap_or_else(opening::recordings)
    }

    fn toggle_recording(&mut self) {
        if self.studio.recording().is_some() {
            self.studio.stop_recording();
        } else {
            let folder = opening::next_recording(&self.recordings());
            self.studio.record(RecordOptions { folder });
        }
    }
}
