//! Keys that mean numbers.

use egui::Key;

/// The digit keys by their number, from 0 to 9.
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

/// The number of a digit key.
pub fn digit(key: Key) -> Option<usize> {
    DIGITS.iter().position(|digit| *digit == key)
}
