//! Digit keys.

use egui::Key;

/// The digit keys, 0 to 9.
pub const DIGITS: [Key; 10] = [
    Key::Num0,
    Key::Num1,
    Key::Num2,
    Key::Num3,
    Key::Num4,
    Key::Num5,
    Key::Num6,
    Key::Num7,
    Key::Num8,
    Key::Num9,
];

/// Returns the digit of a key.
pub fn digit(key: Key) -> Option<usize> {
    DIGITS.iter().position(|digit| *digit == key)
}
