//! Model checks of the history ring's protocol with loom: every interleaving of small programs (of three
//! threads, those with up to three preemptions), and every value that the memory model lets a load
//! return.
//!
//! `RUSTFLAGS="--cfg loom" cargo test -p residue-live --release --lib loom`

use loom::thread;

use super::*;

/// A record whose words depend on each other: one that is torn shows.
fn record(n: u32) -> [u32; 2] {
    [n, n ^ 0x55]
}

/// Records that a reader has seen and lost, checked as they come.
#[derive(Default)]
struct Seen {
    next: u64,
    read: u64,
    lost: u64,
}

impl Seen {
    fn read(&mut self, reader: &mut HistoryReader) {
        let mut last = None;
        let lost = reader.read(|words| {
            assert_eq!(words, record(words[0]), "a torn record");
            assert!(last < Some(words[0]) && u64::from(words[0]) >= self.next, "out of order");
            last = Some(words[0]);
            self.read += 1;
        });
        self.lost += lost;
        self.next = last.map_or(self.next, |last| u64::from(last) + 1);
    }
}

/// Checks a program under loom, and prints how many executions it explored; `preemptions` bounds the
/// forced switches between threads in an execution.
fn explore(name: &str, preemptions: Option<usize>, program: impl Fn() + Sync + Send + 'static) {
    static EXECUTIONS: std::sync::Mutex<u64> = std::sync::Mutex::new(0);
    let mut model = loom::model::Builder::new();
    model.max_branches = 10_000;
    model.preemption_bound = preemptions;
    let began = std::time::Instant::now();
    // The tests of this file take turns.
    let turn = TURN.lock().unwrap_or_else(|e| e.into_inner());
    *EXECUTIONS.lock().unwrap() = 0;
    model.check(move || {
        *EXECUTIONS.lock().unwrap() += 1;
        program();
    });
    println!("{name}: {} executions in {:?}", EXECUTIONS.lock().unwrap(), began.elapsed());
    drop(turn);
}

static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());

/// Reads while another thread writes `records` records to a ring that keeps `kept`, and once more at the
/// end. Returns what the reader saw; every record is read or counted as lost.
fn read_while_writing(kept: usize, records: u32) -> Seen {
    let (mut writer, history) = history(2, kept);
    let mut reader = history.reader();
    let writing = thread::spawn(move || (0..records).for_each(|n| writer.push(record(n))));
    let mut seen = Seen::default();
    seen.read(&mut reader);
    writing.join().unwrap();
    seen.read(&mut reader);
    assert_eq!(seen.read + seen.lost, u64::from(records), "every record is read or counted");
    seen
}

/// A reader that the writer laps, at any point of reading.
#[test]
fn loom_a_lapped_reader_sees_no_torn_record() {
    explore("lapped reader", None, || {
        read_while_writing(1, 3);
    });
}

/// A ring of two records, so that one can be read while the other is written.
#[test]
fn loom_a_reader_behind_the_writer_reads_or_counts_every_record() {
    explore("reader behind", None, || {
        let seen = read_while_writing(2, 3);
        assert!(seen.read >= 2, "the records that are kept at the end are read");
    });
}

/// Two readers, one of which begins while the writer writes.
#[test]
fn loom_readers_come_and_go_while_the_writer_writes() {
    explore("two readers", Some(3), || {
        const RECORDS: u32 = 2;
        let (mut writer, history) = history(2, 1);
        let mut first = history.reader();
        let writing = thread::spawn(move || {
            (0..RECORDS).for_each(|n| writer.push(record(n)));
            writer
        });
        let reading = thread::spawn(move || {
            let mut later = history.reader_from_oldest();
            let mut seen = Seen::default();
            seen.read(&mut later);
            assert!(seen.read + seen.lost <= u64::from(RECORDS));
        });
        let mut seen = Seen::default();
        seen.read(&mut first);
        reading.join().unwrap();
        let writer = writing.join().unwrap();
        seen.read(&mut first);
        assert_eq!(seen.read + seen.lost, u64::from(RECORDS));
        assert!(writer.has_readers());
        drop(first);
        assert!(!writer.has_readers());
    });
}
