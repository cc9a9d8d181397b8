//! Files that only their owner may read and write: states, plans, events, the data of the
//! local org. They hold usernames, addresses and tokens.
//!
//! Whoever can write into a folder can lay a link, a pipe or a device where one of them
//! is to be. So none is followed, waited for or written to, and a file of another user's
//! is refused. What goes wrong is reported in words for who runs out of space. Imports
//! nothing.

mod failure;
mod private;

pub use failure::advice;
pub use failure::describe;
pub use private::Refused;
pub use private::append;
pub use private::check_folder;
pub use private::copy_to_new;
pub use private::create;
pub use private::folder;
pub use private::look;
pub use private::open;
pub use private::outer_folder;
pub use private::read;
pub use private::refuse_link;
pub use private::replace;
pub use private::rewrite;
pub use private::tighten;
