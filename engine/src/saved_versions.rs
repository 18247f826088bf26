//! Settings and states that several versions of a program read and write.
//!
//! An older version knows only a part of what a newer one saved. It keeps the newer version's document, and on
//! saving applies to it what has changed since, so that the newer version finds the rest as it left it.

use serde_json::{Map, Value};

/// Returns whether a version such as `0.3.0` comes after another one. A text that is no version does not.
pub fn is_newer(version: &str, than: &str) -> bool {
    match (numbers(version), numbers(than)) {
        (Some(version), Some(than)) => version > than,
        _ => false,
    }
}

/// Longest version, in bytes: it is shown, and files hold anything.
const LONGEST: usize = 40;

/// Returns the three numbers of a version. What follows them (`-beta.1`, `+build`) does not count.
fn numbers(version: &str) -> Option<[u32; 3]> {
    let shown = |byte: u8| byte.is_ascii_alphanumeric() || b".-+".contains(&byte);
    if version.len() > LONGEST || !version.bytes().all(shown) {
        return None;
    }
    let end = version.find(['-', '+']).unwrap_or(version.len());
    let mut parts = version[..end].split('.').map(|part| part.parse().ok());
    let numbers = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(numbers)
}

/// Returns `original` with the changes from `read` to `now`.
///
/// `original` is what a newer version saved, `read` what this version understood of it, and `now` what this
/// version would save. A value that is in `now` as it was in `read` has not been changed, and stays that of
/// `original`: also one that this version could not read and replaced by another.
pub fn merge(original: &Value, read: &Value, now: &Value) -> Value {
    if same(read, now) {
        return original.clone();
    }
    let (Value::Object(original), Value::Object(read), Value::Object(now)) = (original, read, now)
    else {
        return now.clone();
    };
    let mut merged: Map<String, Value> = original.clone();
    // Values that this version has removed, such as the checksum of a model that was replaced.
    merged.retain(|key, _| !read.contains_key(key) || now.contains_key(key));
    for (key, now) in now {
        let value = match (original.get(key), read.get(key)) {
            (Some(original), Some(read)) => merge(original, read, now),
            // The newer version has no such key any more.
            (None, Some(read)) if same(read, now) => continue,
            _ => now.clone(),
        };
        merged.insert(key.clone(), value);
    }
    Value::Object(merged)
}

/// Whether two values are equal, numbers within the rounding of a 32-bit float: a plugin's parameters pass
/// through the host as such.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => {
            let (x, y) = (a.as_f64().unwrap_or(f64::NAN), b.as_f64().unwrap_or(f64::NAN));
            a == b || (x - y).abs() <= 1e-6 * x.abs().max(y.abs())
        }
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| same(a, b)))
        }
        (a, b) => a == b,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for (version, than, newer) in [
            ("0.3.0", "0.2.0", true),
            ("0.10.0", "0.9.9", true),
            ("1.0.0-beta.1", "0.2.0", true),
            ("0.2.0", "0.2.0", false),
            ("0.2.0+local", "0.2.0", false),
            ("0.1.9", "0.2.0", false),
            ("", "0.2.0", false),
            ("9", "0.2.0", false),
            ("9.0", "0.2.0", false),
            ("9.0.0.0", "0.2.0", false),
            ("9.x.0", "0.2.0", false),
            ("9.0.0-\nnews", "0.2.0", false),
            ("9.0.0-00000000000000000000000000000000000000", "0.2.0", false),
            ("99999999999.0.0", "0.2.0", false),
            ("9.0.0", "?", false),
        ] {
            assert_eq!(is_newer(version, than), newer, "{version}");
        }
    }

    #[test]
    fn a_change_is_applied_and_the_rest_stays_as_the_newer_version_saved_it() {
        let original = json!({"look": "Sepia", "scale": 3.0, "views": {"tokens": true, "map": [1, 2]}, "new": {"x": 1}});
        let read = json!({"look": "System", "scale": 2.5, "views": {"tokens": true, "load": true}, "old": 1});
        assert_eq!(merge(&original, &read, &read), original, "nothing was changed");
        let mut now = read.clone();
        now["views"]["tokens"] = json!(false);
        let mut expected = original.clone();
        expected["views"]["tokens"] = json!(false);
        assert_eq!(merge(&original, &read, &now), expected);
        now["look"] = json!("Dark");
        now["old"] = json!(2);
        expected["look"] = json!("Dark");
        expected["old"] = json!(2);
        assert_eq!(merge(&original, &read, &now), expected);
    }

    #[test]
    fn what_this_version_takes_away_is_gone() {
        let original = json!({"id": "v2", "sha256": "ab", "later": 1});
        let read = json!({"id": "v2", "sha256": "ab"});
        let merged = merge(&original, &read, &json!({"id": "nano"}));
        assert_eq!(merged, json!({"id": "nano", "later": 1}));
    }

    #[test]
    fn kinds_that_changed_are_replaced_only_where_a_person_changed_them() {
        let original = json!({"a": [1, 2], "b": {"c": 1}});
        let read = json!({"a": 0.1, "b": 7});
        assert_eq!(merge(&original, &read, &json!({"a": 0.10000000149011612, "b": 7})), original);
        assert_eq!(
            merge(&original, &read, &json!({"a": 0.2, "b": 7})),
            json!({"a": 0.2, "b": {"c": 1}})
        );
        assert_eq!(merge(&original, &read, &json!([])), json!([]));
    }
}
