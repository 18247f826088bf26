//! The models of a store as a window shows them.

use std::collections::HashMap;
use std::error::Error;
use std::path::PathBuf;
use std::sync::Arc;

use super::{
    AddedModel, Job, JobContext, ListedModel, MachineSpeed, ModelLoadError, ModelStore,
    ModelsError, PrecisionCost, PulledModel, TransferProgress, VerifyReport, Wake,
};

/// Error of a measurement.
pub type CostError = Box<dyn Error + Send + Sync>;

/// Download that runs, or has ended and was not dismissed.
#[derive(Clone, Debug)]
pub struct PullStatus {
    /// The model's name.
    pub id: String,
    /// Bytes here and in all.
    pub progress: TransferProgress,
    /// Result; `None` while it runs.
    pub end: Option<Result<(), Arc<ModelsError>>>,
}

impl PullStatus {
    /// Returns true until the download has ended.
    pub fn is_running(&self) -> bool {
        self.end.is_none()
    }
}

/// End of a job of a [`ModelCatalog`].
#[derive(Debug)]
pub enum CatalogEvent {
    /// The models cannot be listed; the last list stays.
    ListFailed(Arc<ModelsError>),
    /// A download has ended.
    Pulled {
        /// The model's name.
        id: String,
        /// How.
        result: Result<(), Arc<ModelsError>>,
    },
    /// A folder was added, or refused.
    Added {
        /// The folder.
        folder: PathBuf,
        /// How it ended.
        result: Result<AddedModel, ModelLoadError>,
    },
    /// A model's files were checked, or could not even be found.
    Verified {
        /// The model's name.
        id: String,
        /// The result.
        result: Result<VerifyReport, ModelsError>,
    },
    /// A model's precisions were measured; the costs are in the catalog.
    Measured {
        /// The model's name.
        id: String,
        /// How it ended.
        result: Result<(), CostError>,
    },
}

type Transfer<T> = Job<T, ModelsError, TransferProgress>;

/// The models of a [`ModelStore`] as a window shows them: the last list, at most one download, one
/// check and one measurement at a time, and their results.
///
/// Methods return at once; what takes time runs in [`Job`]s. [`poll`](Self::poll) takes over what they
/// have done and belongs into every frame of a window. Dropping the catalog cancels its jobs.
pub struct ModelCatalog {
    store: ModelStore,
    wake: Wake,
    models: Option<Vec<ListedModel>>,
    list_error: Option<Arc<ModelsError>>,
    listing: Option<Job<Vec<ListedModel>, ModelsError, ()>>,
    /// Something has changed since the listing began.
    is_outdated: bool,
    pull: Option<PullStatus>,
    pulling: Option<Transfer<PulledModel>>,
    verifying: Option<(String, Transfer<VerifyReport>)>,
    adding: Vec<(PathBuf, Job<AddedModel, ModelLoadError>)>,
    costs: HashMap<String, Vec<PrecisionCost>>,
    measuring: Option<(String, Job<Vec<PrecisionCost>, CostError>)>,
    /// This computer's speed, once it is known.
    speed: Option<MachineSpeed>,
    timing: Option<Job<MachineSpeed, CostError, ()>>,
    /// Threads that the speed was last looked up for. One that cannot be measured is not tried again and again.
    timed_threads: Option<usize>,
    is_closed: bool,
}

impl ModelCatalog {
    /// A catalog that has listed nothing yet. `wake` is called from other threads when
    /// [`poll`](Self::poll) has something new.
    pub fn new(store: ModelStore, wake: Wake) -> Self {
        Self {
            store,
            wake,
            models: None,
            list_error: None,
            listing: None,
            is_outdated: false,
            pull: None,
            pulling: None,
            verifying: None,
            adding: Vec::new(),
            costs: HashMap::new(),
            measuring: None,
            speed: None,
            timing: None,
            timed_threads: None,
            is_closed: false,
        }
    }

    /// The store.
    pub fn store(&self) -> &ModelStore {
        &self.store
    }

    /// Cancels all jobs and starts none any more.
    pub fn close(&mut self) {
        self.is_closed = true;
        self.cancel_pull();
        (self.listing, self.verifying, self.measuring) = (None, None, None);
        self.adding.clear();
        self.timing = None;
    }

    /// Takes over the results of jobs that have ended.
    pub fn poll(&mut self) -> Vec<CatalogEvent> {
        let mut events = Vec::new();
        self.poll_pull(&mut events);
        self.poll_additions(&mut events);
        self.poll_listing(&mut events);
        if let Some((id, result)) = take_ended(&mut self.verifying) {
            let verdict = match &result {
                Ok(report) => report.problem().map_or(Ok(()), Err),
                Err(error) => Err(error.to_string()),
            };
            let models = self.models.iter_mut().flatten();
            models.filter(|model| model.id == id).for_each(|model| {
                model.verified = Some(verdict.clone());
            });
            events.push(CatalogEvent::Verified { id, result });
        }
        if let Some((id, result)) = take_ended(&mut self.measuring) {
            let result = result.map(|costs| drop(self.costs.insert(id.clone(), costs)));
            // The measurement has kept loads.
            self.speed = self.speed.is_some().then(|| self.store.machine_speed());
            events.push(CatalogEvent::Measured { id, result });
        }
        if let Some(result) = self.timing.as_ref().and_then(Job::poll) {
            self.timing = None;
            self.speed = Some(result.unwrap_or_else(|_| self.store.machine_speed()));
        }
        events
    }

    /// Finds out this computer's speed on this many threads (0 chooses), unless that is known or under way. Takes about
    /// a second the first time.
    pub fn time_machine(&mut self, threads: usize) {
        if self.is_closed || self.timing.is_some() || self.timed_threads == Some(threads) {
            return;
        }
        self.timed_threads = Some(threads);
        let store = self.store.clone();
        let work = move |_: &JobContext<()>| -> Result<MachineSpeed, CostError> {
            let mut speed = store.machine_speed();
            speed.measure_limits(threads)?;
            Ok(speed)
        };
        self.timing = Some(Job::start("residue-timing", Arc::clone(&self.wake), work));
    }

    /// This computer's speed, once [`time_machine`](Self::time_machine) has found it out.
    pub fn machine_speed(&self) -> Option<&MachineSpeed> {
        self.speed.as_ref()
    }

    /// The models of the last list; `None` before the first.
    pub fn models(&self) -> Option<&[ListedModel]> {
        self.models.as_deref()
    }

    /// Why the last attempt to list models failed, if it did.
    pub fn list_error(&self) -> Option<&ModelsError> {
        self.list_error.as_deref()
    }

    /// Lists the models again.
    pub fn refresh(&mut self) {
        self.is_outdated = true;
        if self.listing.is_none() {
            self.start_listing();
        }
    }

    fn start_listing(&mut self) {
        if !std::mem::take(&mut self.is_outdated) || self.is_closed {
            return;
        }
        let store = self.store.clone();
        let list = move |_: &JobContext<()>| store.list();
        self.listing = Some(Job::start("residue-list", Arc::clone(&self.wake), list));
    }

    fn poll_listing(&mut self, events: &mut Vec<CatalogEvent>) {
        let Some(result) = self.listing.as_ref().and_then(Job::poll) else { return };
        self.listing = None;
        match result {
            Ok(mut listed) => {
                let before = self.models.take().unwrap_or_default();
                for model in listed.iter_mut().filter(|model| model.here) {
                    let same = before.iter().find(|other| other.id == model.id);
                    model.verified = same.and_then(|other| other.verified.clone());
                }
                self.models = Some(listed);
                self.list_error = None;
            }
            Err(error) => {
                let error = Arc::new(error);
                self.list_error = Some(Arc::clone(&error));
                events.push(CatalogEvent::ListFailed(error));
            }
        }
        self.start_listing();
    }

    /// Downloads a published model, unless a download runs. `on_success` runs on the job's thread as
    /// soon as the model is here, also while nobody polls. What has arrived is kept however the
    /// download ends.
    pub fn pull(&mut self, id: &str, on_success: impl FnOnce() + Send + 'static) {
        if self.is_closed || self.pull.as_ref().is_some_and(PullStatus::is_running) {
            return;
        }
        let (store, name) = (self.store.clone(), id.to_owned());
        let work = move |context: &JobContext<TransferProgress>| {
            let pulled =
                store.pull(&name, None, &mut |progress| context.report(progress.into()))?;
            on_success();
            Ok(pulled)
        };
        self.pulling = Some(Job::start("residue-pull", Arc::clone(&self.wake), work));
        let progress = TransferProgress::default();
        self.pull = Some(PullStatus { id: id.to_owned(), progress, end: None });
    }

    /// The download: its progress, or its end until that is dismissed.
    pub fn pull_status(&self) -> Option<PullStatus> {
        let mut status = self.pull.clone()?;
        if let Some(job) = &self.pulling {
            status.progress = job.progress();
        }
        Some(status)
    }

    /// Cancels the download, which has ended at the next [`poll`](Self::poll). Its thread ends at the
    /// next block that arrives, or when it would have given up waiting for one.
    pub fn cancel_pull(&mut self) {
        self.pulling.iter().for_each(Job::cancel);
    }

    /// Forgets a download that has ended.
    pub fn dismiss_pull(&mut self) {
        self.pull.take_if(|pull| !pull.is_running());
    }

    fn poll_pull(&mut self, events: &mut Vec<CatalogEvent>) {
        let Some(result) = self.pulling.as_ref().and_then(Job::poll) else { return };
        let progress = self.pulling.take().map(|job| job.progress());
        let result = result.map(drop).map_err(Arc::new);
        if let Some(pull) = &mut self.pull {
            pull.progress = progress.unwrap_or_default();
            pull.end = Some(result.clone());
            events.push(CatalogEvent::Pulled { id: pull.id.clone(), result });
        }
        self.refresh();
    }

    /// Adds a model folder under its own name, if it can be loaded.
    pub fn add(&mut self, folder: PathBuf) {
        if self.is_closed {
            return;
        }
        let (store, added) = (self.store.clone(), folder.clone());
        let work = move |context: &JobContext| {
            let progress = |share| context.step("loading", share);
            store.add(&added, None, &progress).map(|(model, _)| model)
        };
        self.adding.push((folder, Job::start("residue-add", Arc::clone(&self.wake), work)));
    }

    fn poll_additions(&mut self, events: &mut Vec<CatalogEvent>) {
        let before = events.len();
        self.adding.retain(|(folder, job)| match job.poll() {
            None => true,
            Some(result) => {
                events.push(CatalogEvent::Added { folder: folder.clone(), result });
                false
            }
        });
        if events.len() > before {
            self.refresh();
        }
    }

    /// Checks a model's files, and that it loads, unless a check runs.
    pub fn verify(&mut self, id: &str) {
        if self.is_closed || self.verifying.is_some() {
            return;
        }
        let (store, name) = (self.store.clone(), id.to_owned());
        let work = move |context: &JobContext<TransferProgress>| {
            let on_load = |_: f64| context.report(context.progress());
            store.verify(&name, &mut |progress| context.report(progress.into()), &on_load)
        };
        let job = Job::start("residue-verify", Arc::clone(&self.wake), work);
        self.verifying = Some((id.to_owned(), job));
    }

    /// The model whose files are being checked, and how much of them is.
    pub fn verify_status(&self) -> Option<(&str, TransferProgress)> {
        self.verifying.as_ref().map(|(id, job)| (id.as_str(), job.progress()))
    }

    /// Measures a model's precisions with `measure`, which has the audio for it, unless a measurement
    /// runs.
    pub fn measure(
        &mut self,
        id: &str,
        measure: impl FnOnce(&JobContext) -> Result<Vec<PrecisionCost>, CostError> + Send + 'static,
    ) {
        if self.is_closed || self.measuring.is_some() {
            return;
        }
        let job = Job::start("residue-measure", Arc::clone(&self.wake), measure);
        self.measuring = Some((id.to_owned(), job));
    }

    /// The model whose precisions are being measured.
    pub fn measuring(&self) -> Option<&str> {
        self.measuring.as_ref().map(|(id, _)| id.as_str())
    }

    /// Measured costs of a model's precisions, if they were measured in this session.
    pub fn costs(&self, id: &str) -> Option<&[PrecisionCost]> {
        self.costs.get(id).map(Vec::as_slice)
    }
}

/// Takes a job that has ended out of its place, with the model it was for.
fn take_ended<T, E, P>(place: &mut Option<(String, Job<T, E, P>)>) -> Option<(String, Result<T, E>)>
where
    T: Send + 'static,
    E: From<super::JobError> + Send + 'static,
    P: super::JobProgress,
{
    let result = place.as_ref()?.1.poll()?;
    place.take().map(|(id, _)| (id, result))
}
