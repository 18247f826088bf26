//! Blind listening as a listener meets it: what is played, what is asked, what is written.

mod listener;
mod page;
mod pictures;
mod render;
mod secrecy;
mod studio;
mod tests;
