//! What there is to choose from, and downloads: for an editor, which must not wait for a disk or the
//! network.
//!
//! A thread that lists or downloads ends with its work, or soon after the instance has gone: it is
//! asked to, and not waited for, because freeing an instance must not take as long as a hub that does
//! not answer.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use residue_engine::models::{
    KnownModel, ModelEntry, ModelSource, ModelsError, Progress, ProgressStage, embedded,
};

use super::{ModelSlot, OpenLibrary};

/// A model to choose.
#[derive(Clone, Debug, PartialEq)]
pub struct ShelfModel {
    /// What a project calls it.
    pub id: String,
    /// Rate, channels and layers, as far as they are known without opening it.
    pub about: String,
    /// Bytes it takes up here, or why it is not here.
    pub here: Result<Option<u64>, String>,
    /// Bytes to download, if it can be downloaded and is not here.
    pub download: Option<u64>,
}

/// A download.
#[derive(Clone, Debug, PartialEq)]
pub struct Fetch {
    /// The model's name.
    pub name: String,
    /// What is going on.
    pub stage: ProgressStage,
    /// Bytes here, of all files.
    pub done: u64,
    /// Bytes there are; 0 until that is known.
    pub total: u64,
    /// How it ended: `None` while it runs.
    pub end: Option<Result<(), String>>,
}

impl Fetch {
    /// Whether it goes on.
    pub fn runs(&self) -> bool {
        self.end.is_none()
    }
}

#[derive(Default)]
struct State {
    models: Option<Result<Vec<ShelfModel>, String>>,
    listing: bool,
    /// Something has changed since the listing began.
    outdated: bool,
    fetch: Option<Fetch>,
    /// What tells the download's thread to end. A thread whose flag is not here any more has been given
    /// up, and says nothing.
    cancel: Arc<AtomicBool>,
    /// Everything is to end.
    stop: bool,
}

/// Models that can be chosen, and at most one download. Methods lock for a moment and return at once.
pub struct Shelf {
    state: Mutex<State>,
    open: OpenLibrary,
}

impl Shelf {
    /// What there is in a library.
    pub fn new(open: OpenLibrary) -> Arc<Self> {
        Arc::new(Self { state: Mutex::default(), open })
    }

    /// What was found when the library was last read; `None` before that.
    pub fn models(&self) -> Option<Result<Vec<ShelfModel>, String>> {
        self.state.lock().models.clone()
    }

    /// Reads the library again, on a thread.
    pub fn refresh(self: &Arc<Self>) {
        let mut state = self.state.lock();
        state.outdated = true;
        if state.listing || state.stop {
            return;
        }
        let shelf = Arc::clone(self);
        let thread = std::thread::Builder::new().name("residue-list".into());
        state.listing = thread.spawn(move || shelf.list()).is_ok();
    }

    /// The download: what it is at, or how it ended.
    pub fn fetch(&self) -> Option<Fetch> {
        self.state.lock().fetch.clone()
    }

    /// Begins to download a published model, on a thread, unless a download goes on. When it is here,
    /// `slot` tries again if it waits for it. What has arrived is kept however the download ends.
    pub fn begin_fetch(self: &Arc<Self>, name: &str, slot: &Arc<ModelSlot>) {
        let mut state = self.state.lock();
        if state.stop || state.fetch.as_ref().is_some_and(Fetch::runs) {
            return;
        }
        let begun = Fetch {
            name: name.to_owned(),
            stage: ProgressStage::Asking,
            done: 0,
            total: 0,
            end: None,
        };
        (state.fetch, state.cancel) = (Some(begun), Arc::default());
        let (shelf, slot, name) = (Arc::clone(self), Arc::clone(slot), name.to_owned());
        let cancel = Arc::clone(&state.cancel);
        let thread = std::thread::Builder::new().name("residue-fetch".into());
        if let Err(error) = thread.spawn(move || shelf.download(&name, &slot, &cancel)) {
            let end = Some(Err(format!("the system has no thread for a download: {error}")));
            state.fetch.iter_mut().for_each(|fetch| fetch.end.clone_from(&end));
        }
    }

    /// Gives the download up. Its thread ends at the next block that arrives, or when it would have
    /// given up waiting for one.
    pub fn cancel_fetch(&self) {
        let mut state = self.state.lock();
        state.cancel.store(true, Ordering::Relaxed);
        if let Some(fetch) = state.fetch.as_mut().filter(|fetch| fetch.runs()) {
            fetch.end = Some(Err("It was cancelled. What has arrived is kept.".to_owned()));
        }
    }

    /// Forgets a download that has ended.
    pub fn clear_fetch(&self) {
        self.state.lock().fetch.take_if(|fetch| !fetch.runs());
    }

    /// The instance goes: threads end as soon as they can.
    pub fn stop(&self) {
        let mut state = self.state.lock();
        state.stop = true;
        state.cancel.store(true, Ordering::Relaxed);
    }

    fn list(&self) {
        while self.is_outdated() {
            let models = contained(|| {
                let entries = (self.open)()?.list()?;
                Ok(entries.into_iter().map(shelf_model).collect())
            });
            self.state.lock().models = Some(models);
        }
    }

    /// True once after each change; otherwise the listing is over.
    fn is_outdated(&self) -> bool {
        let mut state = self.state.lock();
        let State { listing, outdated, stop, .. } = &mut *state;
        *listing = std::mem::take(outdated) && !*stop;
        *listing
    }

    fn download(self: &Arc<Self>, name: &str, slot: &ModelSlot, cancel: &Arc<AtomicBool>) {
        let cancelled = || cancel.load(Ordering::Relaxed);
        let tell = |change: &dyn Fn(&mut Fetch)| {
            let mut state = self.state.lock();
            if !cancelled() && Arc::ptr_eq(&state.cancel, cancel) {
                state.fetch.iter_mut().for_each(change);
            }
        };
        let mut report = |progress: Progress<'_>| {
            tell(&|fetch| {
                fetch.stage = progress.stage;
                (fetch.done, fetch.total) = (progress.done, progress.total);
            });
            if cancelled() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        let result = contained(|| (self.open)()?.pull(name, &mut report).map(drop));
        tell(&|fetch| fetch.end = Some(result.clone()));
        if result.is_ok() {
            slot.retry();
        }
        self.refresh();
    }
}

/// A panic on a thread of ours must not leave the editor waiting.
fn contained<T>(work: impl FnOnce() -> Result<T, ModelsError>) -> Result<T, String> {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(result) => result.map_err(|error| error.to_string()),
        Err(_) => Err("reading the models failed with a panic".to_owned()),
    }
}

fn shelf_model(entry: ModelEntry) -> ShelfModel {
    let ModelEntry { name, known, source, bytes } = entry;
    let about = match (&source, known) {
        (Ok(ModelSource::Embedded), _) => embedded_about(),
        (_, Some(known)) => known_about(known),
        (Ok(ModelSource::Folder(folder)), None) => folder.display().to_string(),
        (Err(_), None) => "a folder that you added".to_owned(),
    };
    let download = known.filter(|_| source.is_err()).map(KnownModel::f32_bytes);
    let here = source.map(|_| bytes).map_err(|error| error.to_string());
    ShelfModel { id: name, about, here, download }
}

fn known_about(known: &KnownModel) -> String {
    about(known.rate, known.channels, known.layers)
}

fn embedded_about() -> String {
    residue_engine::codec::CodecConfig::parse(embedded().config).map_or_else(
        |_| "always there".to_owned(),
        |config| about(config.sample_rate, config.channels, config.quantizer.layers),
    )
}

fn about(rate: u32, channels: usize, layers: usize) -> String {
    let channels = if channels == 1 { "mono" } else { "stereo" };
    format!("{} kHz {channels}, {layers} layers", f64::from(rate) / 1000.0)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use residue_engine::models::{HubSettings, ModelLibrary};

    use super::*;

    fn wait(what: &str, mut done: impl FnMut() -> bool) {
        let until = Instant::now() + Duration::from_secs(30);
        while !done() {
            assert!(Instant::now() < until, "{what}");
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// A library in an empty folder, whose hub is a port that nobody listens at.
    fn empty(name: &str) -> (Arc<Shelf>, std::path::PathBuf) {
        let home = std::env::temp_dir().join(format!("residue-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&home);
        let at = home.clone();
        let shelf = Shelf::new(Arc::new(move || {
            let endpoint = Some("http://127.0.0.1:9".to_owned());
            let hub = HubSettings { endpoint, retries: 0, ..HubSettings::new(at.join("hub")) };
            Ok(ModelLibrary::new(&at, hub))
        }));
        (shelf, home)
    }

    #[test]
    fn the_embedded_model_is_here_and_the_published_ones_can_be_had() {
        let (shelf, home) = empty("shelf");
        assert_eq!(shelf.models(), None);
        shelf.refresh();
        wait("the list comes", || shelf.models().is_some());
        let models = shelf.models().unwrap().unwrap();
        let ids: Vec<&str> = models.iter().map(|model| model.id.as_str()).collect();
        assert_eq!(ids, ["embedded", "nano", "v1", "v2"]);
        assert!(models[0].here.is_ok() && models[0].download.is_none());
        assert_eq!(models[0].about, "24 kHz mono, 32 layers");
        assert!(models[1].here.is_err());
        assert_eq!(models[1].download, Some(87_878_656));
        assert_eq!(models[1].about, "48 kHz stereo, 16 layers");
        let _ = std::fs::remove_dir_all(home);
    }

    #[test]
    fn a_download_that_fails_says_why_and_leaves_the_slot_alone() {
        let (shelf, home) = empty("fetch");
        let slot = ModelSlot::new(Arc::clone(&shelf.open));
        let end = || shelf.fetch().and_then(|fetch| fetch.end);
        shelf.begin_fetch("nano", &slot);
        wait("it ends", || end().is_some());
        let reason = end().unwrap().unwrap_err();
        assert!(reason.contains("127.0.0.1"), "{reason}");
        shelf.begin_fetch("nano", &slot);
        shelf.cancel_fetch();
        assert!(end().is_some_and(|end| end.is_err()), "at once");
        shelf.clear_fetch();
        assert_eq!(shelf.fetch(), None);
        shelf.stop();
        shelf.begin_fetch("nano", &slot);
        assert_eq!(shelf.fetch(), None, "after the end nothing begins");
        let _ = std::fs::remove_dir_all(home);
    }
}
