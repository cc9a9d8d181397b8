//! SOQL: text to a tree, and a tree to rows.

mod compare;
mod evaluate;
mod parse;

pub use evaluate::Source;
pub use evaluate::evaluate;
pub use evaluate::expanded;
pub use evaluate::field_value;
pub use evaluate::holds_for_plain_row;
pub use parse::Condition;
pub use parse::Literal;
pub use parse::Operator;
pub use parse::Query;
pub use parse::Selection;
pub use parse::parse;
pub use parse::texts_of;
