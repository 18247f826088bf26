//! Errors and dropouts, from the devices' threads to the thread that owns the stream.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use cpal::ErrorKind;
use ringbuf::traits::{Consumer, Producer, Split};
use ringbuf::{HeapCons, HeapProd, HeapRb};

/// Messages that wait to be read; later ones are dropped, since the first tell the cause.
const ROOM: usize = 16;

/// The end on the device's thread.
pub struct FaultSender {
    messages: HeapProd<cpal::Error>,
    xruns: Arc<AtomicU64>,
}

/// The end on the owner's thread.
pub struct FaultReceiver {
    messages: HeapCons<cpal::Error>,
    xruns: Arc<AtomicU64>,
}

/// Both ends.
pub fn channel() -> (FaultSender, FaultReceiver) {
    let (producer, consumer) = HeapRb::new(ROOM).split();
    let xruns = Arc::new(AtomicU64::new(0));
    let reporter = FaultSender { messages: producer, xruns: Arc::clone(&xruns) };
    (reporter, FaultReceiver { messages: consumer, xruns })
}

impl FaultSender {
    /// Passes a message on. Neither locks nor waits; where it finds no room, the message's memory
    /// is freed here.
    pub fn report(&mut self, error: cpal::Error) {
        if error.kind() == ErrorKind::Xrun {
            self.xruns.fetch_add(1, Relaxed);
        } else {
            let _ = self.messages.try_push(error);
        }
    }
}

impl FaultReceiver {
    /// Dropouts that the device has reported so far.
    pub fn xruns(&self) -> u64 {
        self.xruns.load(Relaxed)
    }

    /// The next message.
    pub fn next(&mut self) -> Option<cpal::Error> {
        self.messages.try_pop()
    }
}

/// Whether the stream is over after such a message.
pub fn is_fatal(error: &cpal::Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::DeviceNotAvailable
            | ErrorKind::StreamInvalidated
            | ErrorKind::HostUnavailable
            | ErrorKind::PermissionDenied
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dropouts_are_counted_and_the_first_messages_kept() {
        let (mut reporter, mut reports) = channel();
        for n in 0..40 {
            reporter.report(ErrorKind::Xrun.into());
            reporter.report(cpal::Error::with_message(ErrorKind::BackendError, format!("{n}")));
        }
        assert_eq!(reports.xruns(), 40);
        let messages: Vec<String> =
            std::iter::from_fn(|| reports.next()).map(|error| error.to_string()).collect();
        assert_eq!(messages, (0..ROOM).map(|n| n.to_string()).collect::<Vec<_>>());
    }

    #[test]
    fn a_device_that_is_gone_is_fatal_and_a_hiccup_is_not() {
        assert!(is_fatal(&ErrorKind::DeviceNotAvailable.into()));
        assert!(is_fatal(&ErrorKind::StreamInvalidated.into()));
        assert!(!is_fatal(&ErrorKind::RealtimeDenied.into()));
        assert!(!is_fatal(&ErrorKind::DeviceChanged.into()));
    }
}
