//! The studio's models: one that is being loaded beside running audio, and the catalog of all.

use std::sync::Arc;

use crossbeam_channel::Sender;
use residue_engine::codec::Codec;
use residue_engine::models::{
    AddedModel, CatalogEvent, Job, JobContext, ListedModel, ModelCatalog, ModelLoadError,
    ModelRequest, ModelStore, ModelsError, PullStatus, VerifyReport,
};

use super::reconciler::Delivery;
use super::shared::{StudioEvent, StudioShared};
use super::state::{ModelFacts, ModelState, Severity, UserNotice};

/// Models as the window sees them. Methods return at once.
pub struct StudioModels {
    /// List, downloads, checks and measurements.
    pub catalog: ModelCatalog,
    /// The model that runs, and the one that is being loaded.
    pub state: ModelState,
    loading: Option<ModelLoading>,
    shared: Arc<StudioShared>,
    deliveries: Sender<Delivery>,
}

/// A request that is being met. Dropping it cancels it: only the newest counts.
struct ModelLoading {
    request: ModelRequest,
    job: Job<(), ModelLoadError>,
}

impl StudioModels {
    /// Models of a store, none of them loaded.
    pub fn new(store: ModelStore, shared: Arc<StudioShared>, deliveries: Sender<Delivery>) -> Self {
        let catalog = ModelCatalog::new(store, shared.waker());
        Self { catalog, state: ModelState::default(), loading: None, shared, deliveries }
    }

    /// Loads a model and delivers it to the reconciler, on a thread of its own. While there is no model
    /// yet the embedded one stands in for one that cannot be loaded.
    pub fn choose(&mut self, request: ModelRequest) {
        self.state.loading = Some((request.clone(), 0.0));
        self.state.wanted = Some(request.clone());
        // Without any model nothing could be heard.
        let stand_in = self.state.facts.is_none().then(|| request.stand_in());
        let (store, shared) = (self.catalog.store().clone(), Arc::clone(&self.shared));
        let (deliveries, first) = (self.deliveries.clone(), request.clone());
        // Delivers by itself: nobody polls while the window is hidden.
        let work = move |context: &JobContext| {
            let load = |request: &ModelRequest| load(request, &store, &shared, context);
            let loaded = match (load(&first), stand_in) {
                (Err(ModelLoadError::Cancelled), _) => return Err(ModelLoadError::Cancelled),
                (Err(error), Some(stand_in)) => {
                    shared.tell(StudioEvent::ModelFailed(error.to_string()));
                    load(&stand_in)
                }
                (loaded, _) => loaded,
            };
            let (codec, facts) = loaded?;
            if context.is_cancelled() {
                return Err(ModelLoadError::Cancelled);
            }
            // The reconciler lives as long as the studio.
            let _ = deliveries.send(Delivery::Codec(codec, facts));
            Ok(())
        };
        let job = Job::start("residue-load", self.shared.waker(), work);
        self.loading = Some(ModelLoading { request, job });
    }

    /// Notes that a model runs.
    pub fn took(&mut self, facts: ModelFacts) {
        self.state.facts = Some(facts);
        self.state.failed = None;
    }

    /// Notes that a model cannot be used, and says so.
    pub fn failed(&mut self, why: String) -> UserNotice {
        let text = format!("the model cannot be used: {why}");
        self.state.failed = Some(why);
        UserNotice::new(Severity::Error, text)
    }

    /// Takes over what threads have done, and returns what a person should be told.
    pub fn tick(&mut self) -> Vec<UserNotice> {
        let mut notices = Vec::new();
        if let Some(result) = self.loading.as_ref().and_then(|loading| loading.job.poll()) {
            self.loading = None;
            if let Err(error) = result {
                self.state.wanted = self.state.facts.as_ref().map(|facts| facts.request.clone());
                notices.push(self.failed(error.to_string()));
            }
        }
        self.state.loading = self
            .loading
            .as_ref()
            .map(|loading| (loading.request.clone(), loading.job.progress().share));
        notices.extend(self.catalog.poll().into_iter().filter_map(notice));
        // How a download ended has been said.
        self.catalog.dismiss_pull();
        notices
    }

    /// The models of the last list.
    pub fn listed(&self) -> &[ListedModel] {
        self.catalog.models().unwrap_or_default()
    }

    /// The download that runs.
    pub fn pull(&self) -> Option<PullStatus> {
        self.catalog.pull_status().filter(PullStatus::is_running)
    }
}

/// Loads a model beside running audio, with its warnings told.
fn load(
    request: &ModelRequest,
    store: &ModelStore,
    shared: &StudioShared,
    context: &JobContext,
) -> Result<(Codec, ModelFacts), ModelLoadError> {
    let source = store.locate(&request.id)?;
    let chosen = store.choose_precision(&source, request.precision, request.threads)?;
    let progress = |share| context.step("loading", share);
    let codec = store.load_from(&source, chosen.precision, request.threads, &progress)?;
    for warning in codec.warnings() {
        shared.notice(Severity::Warning, format!("model {}: {warning}", request.id));
    }
    let config = codec.config();
    let facts = ModelFacts {
        request: request.clone(),
        precision: codec.precision(),
        precision_reason: chosen.reason,
        threads: codec.threads(),
        layers: config.quantizer.layers,
        kbps_per_layer: config.bitrate(1) / 1e3,
        rate: config.sample_rate,
        channels: config.channels,
        frame_ms: 1e3 / config.frame_rate(),
        parameters: config.parameters(),
        codebook_size: config.quantizer.codebook_size,
    };
    Ok((codec, facts))
}

/// The end of a job in words for a person.
fn notice(event: CatalogEvent) -> Option<UserNotice> {
    let (severity, text) = match event {
        CatalogEvent::ListFailed(error) => {
            (Severity::Error, format!("models cannot be listed: {error}"))
        }
        CatalogEvent::Pulled { id, result } => match result {
            Ok(()) => (Severity::Info, format!("{id} is here now")),
            Err(error) => match *error {
                ModelsError::Cancelled => {
                    (Severity::Info, format!("stopped downloading {id}; what has arrived is kept"))
                }
                ref error => (Severity::Error, format!("{id} cannot be downloaded: {error}")),
            },
        },
        CatalogEvent::Added { folder, result } => match result {
            Ok(AddedModel { name, .. }) => (Severity::Info, format!("added {name}")),
            Err(error) => {
                (Severity::Error, format!("{} cannot be added: {error}", folder.display()))
            }
        },
        CatalogEvent::Verified { id, result } => match verdict(result) {
            Ok(files) => (Severity::Info, format!("{id} is in order: {files} files checked")),
            Err(why) => {
                (Severity::Error, format!("{id} is damaged: {why}; download or copy it again"))
            }
        },
        CatalogEvent::Measured { id, result } => match result {
            Ok(()) => return None,
            Err(error) => (Severity::Error, format!("{id} cannot be measured: {error}")),
        },
    };
    Some(UserNotice::new(severity, text))
}

/// The number of good files, or the first problem.
fn verdict(result: Result<VerifyReport, ModelsError>) -> Result<usize, String> {
    let report = result.map_err(|error| error.to_string())?;
    report.problem().map_or(Ok(report.files.len()), Err)
}
