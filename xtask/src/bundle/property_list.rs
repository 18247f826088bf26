//! Property lists, in which macOS keeps what it has to know of a bundle.

/// The oldest macOS that programs run on: the first for both processors.
pub const OLDEST_MACOS: &str = "11.0";

/// A value of a property list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PropertyValue {
    /// A text.
    Text(String),
    /// True or false.
    Flag(bool),
}

impl From<&str> for PropertyValue {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<bool> for PropertyValue {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// Returns the file of a property list that is one dictionary.
pub fn property_list(entries: &[(&str, PropertyValue)]) -> String {
    file(&dictionary(entries))
}

/// Returns the file of a property list that is an array of dictionaries.
pub fn property_array(dictionaries: &[Vec<(&str, PropertyValue)>]) -> String {
    let items: String = dictionaries.iter().map(|entries| dictionary(entries)).collect();
    file(&format!("<array>\n{items}</array>\n"))
}

fn file(content: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <!DOCTYPE plist PUBLIC \"-//Apple//DTD PLIST 1.0//EN\" \
         \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">\n\
         <plist version=\"1.0\">\n{content}</plist>\n"
    )
}

fn dictionary(entries: &[(&str, PropertyValue)]) -> String {
    let entries: String = entries
        .iter()
        .map(|(key, value)| format!("\t<key>{key}</key>\n\t{}\n", element(value)))
        .collect();
    format!("<dict>\n{entries}</dict>\n")
}

fn element(value: &PropertyValue) -> String {
    match value {
        PropertyValue::Text(text) => format!("<string>{}</string>", escaped(text)),
        PropertyValue::Flag(flag) => format!("<{flag}/>"),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_elements() {
        let text = property_list(&[("a", "x & <y>".into()), ("b", false.into())]);
        assert!(text.contains("<key>a</key>\n\t<string>x &amp; &lt;y&gt;</string>"), "{text}");
        assert!(text.contains("<key>b</key>\n\t<false/>"), "{text}");
        let text = property_array(&[vec![("c", true.into())], vec![]]);
        assert!(text.ends_with("<array>\n<dict>\n\t<key>c</key>\n\t<true/>\n</dict>\n<dict>\n</dict>\n</array>\n</plist>\n"), "{text}");
    }
}
