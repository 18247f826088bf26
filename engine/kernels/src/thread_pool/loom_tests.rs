//! Model checks of the pool's protocol at small sizes; CONTRIBUTING says how to run them.
//!
//! loom runs each model under every interleaving of its threads, with at most `PREEMPTIONS` switches away
//! from a thread that could go on, and under every value that weakly ordered loads may return. Its cells
//! fail when two threads access one without an order between them, so that a missing Acquire or Release
//! on the way into or out of a loop is found, and a lost wake-up shows as a deadlock.

use super::*;
use loom::cell::UnsafeCell;
use std::sync::atomic::AtomicUsize;

/// Involuntary switches in one execution: most bugs of protocols like this need two at most.
const PREEMPTIONS: usize = 3;

fn check(preemptions: usize, model: impl Fn() + Sync + Send + 'static) {
    let executions = std::sync::Arc::new(AtomicUsize::new(0));
    let counted = std::sync::Arc::clone(&executions);
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        model();
    });
    println!("{} executions", executions.load(Ordering::Relaxed));
}

/// One cell for each part.
struct Parts(Vec<UnsafeCell<u32>>);

// SAFETY: each part touches its own cell, and the leader all of them between loops; loom checks that.
unsafe impl Sync for Parts {}

impl Parts {
    fn new(parts: usize) -> Self {
        Self((0..parts).map(|_| UnsafeCell::new(0)).collect())
    }

    fn increment(&self, part: usize) {
        // SAFETY: loom fails the model if another thread accesses the cell concurrently.
        self.0[part].with_mut(|n| unsafe { *n += 1 });
    }

    fn assert_all(&self, expected: u32) {
        for cell in &self.0 {
            // SAFETY: as in `increment`.
            assert_eq!(cell.with(|n| unsafe { *n }), expected);
        }
    }
}

/// Runs `loops` loops of one part per thread.
fn run_loops(pool: &ThreadPool, loops: u32) {
    pool.run(|workers| {
        let parts = Parts::new(workers.threads());
        for done in 1..=loops {
            workers.parallel_for(workers.threads(), |part| parts.increment(part));
            parts.assert_all(done);
        }
    });
}

#[test]
fn every_part_runs_once_and_is_visible_to_the_leader() {
    check(PREEMPTIONS, || run_loops(&ThreadPool::new(2).unwrap(), 2));
}

#[test]
fn two_helpers() {
    // Three threads interleave in many more ways.
    check(2, || run_loops(&ThreadPool::new(3).unwrap(), 1));
}

#[test]
fn helpers_wake_for_a_second_run() {
    check(PREEMPTIONS, || {
        let pool = ThreadPool::new(2).unwrap();
        run_loops(&pool, 1);
        run_loops(&pool, 1);
    });
}

#[test]
fn concurrent_runs_do_not_share_helpers() {
    check(PREEMPTIONS, || {
        let pool = Arc::new(ThreadPool::new(2).unwrap());
        let other = Arc::clone(&pool);
        let thread = thread::spawn(move || run_loops(&other, 1));
        run_loops(&pool, 1);
        thread.join().unwrap();
    });
}

#[test]
fn a_panic_reaches_the_leader() {
    check(PREEMPTIONS, || {
        let pool = ThreadPool::new(2).unwrap();
        // Without the panic hook, which would print each execution's.
        let fail = |part| {
            if part == 1 {
                resume_unwind(Box::new("part 1"))
            }
        };
        let run = || pool.run(|workers| workers.parallel_for(2, fail));
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
        run_loops(&pool, 1);
    });
}

#[test]
fn an_unused_pool_shuts_down() {
    check(PREEMPTIONS, || drop(ThreadPool::new(3).unwrap()));
}
