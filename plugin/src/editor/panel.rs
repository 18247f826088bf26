//! The editor's panel: layout of its sections, and when it is drawn again.

use std::time::Duration;

use egui::{Rect, Stroke, Ui};
use nice_plug::context::gui::GuiContext;
use residue_ui::{FRAME, LevelMeters, LoadHistory, Theme};

use super::context::EditorContext;
use super::host_params::HostParams;
use super::layout::{draw_in, take_bottom, take_top};
use super::notice::EditorNotice;
use super::port_observer::{PortObserver, PortSnapshot};
use super::views::EditorViews;
use super::{compare, header, keys, model_dialog, notice, sections, status};
use crate::instance::Instance;
use crate::model::ModelPhase;

/// Margin around everything, in points.
const MARGIN: f32 = 10.0;
/// Heights of the sections that do not grow, in points.
const HEADER: f32 = 28.0;
const COMPARE: f32 = 134.0;
const SECTIONS: f32 = 122.0;
const STATUS: f32 = 16.0;

/// Interval between frames while a model is loaded or downloaded.
const BUSY: Duration = Duration::from_millis(100);
/// Interval between frames while nothing changes that the editor knows of.
const IDLE: Duration = Duration::from_millis(250);
/// Longest time step of the meters, in seconds.
const MAX_SECONDS: f32 = 1.0;

/// The editor of an instance. Belongs to the thread of its window.
pub struct Panel {
    context: EditorContext,
    observer: PortObserver,
    views: EditorViews,
    meters: LevelMeters,
    history: LoadHistory,
}

impl Panel {
    /// Creates the panel of an instance, which it changes through the host's context. Starts loading the
    /// requested model on another thread.
    pub fn new(instance: Instance, gui: GuiContext) -> Self {
        instance.model.start_loading();
        let (host, model) = (HostParams::new(gui), instance.model.status());
        let context = EditorContext { instance, host, model, download: None, dialog: None };
        let (meters, history) = Default::default();
        Self { context, observer: PortObserver::new(), views: EditorViews::new(), meters, history }
    }

    /// Draws a frame, and requests the next one.
    pub fn show(&mut self, ui: &mut Ui) {
        let seconds = ui.input(|input| input.unstable_dt).min(MAX_SECONDS);
        let port = self.read(seconds);
        self.update(port.as_ref(), seconds);
        self.draw(ui, port.as_ref());
        let downloading =
            self.context.download.as_ref().is_some_and(|download| download.is_running());
        let interval = match &port {
            Some(port) if port.processing => FRAME,
            _ if downloading || self.context.model.phase == ModelPhase::Loading => BUSY,
            _ => IDLE,
        };
        ui.ctx().request_repaint_after(interval);
    }

    /// Reads what has happened within the last `seconds`; `None` while the plugin is not activated.
    pub fn read(&mut self, seconds: f32) -> Option<PortSnapshot> {
        self.context.read();
        self.observer.read(&self.context.instance, self.views.telemetry_request(), seconds)
    }

    /// Draws a snapshot of the port.
    pub fn draw(&mut self, ui: &mut Ui, port: Option<&PortSnapshot>) {
        let light = self.context.instance.params.editor.get().light;
        let color_theme = if light { egui::Theme::Light } else { egui::Theme::Dark };
        if ui.ctx().theme() != color_theme {
            ui.ctx().set_theme(color_theme);
            ui.ctx().request_repaint();
        }
        let theme = Theme::of(ui);
        let whole = ui.max_rect();
        ui.painter().rect_filled(whole, 0, theme.background);
        keys::handle(ui, &mut self.context);

        let mut rest = whole.shrink(MARGIN);
        let context = &mut self.context;
        draw_in(ui, take_top(&mut rest, HEADER), |ui| header::show(ui, context, port));
        divider(ui, &theme, &mut rest);
        if let Some(notice) = EditorNotice::of(context, port) {
            draw_in(ui, take_top(&mut rest, notice::HEIGHT), |ui| notice.show(ui, context));
            divider(ui, &theme, &mut rest);
        }
        draw_in(ui, take_top(&mut rest, COMPARE), |ui| compare::show(ui, context));
        divider(ui, &theme, &mut rest);
        draw_in(ui, take_bottom(&mut rest, STATUS), |ui| status::show(ui, context, port));
        take_bottom(&mut rest, 6.0);
        let streams = self.observer.feed().frames().streams();
        let stream = &mut self.views.stream;
        draw_in(ui, take_bottom(&mut rest, SECTIONS), |ui| {
            sections::show(ui, context, port, streams, stream);
        });
        let line = rest.bottom() - 6.0;
        ui.painter().hline(whole.x_range(), line, Stroke::new(1.0, theme.surface));
        take_bottom(&mut rest, 12.0);
        self.views.show(
            ui,
            rest,
            context,
            port,
            self.observer.feed(),
            (&mut self.meters, &self.history),
        );
        model_dialog::show(ui.ctx(), context);
    }

    /// Updates meters, load history and views with a snapshot read `seconds` after the last one.
    pub fn update(&mut self, port: Option<&PortSnapshot>, seconds: f32) {
        match port {
            Some(port) => {
                if port.reopened {
                    self.history = LoadHistory::default();
                }
                self.meters.update(&port.status.peaks, seconds);
                if port.processing {
                    self.history.update(&port.status, seconds);
                }
            }
            None => self.meters.update(&[[0.0; 2]; 2], seconds),
        }
        self.views.update(self.observer.feed(), port);
    }
}

/// Draws a thin horizontal line with space around it, in a strip cut off the top.
fn divider(ui: &Ui, theme: &Theme, rest: &mut Rect) {
    let line = take_top(rest, 12.0);
    let across = line.expand2(egui::vec2(MARGIN, 0.0));
    ui.painter().hline(across.x_range(), line.center().y, Stroke::new(1.0, theme.surface));
}
