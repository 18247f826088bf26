//! Values that are made once and shared by the whole process.

use std::collections::HashMap;
use std::hash::Hash;
use std::ops::ControlFlow;
use std::sync::{Arc, Mutex, TryLockError};
use std::thread;
use std::time::Duration;

use super::job::lock;

/// Pause between two attempts to get a value that another thread is making.
const RETRY: Duration = Duration::from_millis(5);

/// A map whose values are made under a lock of their own, so that others who want the same value wait
/// for it and then share it, and those who want another do not wait.
pub(super) struct SharedValues<K, V>(Mutex<HashMap<K, Arc<Mutex<V>>>>);

impl<K: Clone + Eq + Hash, V: Default> SharedValues<K, V> {
    /// Returns what `read` makes of the value of `key`; `None` if there is no such value, or it is in use.
    pub(super) fn get<T>(&self, key: &K, read: impl FnOnce(&V) -> T) -> Option<T> {
        let value = Arc::clone(lock(&self.0).get(key)?);
        let guard = value.try_lock().ok()?;
        Some(read(&guard))
    }

    /// Runs `use_value` with the value of `key`, which no one else uses meanwhile; the default at
    /// first. `None` if `goes_on` breaks while another thread has it.
    ///
    /// Values that are neither in use nor `is_alive` are dropped.
    pub(super) fn with<T>(
        &self,
        key: K,
        is_alive: impl Fn(&V) -> bool,
        goes_on: impl Fn() -> ControlFlow<()>,
        use_value: impl FnOnce(&mut V) -> T,
    ) -> Option<T> {
        let value = {
            let mut values = lock(&self.0);
            values.retain(|_, value| {
                // Nobody can take another reference while the map is locked.
                Arc::strong_count(value) > 1 || is_alive(&lock(value))
            });
            Arc::clone(values.entry(key).or_default())
        };
        loop {
            let mut guard = match value.try_lock() {
                Ok(guard) => guard,
                Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
                Err(TryLockError::WouldBlock) => {
                    if goes_on().is_break() {
                        return None;
                    }
                    thread::sleep(RETRY);
                    continue;
                }
            };
            return Some(use_value(&mut guard));
        }
    }
}

impl<K, V> Default for SharedValues<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    const GO_ON: fn() -> ControlFlow<()> = || ControlFlow::Continue(());

    #[test]
    fn a_value_is_made_once_while_others_wait() {
        let values = SharedValues::<u8, Option<usize>>::default();
        let made = AtomicUsize::new(0);
        let make = || {
            values.with(1, Option::is_some, GO_ON, |value| {
                *value.get_or_insert_with(|| {
                    thread::sleep(Duration::from_millis(50));
                    made.fetch_add(1, Ordering::SeqCst)
                })
            })
        };
        thread::scope(|scope| {
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(make)).collect();
            threads.into_iter().for_each(|thread| assert_eq!(thread.join().unwrap(), Some(0)));
        });
        assert_eq!(made.load(Ordering::SeqCst), 1);
    }

    #[test]
    fn waiting_can_be_given_up_and_other_keys_do_not_wait() {
        let values = SharedValues::<u8, ()>::default();
        let stop = || ControlFlow::Break(());
        let inner = values.with(
            1,
            |()| false,
            stop,
            |()| {
                let same = values.with(1, |()| false, stop, |()| ());
                let other = values.with(2, |()| false, stop, |()| ());
                (same, other)
            },
        );
        assert_eq!(inner, Some((None, Some(()))));
    }

    #[test]
    fn dead_values_are_dropped_when_another_is_asked_for() {
        let values = SharedValues::<u8, bool>::default();
        for (key, alive) in [(1, true), (2, false), (3, true)] {
            values.with(key, |alive| *alive, GO_ON, |value| *value = alive);
        }
        let mut keys: Vec<u8> = values.0.lock().unwrap().keys().copied().collect();
        keys.sort_unstable();
        assert_eq!(keys, [1, 3]);
    }
}
