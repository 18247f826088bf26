use super::*;
use std::sync::atomic::AtomicUsize;

#[test]
fn every_part_runs_exactly_once() {
    for threads in 1..5 {
        let pool = ThreadPool::new(threads).unwrap();
        assert_eq!(pool.threads(), threads);
        for _ in 0..500 {
            pool.run(|workers| {
                for parts in (0..=threads).chain([threads; 5]) {
                    let runs: Vec<AtomicUsize> = (0..parts).map(|_| 0.into()).collect();
                    workers.parallel_for(parts, |part| {
                        runs[part].fetch_add(1, Ordering::Relaxed);
                    });
                    assert!(runs.iter().all(|n| n.load(Ordering::Relaxed) == 1));
                }
            });
        }
    }
}

#[test]
fn concurrent_runs_do_not_interfere() {
    let pool = ThreadPool::new(3).unwrap();
    let sum = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for _ in 0..200 {
                    pool.run(|workers| {
                        let parts = workers.threads();
                        workers.parallel_for(parts, |_| {
                            sum.fetch_add(6 / parts, Ordering::Relaxed);
                        });
                    });
                }
            });
        }
    });
    assert_eq!(sum.into_inner(), 3 * 200 * 6);
}

#[test]
fn parked_helpers_wake() {
    let pool = ThreadPool::new(2).unwrap();
    for _ in 0..3 {
        thread::sleep(std::time::Duration::from_millis(20));
        // Each part waits for the other, so that the helper has to take one.
        let arrived = AtomicUsize::new(0);
        pool.run(|workers| {
            workers.parallel_for(2, |_| {
                arrived.fetch_add(1, Ordering::SeqCst);
                while arrived.load(Ordering::SeqCst) < 2 {
                    thread::yield_now();
                }
            });
        });
    }
}

#[test]
fn denormals_are_flushed_in_every_part() {
    if !cfg!(any(target_arch = "x86_64", target_arch = "aarch64")) {
        return;
    }
    let half = |x: f32| std::hint::black_box(x) * std::hint::black_box(0.5);
    let pool = ThreadPool::new(3).unwrap();
    pool.run(|workers| {
        for _ in 0..100 {
            workers.parallel_for(3, |_| assert_eq!(half(f32::MIN_POSITIVE), 0.0));
        }
        assert_eq!(half(f32::MIN_POSITIVE), 0.0);
    });
    assert!(half(f32::MIN_POSITIVE) > 0.0, "the caller's mode is restored");
}

#[test]
fn a_panicking_part_ends_the_run_but_not_the_pool() {
    let pool = ThreadPool::new(3).unwrap();
    for bad in 0..3 {
        let panic = catch_unwind(AssertUnwindSafe(|| {
            pool.run(|workers| workers.parallel_for(3, |part| assert!(part != bad)));
        }));
        assert!(panic.is_err());
    }
    let sum = AtomicUsize::new(0);
    pool.run(|workers| {
        workers.parallel_for(3, |part| {
            sum.fetch_add(part, Ordering::Relaxed);
        });
    });
    assert_eq!(sum.into_inner(), 3);
}

#[test]
fn a_worker_keeps_its_part() {
    let pool = ThreadPool::new(2).unwrap();
    pool.run(|workers| {
        // Each part waits for the other, so that the leader does not claim that of a late helper.
        let arrived = AtomicUsize::new(0);
        let leader = thread::current().id();
        for round in 1..200 {
            workers.parallel_for(2, |part| {
                arrived.fetch_add(1, Ordering::SeqCst);
                while arrived.load(Ordering::SeqCst) < 2 * round {
                    thread::yield_now();
                }
                assert_eq!(part == 0, thread::current().id() == leader);
            });
        }
    });
}

#[test]
fn too_many_threads_are_an_error() {
    let error = ThreadPool::new(MAX_THREADS + 1).err().unwrap();
    assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
}
