use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::*;
use residue_core::random::SplitMix64;

const fn ms(n: u64) -> Duration {
    Duration::from_millis(n)
}

/// Waits until a condition holds that another thread brings about.
fn until(holds: impl Fn() -> bool) {
    let began = Instant::now();
    while !holds() {
        assert!(began.elapsed() < Duration::from_secs(20), "it never came to hold");
        thread::sleep(ms(1));
    }
}

impl<J> SharedPasses<J> {
    fn waiting(&self) -> usize {
        lock(&self.state).waiting.len()
    }

    fn take_batch(&self, now: Instant) -> Vec<u64> {
        lock(&self.state).take_batch(u64::MAX, now).iter().map(|request| request.member).collect()
    }

    fn push(&self, member: &PassMember<J>, job: J, due: Option<Instant>) {
        let (member, reply) = (member.id, Arc::clone(&member.reply));
        let came = Instant::now();
        let request = PassRequest { job, size: 1, due, member, came, leads: false, reply };
        lock(&self.state).waiting.push(request);
    }
}

/// Instances come and go; every job comes back to its own instance, computed once, in at most so many batches at once.
fn stress(most: usize) {
    let passes = Arc::new(SharedPasses::<(u64, u32)>::default());
    let [busy, batches, largest] = [0; 3].map(|_| AtomicUsize::new(0));
    let compute = |jobs: &mut [(u64, u32)]| {
        assert!(busy.fetch_add(1, Ordering::SeqCst) < most, "batches at once");
        batches.fetch_add(1, Ordering::Relaxed);
        largest.fetch_max(jobs.len(), Ordering::Relaxed);
        jobs.iter_mut().for_each(|job| job.1 += 1);
        thread::sleep(Duration::from_micros(50));
        busy.fetch_sub(1, Ordering::SeqCst);
    };
    thread::scope(|scope| {
        for instance in 0..8u64 {
            let (passes, compute) = (Arc::clone(&passes), &compute);
            scope.spawn(move || {
                let mut random = SplitMix64::new(instance);
                let mut member = Arc::clone(&passes).join(most);
                for n in 0..200u64 {
                    if random.below(20) == 0 {
                        member = Arc::clone(&passes).join(most);
                    }
                    let due = match random.below(4) {
                        0 => None,
                        ahead => Some(Instant::now() + Duration::from_micros(200 * ahead as u64)),
                    };
                    let size = 1 + random.below(4);
                    let result = member.run((instance * 1000 + n, 0), size, due, compute).unwrap();
                    assert_eq!(result.job, (instance * 1000 + n, 1));
                    thread::sleep(Duration::from_micros(random.below(200) as u64));
                }
            });
        }
    });
    let (batches, largest) = (batches.into_inner(), largest.into_inner());
    println!("{batches} batches, at most {largest} jobs");
    assert!(largest > 1 && batches < 8 * 200, "jobs were shared");
    let state = lock(&passes.state);
    assert!(state.leaders.is_empty() && state.waiting.is_empty() && state.members.is_empty());
}

#[test]
fn every_job_comes_back_to_its_instance() {
    (1..4).for_each(stress);
}

/// A panic fails all jobs of its batch, and nobody waits for ever.
#[test]
fn a_panic_fails_its_batch_and_no_other() {
    let passes = Arc::new(SharedPasses::<u32>::default());
    let [failed, fine] = [0; 2].map(|_| AtomicUsize::new(0));
    thread::scope(|scope| {
        for instance in 0..6u64 {
            let (passes, failed, fine) = (&passes, &failed, &fine);
            scope.spawn(move || {
                let mut random = SplitMix64::new(instance);
                let mut member = Arc::clone(passes).join(1);
                for _ in 0..100 {
                    let bad = random.below(8) == 0;
                    let compute = |jobs: &mut [u32]| {
                        thread::sleep(Duration::from_micros(100));
                        assert!(!jobs.contains(&1), "on purpose");
                        jobs.fill(2);
                    };
                    match member.run(u32::from(bad), 1, None, compute) {
                        Ok(result) => {
                            assert!(result.job == 2 && !bad);
                            fine.fetch_add(1, Ordering::Relaxed);
                        }
                        Err(error) => {
                            assert!(error.to_string().contains("on purpose"), "{error}");
                            failed.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            });
        }
    });
    assert_eq!(failed.load(Ordering::Relaxed) + fine.load(Ordering::Relaxed), 600);
    assert!(failed.into_inner() > 20 && fine.into_inner() > 100);
    assert!(lock(&passes.state).leaders.is_empty());
}

/// Those that come while a batch is computed are the next one, whichever of them leads it.
#[test]
fn those_that_wait_are_computed_together() {
    let passes = Arc::new(SharedPasses::<usize>::default());
    let sizes = Mutex::new(Vec::new());
    let compute = |jobs: &mut [usize]| {
        let first = lock(&sizes).is_empty();
        lock(&sizes).push(jobs.len());
        if first {
            until(|| passes.waiting() == 5);
        }
    };
    thread::scope(|scope| {
        let start = |job| {
            let (mut member, compute) = (Arc::clone(&passes).join(1), &compute);
            scope.spawn(move || member.run(job, 1, None, compute).unwrap().job)
        };
        let first = start(0);
        until(|| !lock(&sizes).is_empty());
        let others: Vec<_> = (1..6).map(start).collect();
        assert_eq!(first.join().unwrap(), 0);
        for (i, other) in others.into_iter().enumerate() {
            assert_eq!(other.join().unwrap(), i + 1);
        }
    });
    assert_eq!(*lock(&sizes), [1, 5]);
}

#[test]
fn a_batch_is_as_large_as_lets_the_most_urgent_be_in_time() {
    let passes = Arc::new(SharedPasses::<()>::default());
    let members: Vec<_> = (0..4).map(|_| Arc::clone(&passes).join(1)).collect();
    lock(&passes.state).leaders.push(Leader { member: u64::MAX, ends: None });
    let now = Instant::now();
    let fill = |dues: [Option<u64>; 4]| {
        for (member, due) in members.iter().zip(dues) {
            passes.push(member, (), due.map(|due| now + ms(due)));
        }
    };
    // While nothing is known of their times, all go together, the most urgent first.
    fill([None, Some(30), Some(10), Some(20)]);
    assert_eq!(passes.take_batch(now), [2, 3, 1, 0]);
    // 10 ms and 2 ms a job more.
    {
        let times = &mut lock(&passes.state).times;
        times.record(1, ms(10));
        times.record(6, ms(20));
    }
    fill([Some(40), Some(13), Some(50), None]);
    assert_eq!(passes.take_batch(now), [1, 0], "a third would make the first late");
    assert_eq!(passes.take_batch(now), [2, 3]);
    // One that is late in any case makes no other late.
    fill([Some(1), Some(11), Some(50), None]);
    assert_eq!(passes.take_batch(now), [1]);
    assert_eq!(passes.take_batch(now), [2, 0, 3]);
    fill([Some(1), Some(2), Some(3), Some(4)]);
    assert_eq!(passes.take_batch(now), [0, 1, 2, 3], "all late: as fast as possible");
    // One that has waited long comes first, so that it does not wait for ever.
    passes.push(&members[0], (), Some(now));
    let later = Instant::now() + MAX_WAIT + ms(10);
    thread::sleep(ms(30));
    (1..3).for_each(|i| passes.push(&members[i], (), Some(later + ms(13))));
    assert_eq!(passes.take_batch(later), [0, 1]);
    assert_eq!(passes.take_batch(later), [2]);
}

/// Jobs of instances that get their input together, a few at once, are one batch from the third round on, when it is
/// known when they come.
#[test]
fn instances_at_one_phase_share_every_pass() {
    let passes = Arc::new(SharedPasses::<usize>::default());
    let sizes = Mutex::new(Vec::new());
    let barrier = std::sync::Barrier::new(4);
    thread::scope(|scope| {
        for _ in 0..4 {
            let (mut member, sizes, barrier) = (Arc::clone(&passes).join(1), &sizes, &barrier);
            scope.spawn(move || {
                for _ in 0..12 {
                    thread::sleep(ms(40));
                    barrier.wait();
                    let due = Some(Instant::now() + ms(1000));
                    member
                        .run(0, 1, due, |jobs: &mut [usize]| lock(sizes).push(jobs.len()))
                        .unwrap();
                }
            });
        }
    });
    let sizes = sizes.into_inner().unwrap();
    println!("{sizes:?}");
    assert_eq!(sizes.iter().sum::<usize>(), 48);
    // A busy machine may hold a thread up.
    let whole = sizes.iter().filter(|size| **size == 4).count();
    assert!(whole >= 4, "{sizes:?}");
}

#[test]
fn nobody_waits_for_an_instance_that_is_idle_or_alone_or_offline() {
    let passes = Arc::new(SharedPasses::<()>::default());
    let mut state = lock(&passes.state);
    let start = Instant::now();
    let at = |n: u64| start + ms(n);
    for member in 0..3 {
        state.members.push(Arrivals { member, last: None, interval: None, size: 0 });
    }
    let reply = || Arc::new(Reply { told: Mutex::new(None), changed: Condvar::new() });
    let request = |member, came, due: Option<Instant>| PassRequest {
        job: (),
        size: 1,
        due,
        member,
        came,
        leads: false,
        reply: reply(),
    };
    assert_eq!(state.latest_start(0, at(0), at(0)), None, "no interval is known");
    for n in [0, 80] {
        (0..3).for_each(|member| state.note_arrival(member, at(n + member), 1));
    }
    // Instance 0 is due at 160 again, 1 and 2 just after it.
    state.note_arrival(0, at(160), 1);
    state.waiting.push(request(0, at(160), Some(at(240))));
    assert_eq!(state.latest_start(0, at(160), at(160)), Some(at(170)), "an eighth of 80 ms");
    assert_eq!(state.latest_start(0, at(160), at(170)), None, "and no longer");
    // Not beyond what leaves it in time.
    state.times.record(1, ms(20));
    state.times.record(3, ms(60));
    assert_eq!(state.latest_start(0, at(160), at(160)), Some(at(165)));
    state.waiting[0].due = Some(at(230));
    assert_eq!(state.latest_start(0, at(160), at(160)), None);
    state.waiting[0].due = Some(at(240));
    // One that has come is not waited for, nor one that should have come long ago.
    state.note_arrival(1, at(161), 1);
    state.waiting.push(request(1, at(161), Some(at(241))));
    assert_eq!(state.latest_start(0, at(160), at(162)), Some(at(165)));
    state.members[2].last = Some(at(0));
    assert_eq!(state.latest_start(0, at(160), at(162)), None);
    // Nor does anybody wait where an offline render does.
    state.members[2].last = Some(at(82));
    state.waiting.push(request(7, at(162), None));
    assert_eq!(state.latest_start(0, at(160), at(162)), None);
}

/// Those who cannot wait lead beside the one that computes; those who can, wait.
#[test]
fn another_batch_begins_only_where_the_next_one_would_be_late() {
    let passes = Arc::new(SharedPasses::<()>::default());
    let members: Vec<_> = (0..4).map(|_| Arc::clone(&passes).join(2)).collect();
    let now = Instant::now();
    let due = |n: u64| Some(now + ms(n));
    let needs = |due| lock(&passes.state).needs_leader(1, due, now);
    assert!(needs(due(100)), "nobody leads");
    lock(&passes.state).times.record(1, ms(10));
    let leader = members[0].id;
    lock(&passes.state).leaders.push(Leader { member: leader, ends: None });
    assert!(!needs(due(1)), "one is about to take a batch");
    passes.push(&members[0], (), due(30));
    lock(&passes.state).waiting[0].leads = true;
    assert_eq!(lock(&passes.state).take_batch(leader, now).len(), 1);
    // It ends in 10 ms.
    assert!(!needs(due(20)) && needs(due(19)));
    assert!(needs(None), "offline all processors count");
    // Two more than fit: one of them leads at once, and alone takes its own.
    (1..4).for_each(|i| passes.push(&members[i], (), due(25 + i as u64)));
    lock(&passes.state).add_leader(now);
    assert!(matches!(members[1].reply.wait(), Told::Lead));
    lock(&passes.state).add_leader(now);
    assert_eq!(lock(&passes.state).leaders.len(), 2, "no more than there is room for");
    assert!(!needs(due(1)) && !needs(None), "nor for a new one");
    assert_eq!(passes.take_batch(now), [2, 3]);
    assert_eq!(lock(&passes.state).take_batch(members[1].id, now).len(), 1);
}

/// Jobs that no time bounds are split between those who can lead.
#[test]
fn late_and_offline_jobs_use_all_processors() {
    let passes = Arc::new(SharedPasses::<()>::default());
    let members: Vec<_> = (0..5).map(|_| Arc::clone(&passes).join(2)).collect();
    let now = Instant::now();
    for due in [None, Some(now)] {
        lock(&passes.state).times.record(1, ms(10));
        lock(&passes.state).leaders.push(Leader { member: members[0].id, ends: None });
        members.iter().for_each(|member| passes.push(member, (), due));
        assert_eq!(passes.take_batch(now).len(), 3);
        lock(&passes.state).leaders.push(Leader { member: members[3].id, ends: None });
        assert_eq!(passes.take_batch(now).len(), 2);
        lock(&passes.state).leaders.clear();
    }
}
