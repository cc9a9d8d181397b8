//! SOQL: text to a tree, and a tree to rows.

mod compare;
mod evaluate;
mod parse;
mod query;
mod tokens;

pub use evaluate::Source;
pub use evaluate::evaluate;
pub use evaluate::expanded;
pub use evaluate::field_value;
pub use evaluate::holds_for_plain_row;
pub use parse::parse;
pub use query::Condition;
pub use query::Literal;
pub use query::Operator;
pub use query::Query;
pub use query::Selection;
pub use query::texts_of;
