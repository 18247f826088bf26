//! Typed access to JSON objects with errors that name a key's whole path.

use serde_json::{Map, Value};

use super::error::ConfigError;

/// A JSON object with its path in the file.
pub(super) struct JsonObject<'a> {
    path: String,
    map: &'a Map<String, Value>,
}

impl<'a> JsonObject<'a> {
    /// Wraps the object at `path` (empty for the whole file).
    pub fn new(path: &str, value: &'a Value) -> Result<Self, ConfigError> {
        match value {
            Value::Object(map) => Ok(Self { path: path.to_owned(), map }),
            other => Err(ConfigError::Invalid {
                key: if path.is_empty() { "(the whole file)".into() } else { path.into() },
                expected: "a JSON object".into(),
                found: brief(other),
            }),
        }
    }

    /// Returns the whole path of `key`.
    pub fn key(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    /// Returns the value of `key`, none if it is absent or null.
    fn get(&self, key: &str) -> Option<&'a Value> {
        self.map.get(key).filter(|value| !value.is_null())
    }

    /// Returns the first of these keys that is present.
    pub fn first_of<'k>(&self, keys: &[&'k str]) -> Option<&'k str> {
        keys.iter().copied().find(|key| self.get(key).is_some())
    }

    /// Returns the error that `key` holds something else than `expected`.
    pub fn invalid(&self, key: &str, expected: impl Into<String>) -> ConfigError {
        let found = self.get(key).map_or_else(|| "absent".into(), brief);
        ConfigError::Invalid { key: self.key(key), expected: expected.into(), found }
    }

    fn require(&self, key: &str, expected: &str) -> Result<&'a Value, ConfigError> {
        self.get(key)
            .ok_or_else(|| ConfigError::Missing { key: self.key(key), expected: expected.into() })
    }

    /// Returns a whole number within `range`.
    pub fn count(
        &self,
        key: &str,
        range: std::ops::RangeInclusive<usize>,
    ) -> Result<usize, ConfigError> {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        let value = self.require(key, &expected)?;
        whole(value).filter(|n| range.contains(n)).ok_or_else(|| self.invalid(key, expected))
    }

    /// Returns a non-empty list of at most `most` whole numbers within `range`.
    pub fn counts(
        &self,
        key: &str,
        range: std::ops::RangeInclusive<usize>,
        most: usize,
    ) -> Result<Vec<usize>, ConfigError> {
        let entries = self.list(key, most)?.iter().enumerate();
        let count = |(i, value)| {
            whole(value).filter(|n| range.contains(n)).ok_or_else(|| ConfigError::Invalid {
                key: self.key(&format!("{key}[{i}]")),
                expected: format!("a whole number from {} to {}", range.start(), range.end()),
                found: brief(value),
            })
        };
        entries.map(count).collect()
    }

    /// Returns a whole number within `range`, or `default` where the key is absent.
    pub fn count_or(
        &self,
        key: &str,
        range: std::ops::RangeInclusive<usize>,
        default: usize,
    ) -> Result<usize, ConfigError> {
        if self.get(key).is_none() { Ok(default) } else { self.count(key, range) }
    }

    /// Returns a finite number above `above` and at most `most`, none where the key is absent.
    pub fn number(&self, key: &str, above: f64, most: f64) -> Result<Option<f64>, ConfigError> {
        let Some(value) = self.get(key) else { return Ok(None) };
        match value.as_f64().filter(|x| x.is_finite() && *x > above && *x <= most) {
            Some(x) => Ok(Some(x)),
            None => Err(self.invalid(key, format!("a number above {above} and at most {most}"))),
        }
    }

    /// Returns true or false, or `default` where the key is absent.
    pub fn flag_or(&self, key: &str, default: bool) -> Result<bool, ConfigError> {
        match self.get(key) {
            None => Ok(default),
            Some(Value::Bool(flag)) => Ok(*flag),
            Some(_) => Err(self.invalid(key, "true or false")),
        }
    }

    /// Returns a string, none where the key is absent.
    pub fn text(&self, key: &str) -> Result<Option<&'a str>, ConfigError> {
        match self.get(key) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(self.invalid(key, "a string")),
        }
    }

    /// Returns a non-empty list of at most `most` entries.
    pub fn list(&self, key: &str, most: usize) -> Result<&'a [Value], ConfigError> {
        let expected = format!("a list of 1 to {most} entries");
        match self.require(key, &expected)? {
            Value::Array(list) if !list.is_empty() && list.len() <= most => Ok(list),
            _ => Err(self.invalid(key, expected)),
        }
    }

    /// Returns a nested object.
    pub fn object(&self, key: &str) -> Result<Self, ConfigError> {
        Self::new(&self.key(key), self.require(key, "a JSON object")?)
    }
}

/// Returns a whole number. Some files hold counts as floats (`10.0`).
fn whole(value: &Value) -> Option<usize> {
    let number = value.as_u64().or_else(|| {
        value.as_f64().filter(|x| x.fract() == 0.0 && (0.0..1e15).contains(x)).map(|x| x as u64)
    });
    number.and_then(|n| usize::try_from(n).ok())
}

/// Returns a value as error messages show it, shortened to a line.
fn brief(value: &Value) -> String {
    match value {
        Value::Array(list) => format!("a list of {} entries", list.len()),
        Value::Object(_) => "an object".into(),
        Value::String(text) if text.chars().count() > 40 => {
            format!("\"{}...\"", text.chars().take(40).collect::<String>())
        }
        other => other.to_string(),
    }
}
