//! What profiles and permission sets grant beside system, object and field
//! permissions: apps, tabs, record types, Apex classes, pages and the like.
//!
//! Both hold them in metadata sections of the same shape, under one spelling of
//! the words in YAML, so that they are read, compared and written here for both.
//! A permission set's sections are owned as a whole; a profile's are an overlay,
//! in which only what was declared is ever touched (Metadata API Developer Guide,
//! `Profile` and `PermissionSet`).

mod elements;
mod record_types;
mod spec;

pub use crate::facts::sections::SECTIONS;
pub use elements::Holder;
pub use elements::differing;
pub use elements::observe;
pub use elements::whole;
pub use record_types::RECORD_TYPES;
pub use record_types::facts as record_type_facts;
pub use record_types::object_of as record_type_object;
pub use record_types::resolve as resolve_record_types;
pub use spec::Condition;
pub use spec::ObjectName;
pub use spec::SetTab;
pub use spec::Tab;
pub(super) use spec::declare_record_types;
pub(super) use spec::declare_tabs;
pub(super) use spec::with_settings;
