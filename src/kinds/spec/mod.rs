//! The words that specs are written in.
//!
//! Used by the kinds' typed specs on both reading paths: [`text`] for what is surely
//! meant as text, [`rules`] for what Salesforce takes, [`names`] for both as types,
//! [`shapes`] for maps and lists.

pub mod names;
pub mod rules;
pub mod shapes;
pub mod text;

pub use names::{ApiName, Description, Label80, LicenseName, ProfileName, RoleName, Username};
pub use rules::TextError;
pub use shapes::{LifecycleSpec, OnlyKeys, Shorthand, UniqueMap};
pub use text::{Scalar, Text, Word};
