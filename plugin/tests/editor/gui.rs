//! A host's side of the editor that takes changes at once and writes them down.

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

/// What was done to a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Gesture {
    /// A gesture begins.
    Begin(String),
    /// A normalized value is set.
    Set(String, f32),
    /// The gesture ends.
    End(String),
}

/// What a host was told.
#[derive(Clone, Default)]
pub struct Told(Arc<Mutex<Vec<Gesture>>>);

impl Told {
    /// Since the last call.
    pub fn take(&self) -> Vec<Gesture> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

struct Host {
    // Keeps the parameters alive.
    _instance: Instance,
    told: Told,
}

fn name(param: ParamPtr) -> String {
    // SAFETY: the host holds the instance.
    unsafe { param.name() }.to_owned()
}

impl GuiContextInner for Host {
    fn plugin_api(&self) -> PluginApi {
        PluginApi::Clap
    }

    unsafe fn raw_begin_set_parameter(&self, param: ParamPtr) {
        self.told.0.lock().unwrap().push(Gesture::Begin(name(param)));
    }

    unsafe fn raw_set_parameter_normalized(&self, param: ParamPtr, normalized: f32) {
        self.told.0.lock().unwrap().push(Gesture::Set(name(param), normalized));
        // SAFETY: the host holds the instance.
        unsafe { param._internal_set_normalized_value(normalized) };
    }

    unsafe fn raw_end_set_parameter(&self, param: ParamPtr) {
        self.told.0.lock().unwrap().push(Gesture::End(name(param)));
    }

    fn get_state(&self) -> PluginState {
        PluginState { version: String::new(), params: BTreeMap::new(), fields: BTreeMap::new() }
    }

    fn set_state(&self, _: PluginState) {}

    fn request_restart(&self) {}
}

/// An instance that finds no models on this computer and a hub that never answers, and an editor of it.
pub fn panel() -> (Instance, Panel, Told) {
    // It takes calls and says nothing, as long as the tests run.
    static SILENT: LazyLock<TcpListener> =
        LazyLock::new(|| TcpListener::bind("127.0.0.1:0").unwrap());
    let nowhere = std::env::temp_dir().join(format!("residue-editor-{}", std::process::id()));
    let endpoint = Some(format!("http://{}", SILENT.local_addr().unwrap()));
    let hub = HubSettings { endpoint, ..HubSettings::new(nowhere.join("hub")) };
    panel_over(ModelLibrary::new(nowhere, hub))
}

/// An instance that finds the models of a library, and an editor of it.
pub fn panel_over(library: ModelLibrary) -> (Instance, Panel, Told) {
    let instance = Instance::with_library(Arc::new(move || Ok(library.clone())));
    let told = Told::default();
    let host = Host { _instance: instance.clone(), told: told.clone() };
    let panel = Panel::new(instance.clone(), GuiContext::new(Arc::new(host)));
    (instance, panel, told)
}

/// An open editor, after its first frames.
pub struct Open {
    pub instance: Instance,
    pub told: Told,
    pub window: Harness<'static, Panel>,
}

/// Opens the editor of an instance that `prepare` has been at.
pub fn open(prepare: impl FnOnce(&Instance)) -> Open {
    open_panel(panel(), prepare)
}

/// As [`open`], over a library.
pub fn open_over(library: ModelLibrary, prepare: impl FnOnce(&Instance)) -> Open {
    open_panel(panel_over(library), prepare)
}

fn open_panel(
    (instance, panel, told): (Instance, Panel, Told),
    prepare: impl FnOnce(&Instance),
) -> Open {
    prepare(&instance);
    let mut window = Harness::builder()
        .with_size(egui::vec2(1060.0, 720.0))
        .with_step_dt(0.02)
        .build_ui_state(|ui, panel: &mut Panel| panel.show(ui), panel);
    Theme::install(&window.ctx);
    window.run_steps(3);
    Open { instance, told, window }
}

impl Open {
    /// Draws until something is so.
    pub fn wait(&mut self, what: &str, mut so: impl FnMut(&Self) -> bool) {
        let until = Instant::now() + Duration::from_secs(60);
        while !so(self) {
            assert!(Instant::now() < until, "{what}");
            std::thread::sleep(Duration::from_millis(5));
            self.window.run_steps(1);
        }
        self.window.run_steps(2);
    }

    /// Draws until a text can be read that has these words.
    pub fn wait_for(&mut self, words: &str) {
        self.wait(words, |open| open.window.query_by_label_contains(words).is_some());
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.instance.stop();
    }
}
