//! All of the editor: where its parts go, and when it is drawn again.

use std::time::Duration;

use egui::{Align, Layout, Rect, Stroke, Ui, UiBuilder, pos2};
use nice_plug::context::gui::GuiContext;
use residue_ui::{FRAME, LevelMeters, LoadHistory, Theme};

use super::link::Link;
use super::model_dialog::ModelDialog;
use super::views::Views;
use super::watch::{Live, Watch};
use super::{compare, header, keys, notice, sections, status};
use crate::instance::Instance;
use crate::model::{ModelStatus, Phase};

/// Around everything, in points.
const MARGIN: f32 = 10.0;
/// Heights of what does not grow.
const HEADER: f32 = 28.0;
const COMPARE: f32 = 134.0;
const SECTIONS: f32 = 122.0;
const STATUS: f32 = 16.0;

/// While something is loaded or downloaded.
const BUSY: Duration = Duration::from_millis(100);
/// While nothing happens that the editor would be told of.
const IDLE: Duration = Duration::from_millis(250);
/// The longest step of time that meters are moved by at once.
const MOST_SECONDS: f32 = 1.0;

/// What every part of the editor works with.
pub(super) struct Desk {
    /// What is edited.
    pub instance: Instance,
    /// The way to its parameters.
    pub link: Link,
    /// The model, as of this frame.
    pub model: ModelStatus,
    /// The dialog that chooses it, if it is open.
    pub dialog: Option<ModelDialog>,
}

/// The editor of an instance. Belongs to the thread of its window.
pub struct Panel {
    desk: Desk,
    watch: Watch,
    views: Views,
    meters: LevelMeters,
    history: LoadHistory,
}

impl Panel {
    /// Looks at an instance, and changes it through the host's context. Has its model loaded, on
    /// another thread.
    pub fn new(instance: Instance, gui: GuiContext) -> Self {
        instance.model.need();
        let desk =
            Desk { link: Link::new(gui), model: instance.model.status(), instance, dialog: None };
        let (meters, history) = Default::default();
        Self { desk, watch: Watch::new(), views: Views::new(), meters, history }
    }

    /// Draws a frame, and asks for the next one when it is due.
    pub fn show(&mut self, ui: &mut Ui) {
        let seconds = ui.input(|input| input.unstable_dt).min(MOST_SECONDS);
        let live = self.read(seconds);
        self.note(live.as_ref(), seconds);
        self.draw(ui, live.as_ref());
        let fetching = self.desk.instance.shelf.fetch().is_some_and(|fetch| fetch.runs());
        let again = match &live {
            Some(live) if live.moves => FRAME,
            _ if fetching || self.desk.model.phase == Phase::Loading => BUSY,
            _ => IDLE,
        };
        ui.ctx().request_repaint_after(again);
    }

    /// Reads what has happened within the last `seconds`; `None` where audio is not set up.
    pub fn read(&mut self, seconds: f32) -> Option<Live> {
        self.desk.model = self.desk.instance.model.status();
        self.watch.read(&self.desk.instance, self.views.wanted(), seconds)
    }

    /// Draws what was read.
    pub fn draw(&mut self, ui: &mut Ui, live: Option<&Live>) {
        let light = self.desk.instance.params.editor.get().light;
        let look = if light { egui::Theme::Light } else { egui::Theme::Dark };
        if ui.ctx().theme() != look {
            ui.ctx().set_theme(look);
            ui.ctx().request_repaint();
        }
        let theme = Theme::of(ui);
        let whole = ui.max_rect();
        ui.painter().rect_filled(whole, 0, theme.background);
        keys::run(ui, &mut self.desk);

        let mut rest = whole.shrink(MARGIN);
        let desk = &mut self.desk;
        part(ui, take_top(&mut rest, HEADER), |ui| header::show(ui, desk, live));
        rule(ui, &theme, &mut rest);
        if let Some(notice) = notice::Notice::of(desk, live) {
            part(ui, take_top(&mut rest, notice::HEIGHT), |ui| notice.show(ui, desk));
            rule(ui, &theme, &mut rest);
        }
        part(ui, take_top(&mut rest, COMPARE), |ui| compare::show(ui, desk));
        rule(ui, &theme, &mut rest);
        part(ui, take_bottom(&mut rest, STATUS), |ui| status::show(ui, desk, live));
        take_bottom(&mut rest, 6.0);
        let streams = self.watch.feed().frames().streams();
        let stream = &mut self.views.stream;
        part(ui, take_bottom(&mut rest, SECTIONS), |ui| {
            sections::show(ui, desk, live, streams, stream);
        });
        let line = rest.bottom() - 6.0;
        ui.painter().hline(whole.x_range(), line, Stroke::new(1.0, theme.surface));
        take_bottom(&mut rest, 12.0);
        self.views.show(ui, rest, desk, live, self.watch.feed(), (&mut self.meters, &self.history));
        ModelDialog::run(ui.ctx(), desk);
    }

    /// Takes note of what was read, for what moves by itself.
    pub fn note(&mut self, live: Option<&Live>, seconds: f32) {
        match live {
            Some(live) => {
                if live.anew {
                    self.history = LoadHistory::default();
                }
                self.meters.update(&live.status.peaks, seconds);
                if live.moves {
                    self.history.update(&live.status, seconds);
                }
            }
            None => self.meters.update(&[[0.0; 2]; 2], seconds),
        }
        self.views.update(self.watch.feed(), live);
    }
}

/// Draws a part into its place, from the top down.
pub(super) fn part<R>(ui: &mut Ui, rect: Rect, add: impl FnOnce(&mut Ui) -> R) -> R {
    let builder = UiBuilder::new().max_rect(rect).layout(Layout::top_down(Align::Min));
    ui.scope_builder(builder, add).inner
}

/// Cuts a strip off.
pub(super) fn take_top(rest: &mut Rect, height: f32) -> Rect {
    let at = (rest.top() + height).min(rest.bottom());
    let taken = Rect::from_min_max(rest.min, pos2(rest.right(), at));
    rest.min.y = at;
    taken
}

/// Cuts a strip off.
pub(super) fn take_bottom(rest: &mut Rect, height: f32) -> Rect {
    let at = (rest.bottom() - height).max(rest.top());
    let taken = Rect::from_min_max(pos2(rest.left(), at), rest.max);
    rest.max.y = at;
    taken
}

/// Cuts a strip off.
pub(super) fn take_left(rest: &mut Rect, width: f32) -> Rect {
    let at = (rest.left() + width).min(rest.right());
    let taken = Rect::from_min_max(rest.min, pos2(at, rest.bottom()));
    rest.min.x = at;
    taken
}

/// Cuts a strip off.
pub(super) fn take_right(rest: &mut Rect, width: f32) -> Rect {
    let at = (rest.right() - width).max(rest.left());
    let taken = Rect::from_min_max(pos2(at, rest.top()), rest.max);
    rest.max.x = at;
    taken
}

/// A thin line across, with room around it.
fn rule(ui: &Ui, theme: &Theme, rest: &mut Rect) {
    let line = take_top(rest, 12.0);
    let across = line.expand2(egui::vec2(MARGIN, 0.0));
    ui.painter().hline(across.x_range(), line.center().y, Stroke::new(1.0, theme.surface));
}
