//! `username_suffixes:`: what stands behind usernames in some orgs. A sandbox has the
//! usernames that it was copied with, each with the sandbox's name behind it
//! (Salesforce Help, "Sandboxes").

use std::collections::BTreeMap;

use crate::kinds;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Declared;
use crate::model::OrgIdentity;
use crate::model::SalesforceId;
use crate::model::Value;

/// The section that holds them.
pub const SUFFIXES: &str = "username_suffixes";

/// Suffixes by org: its id, or the name in front of its address.
pub type Suffixes = BTreeMap<String, String>;

/// A suffix that no username can end with.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` can't stand behind a username; a suffix looks like `.uat`")]
pub struct BadSuffix(String);

/// Checks one suffix.
///
/// # Errors
/// When no username can end so.
pub fn check(suffix: &str) -> Result<(), BadSuffix> {
    let is_good = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    if !suffix.is_empty() && suffix.chars().all(is_good) {
        return Ok(());
    }
    Err(BadSuffix(suffix.to_owned()))
}

/// The suffix for an org.
pub fn of<'a>(suffixes: &'a Suffixes, org: &OrgIdentity) -> Option<&'a str> {
    let host = org.instance_url.split("://").nth(1).unwrap_or_default();
    let name = host.split(['.', ':', '/']).next().unwrap_or_default();
    let is_meant = |written: &str| {
        written.eq_ignore_ascii_case(name)
            || SalesforceId::parse(written).is_some_and(|id| id == org.id)
    };
    suffixes.iter().find(|(written, _)| is_meant(written)).map(|(_, suffix)| suffix.as_str())
}

/// Declarations as they read where usernames end so.
pub fn with(declared: Vec<Declared>, suffix: &str) -> Vec<Declared> {
    let named = |user: &Address| Address::new(user.kind(), &format!("{}{suffix}", user.name()));
    declared
        .into_iter()
        .map(|mut declared| {
            let Some(kind) = kinds::of(&declared.address) else { return declared };
            let Some(user) = kind.relation().subject(&declared.address) else { return declared };
            if user == declared.address {
                declared.address = named(&user);
                declared.was = declared.was.map(|was| format!("{was}{suffix}"));
            } else if let Some(now) =
                kind.relation().renamed(&declared.address, &user, &named(&user))
            {
                declared.address = now;
            }
            rename(&mut declared.attributes, user.kind(), &named);
            if let Some(conditional) = &mut declared.conditional {
                for (_, attributes) in &mut conditional.besides {
                    rename(attributes, user.kind(), &named);
                }
            }
            declared
        })
        .collect()
}

fn rename(attributes: &mut Attributes, kind: &str, named: &dyn Fn(&Address) -> Address) {
    let users: Vec<(String, Address)> = attributes
        .references()
        .filter(|(_, referred)| referred.kind() == kind)
        .map(|(path, referred)| (path.to_owned(), named(referred)))
        .collect();
    for (path, user) in users {
        attributes.set(path, Value::Reference(user));
    }
}
