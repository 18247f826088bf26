//! The backend that is used where none is asked for by name.

use super::choose::DeviceRequest;
use super::error::DeviceError;

/// Asks audio backends in turn, where none is asked for by name: the first that has devices is used. The
/// error is that of the first one, the system's default. A device that is asked for by name belongs to
/// that one.
pub fn first_with_devices<B, T>(
    request: &DeviceRequest,
    backends: impl IntoIterator<Item = B>,
    ask: impl Fn(B) -> Result<T, DeviceError>,
) -> Result<T, DeviceError> {
    let mut backends = backends.into_iter();
    let first = match backends.next().map(&ask) {
        Some(Err(error)) => error,
        Some(Ok(found)) => return Ok(found),
        None => {
            return Err(DeviceError::UnknownHost { asked: String::new(), available: Vec::new() });
        }
    };
    let is_empty =
        matches!(first, DeviceError::NoDevice { .. } | DeviceError::HostUnavailable { .. });
    if !is_empty || request.input.is_some() || request.output.is_some() {
        return Err(first);
    }
    backends.find_map(|backend| ask(backend).ok()).ok_or(first)
}

#[cfg(test)]
mod tests {
    use super::super::direction::Direction;
    use super::*;

    #[test]
    fn the_first_backend_with_devices_is_used_where_none_is_named() {
        let no_device =
            |host: &str| DeviceError::NoDevice { host: host.into(), direction: Direction::Output };
        let ask = |host: &'static str| match host {
            "JACK" | "PulseAudio" => Ok(host),
            "busy" => Err(DeviceError::Unusable {
                direction: Direction::Output,
                device: "card".into(),
                problem: "busy".into(),
            }),
            "gone" => Err(DeviceError::HostUnavailable { host: host.into(), problem: "no".into() }),
            _ => Err(no_device(host)),
        };
        let any = DeviceRequest::default();
        let found = |hosts: &[&'static str]| {
            first_with_devices(&any, hosts.iter().copied(), ask).map_err(|error| error.to_string())
        };
        assert_eq!(found(&["JACK", "PulseAudio"]).unwrap(), "JACK");
        assert_eq!(found(&["ALSA", "JACK"]).unwrap(), "JACK");
        assert_eq!(found(&["gone", "busy", "ALSA", "PulseAudio"]).unwrap(), "PulseAudio");
        // None has any: the default says so, once.
        assert_eq!(found(&["ALSA", "other"]).unwrap_err(), no_device("ALSA").to_string());
        // A device that is there and does not work is no reason to use another.
        assert!(found(&["busy", "JACK"]).unwrap_err().contains("busy"));
        let named = DeviceRequest { output: Some("headphones".into()), ..any.clone() };
        assert!(first_with_devices(&named, ["ALSA", "JACK"], ask).is_err());
    }
}
