//! Shared passes: instances that run one model compute their frames together.
//!
//! Each instance has a thread that hands in a job (its streaming state and input) and waits for the result. There
//! is no thread in between: the one that finds nobody computing leads. It takes the jobs that wait, computes
//! them as one batch, hands them back, and leads until its own is among them.
//!
//! ```text
//! instance 1  run ---> leads: [1]         ------> [1 2 3] ------>
//! instance 2  run -------> waits          leads ^          ------>
//! instance 3     run ------> waits              |          ------>
//!                         (2 is due first)      a batch: those who wait, or come within the leader's patience
//! ```
//!
//! The most urgent come first, and a batch is no larger than lets its members be in time, as far as the times of
//! earlier batches tell. Those who cannot wait for the next batch lead another one beside it, while there are
//! processors for it. Before a batch the leader waits a moment for instances whose next frame is about to
//! come, if its members have the time: instances of one host get their input together. Nobody waits for an
//! instance that is alone, idle, at another phase, or offline.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::batch_times::BatchTimes;
use super::error::ProcessorError;

/// Share of the interval between its frames for which a leader waits for others.
const PATIENCE: u32 = 8;
/// Longest such wait: after a pause the interval says nothing.
const MAX_HOLD: Duration = Duration::from_millis(20);
/// Wait after which a job comes before all others, so that no instance hangs, however many are more urgent.
const MAX_WAIT: Duration = Duration::from_millis(100);

/// Passes that the instances of one model share. `J` is the job of an instance.
pub struct SharedPasses<J> {
    state: Mutex<PassState<J>>,
    /// Tells a leader that waits for others of a new job.
    arrived: Condvar,
}

struct PassState<J> {
    waiting: Vec<PassRequest<J>>,
    members: Vec<Arrivals>,
    leaders: Vec<Leader>,
    /// Most leaders at once.
    most_leaders: usize,
    times: BatchTimes,
    next_member: u64,
}

/// An instance whose thread leads.
struct Leader {
    member: u64,
    /// When its batch will be done; none while it waits for others.
    ends: Option<Instant>,
}

/// A job that waits.
struct PassRequest<J> {
    job: J,
    size: usize,
    due: Option<Instant>,
    member: u64,
    came: Instant,
    /// Its thread leads, and alone takes it.
    leads: bool,
    reply: Arc<Reply<J>>,
}

/// Arrivals of an instance's jobs, from which the next one is expected.
struct Arrivals {
    member: u64,
    last: Option<Instant>,
    /// Time between its last two jobs.
    interval: Option<Duration>,
    size: usize,
}

/// Where a waiting instance is told what to do.
struct Reply<J> {
    told: Mutex<Option<Told<J>>>,
    changed: Condvar,
}

enum Told<J> {
    Lead,
    Done(Result<PassResult<J>, ProcessorError>),
}

/// A job that has been computed.
#[derive(Debug)]
pub struct PassResult<J> {
    /// The job, with its result.
    pub job: J,
    /// Time in which its batch waited for others, though it could have begun.
    pub held: Duration,
}

/// An instance that takes part in [`SharedPasses`]. Dropping it ends that.
pub struct PassMember<J> {
    passes: Arc<SharedPasses<J>>,
    id: u64,
    reply: Arc<Reply<J>>,
}

impl<J> Reply<J> {
    fn tell(&self, told: Told<J>) {
        *lock(&self.told) = Some(told);
        self.changed.notify_one();
    }

    fn wait(&self) -> Told<J> {
        let mut told = lock(&self.told);
        loop {
            match told.take() {
                Some(told) => return told,
                None => told = self.changed.wait(told).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }
}

/// Locks a mutex whose value no panic leaves half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<J> Default for SharedPasses<J> {
    fn default() -> Self {
        let state = PassState {
            waiting: Vec::new(),
            members: Vec::new(),
            leaders: Vec::new(),
            most_leaders: 1,
            times: BatchTimes::default(),
            next_member: 0,
        };
        Self { state: Mutex::new(state), arrived: Condvar::new() }
    }
}

impl<J> SharedPasses<J> {
    /// Adds an instance. `batches` is the most batches at once: how often the processors hold the threads of one.
    pub fn join(self: Arc<Self>, batches: usize) -> PassMember<J> {
        let id = {
            let mut state = lock(&self.state);
            let id = state.next_member;
            state.next_member += 1;
            state.most_leaders = batches.max(1);
            state.members.push(Arrivals { member: id, last: None, interval: None, size: 0 });
            id
        };
        let reply = Arc::new(Reply { told: Mutex::new(None), changed: Condvar::new() });
        PassMember { passes: self, id, reply }
    }

    /// Leads until the job of `member`, which is among the leaders, is done.
    fn lead(&self, member: &PassMember<J>, compute: &mut dyn FnMut(&mut [J])) -> PassOutcome<J> {
        let mut own = None;
        while own.is_none() {
            let (batch, held) = self.gather(member.id);
            own = self.compute(member.id, batch, held, compute);
        }
        let mut state = lock(&self.state);
        let now = Instant::now();
        state.leaders.retain(|leader| leader.member != member.id);
        state.add_leader(now);
        own.unwrap_or_else(|| Err(ProcessorError::new("a pass ended without its leader's job")))
    }

    /// Waits for others that are about to come, if there is time, and takes the next batch. Returns it with the
    /// time that it was held for.
    fn gather(&self, leader: u64) -> (Vec<PassRequest<J>>, Duration) {
        let began = Instant::now();
        let mut state = lock(&self.state);
        let mut now = began;
        while let Some(latest) = state.latest_start(leader, began, now) {
            let (next, _) = self
                .arrived
                .wait_timeout(state, latest.saturating_duration_since(now))
                .unwrap_or_else(PoisonError::into_inner);
            state = next;
            now = Instant::now();
        }
        let batch = state.take_batch(leader, now);
        // The others, if any, are another batch at once.
        state.add_leader(now);
        (batch, now - began)
    }

    /// Computes a batch and hands its jobs back; returns the one of `leader` if it is among them.
    fn compute(
        &self,
        leader: u64,
        batch: Vec<PassRequest<J>>,
        held: Duration,
        compute: &mut dyn FnMut(&mut [J]),
    ) -> Option<PassOutcome<J>> {
        let size = batch.iter().map(|request| request.size).sum();
        let began = Instant::now();
        let held_since = began.checked_sub(held).unwrap_or(began);
        let mut jobs = Vec::with_capacity(batch.len());
        let mut members = Vec::with_capacity(batch.len());
        for PassRequest { job, member, came, reply, .. } in batch {
            jobs.push(job);
            members.push((member, came, reply));
        }
        let computed = catch_unwind(AssertUnwindSafe(|| compute(&mut jobs)));
        let mut own = None;
        let mut hand_back = |(member, came, reply): Asker<J>, result: Result<J, ProcessorError>| {
            let result = result.map(|job| {
                let held = began.saturating_duration_since(held_since.max(came)).min(held);
                PassResult { job, held }
            });
            if member == leader {
                own = Some(result);
            } else {
                reply.tell(Told::Done(result));
            }
        };
        match computed {
            Ok(()) => {
                lock(&self.state).times.record(size, began.elapsed());
                members.into_iter().zip(jobs).for_each(|(m, job)| hand_back(m, Ok(job)));
            }
            // The jobs are half done and dropped: each instance fails.
            Err(panic) => members
                .into_iter()
                .for_each(|m| hand_back(m, Err(ProcessorError::from_panic(&*panic)))),
        }
        own
    }
}

type PassOutcome<J> = Result<PassResult<J>, ProcessorError>;

/// Instance of a job in a batch, when the job came, and where its result goes.
type Asker<J> = (u64, Instant, Arc<Reply<J>>);

impl<J> PassMember<J> {
    /// Computes a job, alone or in a batch with those of other instances. `compute` gets the jobs of a batch, and
    /// is called on this thread as often as it leads, which may be never.
    ///
    /// `size` is the job's share of a batch, in any unit; `due` the instant at which its result is needed: `None` if
    /// nothing is late. Blocks until the job is done; not realtime-safe.
    ///
    /// # Errors
    /// If `compute` panicked with this job in its batch. The job is lost then.
    pub fn run(
        &mut self,
        job: J,
        size: usize,
        due: Option<Instant>,
        mut compute: impl FnMut(&mut [J]),
    ) -> Result<PassResult<J>, ProcessorError> {
        let leads = {
            let mut state = lock(&self.passes.state);
            let came = Instant::now();
            state.note_arrival(self.id, came, size);
            let (member, reply) = (self.id, Arc::clone(&self.reply));
            let leads = state.needs_leader(size, due, came);
            state.waiting.push(PassRequest { job, size, due, member, came, leads, reply });
            if leads {
                state.leaders.push(Leader { member, ends: None });
            }
            leads
        };
        if !leads {
            self.passes.arrived.notify_one();
            if let Told::Done(result) = self.reply.wait() {
                return result;
            }
        }
        self.passes.lead(self, &mut compute)
    }
}

impl<J> Drop for PassMember<J> {
    fn drop(&mut self) {
        lock(&self.passes.state).members.retain(|arrivals| arrivals.member != self.id);
    }
}

impl<J> PassState<J> {
    fn note_arrival(&mut self, member: u64, now: Instant, size: usize) {
        if let Some(arrivals) = self.members.iter_mut().find(|a| a.member == member) {
            arrivals.interval = arrivals.last.map(|last| now - last);
            arrivals.last = Some(now);
            arrivals.size = size;
        }
    }

    /// Returns whether a new job must be led by its own thread: if nobody leads, or if there is room for another
    /// leader and the next batch would come too late.
    fn needs_leader(&self, size: usize, due: Option<Instant>, now: Instant) -> bool {
        if self.leaders.is_empty() {
            return true;
        }
        let ends: Option<Vec<Instant>> = self.leaders.iter().map(|leader| leader.ends).collect();
        let next = match ends.and_then(|ends| ends.into_iter().min()) {
            Some(next) if self.leaders.len() < self.most_leaders => next.max(now),
            // No room, or one that is about to take a batch.
            _ => return false,
        };
        let size = size + self.waiting.iter().map(|request| request.size).sum::<usize>();
        due.is_none_or(|due| next + self.times.predict(size) > due)
    }

    /// Lets the first of those that wait lead, if there is room for another leader.
    fn add_leader(&mut self, now: Instant) {
        if self.leaders.len() >= self.most_leaders {
            return;
        }
        let waiting = self.waiting.iter().enumerate().filter(|(_, request)| !request.leads);
        let first = waiting.min_by_key(|(_, request)| self.rank(request, now)).map(|(i, _)| i);
        if let Some(i) = first {
            let request = &mut self.waiting[i];
            request.leads = true;
            request.reply.tell(Told::Lead);
            self.leaders.push(Leader { member: request.member, ends: None });
        }
    }

    /// Returns the instant until which the leader may wait for others; none if it should begin now.
    fn latest_start(&self, leader: u64, began: Instant, now: Instant) -> Option<Instant> {
        // Nobody waits offline, where time is all that counts.
        if self.members.len() < 2 || self.waiting.iter().any(|request| request.due.is_none()) {
            return None;
        }
        let interval = self.members.iter().find(|a| a.member == leader)?.interval?;
        let patience = began + (interval / PATIENCE).min(MAX_HOLD);
        let expected = |arrivals: &&Arrivals| {
            let (Some(last), Some(interval)) = (arrivals.last, arrivals.interval) else {
                return false;
            };
            let next = last + interval;
            let waits = self.waiting.iter().any(|request| request.member == arrivals.member);
            !waits && next <= patience && now <= next + interval / 2
        };
        let coming: usize = self.members.iter().filter(expected).map(|a| a.size).sum();
        if coming == 0 {
            return None;
        }
        let size = coming + self.waiting.iter().map(|request| request.size).sum::<usize>();
        // With a quarter to spare.
        let time = self.times.predict(size) * 5 / 4;
        let dues =
            self.waiting.iter().filter(|r| self.can_be_in_time(r, now)).filter_map(|r| r.due);
        let latest = match dues.min() {
            Some(due) => patience.min(due.checked_sub(time)?),
            None => patience,
        };
        (now < latest).then_some(latest)
    }

    /// Returns whether a request would be in time in a batch of its own that begins now.
    fn can_be_in_time(&self, request: &PassRequest<J>, now: Instant) -> bool {
        request.due.is_some_and(|due| now + self.times.predict(request.size) <= due)
    }

    /// Returns the key that orders requests: first those that have waited long; then those that can be in time, the
    /// most urgent at the head; then those that are late in any case; then those that never are.
    fn rank(&self, request: &PassRequest<J>, now: Instant) -> (u8, Option<Instant>, Instant) {
        let class = match request.due {
            _ if now.saturating_duration_since(request.came) > MAX_WAIT => 0,
            Some(_) if self.can_be_in_time(request, now) => 1,
            Some(_) => 2,
            None => 3,
        };
        (class, request.due, request.came)
    }

    /// Takes the first requests by rank for a leader: as many as leave all of them in time that can be, and at
    /// least one. Where that bounds nothing, those who could lead beside it get their share.
    fn take_batch(&mut self, leader: u64, now: Instant) -> Vec<PassRequest<J>> {
        let all = std::mem::take(&mut self.waiting);
        let takes = |request: &PassRequest<J>| !request.leads || request.member == leader;
        let (mut waiting, others): (Vec<_>, Vec<_>) = all.into_iter().partition(takes);
        waiting.sort_by_key(|request| self.rank(request, now));
        let leaders = 1 + self.most_leaders.saturating_sub(self.leaders.len());
        let share = waiting.len().div_ceil(leaders);
        let (mut size, mut count) = (0, 0);
        let mut bound: Option<Instant> = None;
        for request in &waiting {
            size += request.size;
            if self.can_be_in_time(request, now) {
                bound = bound.into_iter().chain(request.due).min();
            }
            let is_full = match bound {
                Some(bound) => now + self.times.predict(size) > bound,
                None => count >= share,
            };
            if count > 0 && is_full {
                size -= request.size;
                break;
            }
            count += 1;
        }
        self.waiting = waiting.split_off(count);
        self.waiting.extend(others);
        let ends = now + self.times.predict(size);
        if let Some(leader) = self.leaders.iter_mut().find(|l| l.member == leader) {
            leader.ends = Some(ends);
        }
        waiting
    }
}

#[cfg(test)]
mod tests;
