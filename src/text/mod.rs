//! Texts: what of those from outside may be shown, how much they may hold, and how counts
//! and names read in ours. Imports nothing.

pub mod shown;
pub mod size;
pub mod words;
