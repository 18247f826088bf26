//! An editor in a test harness, over a host that applies changes at once and records them.

use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::{Duration, Instant};

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable;
use nice_plug::context::PluginApi;
use nice_plug::context::gui::{GuiContext, GuiContextInner};
use nice_plug::params::internals::ParamPtr;
use nice_plug::plugin::PluginState;
use residue_engine::models::{HubSettings, ModelLibrary};
use residue_plugin::Instance;
use residue_plugin::editor::Panel;
use residue_ui::Theme;

/// A step of a gesture on a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Gesture {
    /// A gesture begins.
    Begin(String),
    /// A normalized value is set.
    Set(String, f32),
    /// The gesture ends.
    End(String),
}

/// The gestures that a host has received.
#[derive(Clone, Default)]
pub struct RecordedGestures(Arc<Mutex<Vec<Gesture>>>);

impl RecordedGestures {
    /// Returns the gestures since the last call.
    pub fn take(&self) -> Vec<Gesture> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

struct GestureRecorder {
    // Owns the parameters.
    _instance: Instance,
    gestures: RecordedGestures,
}

fn name(param: ParamPtr) -> String {
    // SAFETY: the host owns the instance, and with it the parameter.
    unsafe { param.name() }.to_owned()
}

impl GuiContextInner for GestureRecorder {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }

    unsafe fn raw_begin_set_parameter(&self, param: ParamPtr) {
        self.gestures.0.lock().unwrap().push(Gesture::Begin(name(param)));
    }

    unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
        self.gestures.0.lock().unwrap().push(Gesture::Set(name(param), normalized));
        // SAFETY: the host holds the instance.
        unsafe { param._internal_set_normalized_value(normalized) };
    }

    unsafe fn raw_end_set_parameter(&self, param: ParamPtr) {
        self.gestures.0.lock().unwrap().push(Gesture::End(name(param)));
    }

    fn get_state(&self) -> PluginState {
        PluginState { version: String::new(), params: BTreeMap::new(), fields: BTreeMap::new() }
    }

    fn set_state(&self, _: PluginState) {}

    fn request_restart(&self) {}
}

/// An instance without models on this computer, with a hub that never answers, and its editor.
pub fn panel() -> (Instance, Panel, RecordedGestures) {
    // Accepts connections and never replies, as long as the tests run.
    static SILENT: LazyLock<TcpListener> =
        LazyLock::new(|| TcpListener::bind("127.0.0.1:0").unwrap());
    let nowhere = std::env::temp_dir().join(format!("residue-editor-{}", std::process::id()));
    let endpoint = Some(format!("http://{}", SILENT.local_addr().unwrap()));
    let hub = HubSettings { endpoint, ..HubSettings::new(nowhere.join("hub")) };
    panel_over(ModelLibrary::new(nowhere, hub))
}

/// An instance with the models of a library, and its editor.
pub fn panel_over(library: ModelLibrary) -> (Instance, Panel, RecordedGestures) {
    let instance = Instance::with_store(library.into());
    let gestures = RecordedGestures::default();
    let host = GestureRecorder { _instance: instance.clone(), gestures: gestures.clone() };
    let panel = Panel::new(instance.clone(), GuiContext::new(Arc::new(host)));
    (instance, panel, gestures)
}

/// An open editor, after its first frames.
pub struct EditorHarness {
    pub instance: Instance,
    pub gestures: RecordedGestures,
    pub window: Harness<'static, Panel>,
}

/// Opens the editor of an instance that `prepare` has changed.
pub fn open(prepare: impl FnOnce(&Instance)) -> EditorHarness {
    open_panel(panel(), prepare)
}

/// As [`open`], over a library.
pub fn open_over(library: ModelLibrary, prepare: impl FnOnce(&Instance)) -> EditorHarness {
    open_panel(panel_over(library), prepare)
}

fn open_panel(
    (instance, panel, gestures): (Instance, Panel, RecordedGestures),
    prepare: impl FnOnce(&Instance),
) -> EditorHarness {
    prepare(&instance);
    let mut window = Harness::builder()
        .with_size(egui::vec2(1060.0, 720.0))
        .with_step_dt(0.02)
        .build_ui_state(|ui, panel: &mut Panel| panel.show(ui), panel);
    Theme::install(&window.ctx);
    window.run_steps(3);
    EditorHarness { instance, gestures, window }
}

impl EditorHarness {
    /// Draws frames until a condition holds; fails with `what` after a minute.
    pub fn wait(&mut self, what: &str, mut condition: impl FnMut(&Self) -> bool) {
        let until = Instant::now() + Duration::from_secs(60);
        while !condition(self) {
            assert!(Instant::now() < until, "{what}");
            std::thread::sleep(Duration::from_millis(5));
            self.window.run_steps(1);
        }
        self.window.run_steps(2);
    }

    /// Draws frames until a text with these words is shown.
    pub fn wait_for(&mut self, words: &str) {
        self.wait(words, |editor| editor.window.query_by_label_contains(words).is_some());
    }
}

impl Drop for EditorHarness {
    fn drop(&mut self) {
        self.instance.stop();
    }
}
