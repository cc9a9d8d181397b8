//! Texts from outside, before anybody reads them: what of them may be shown, and how much
//! they hold. Imports nothing.

pub mod shown;
pub mod size;
