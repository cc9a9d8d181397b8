//! Personas: named bundles of profile, licenses and sets that users point to.
//!
//! A persona is read as what a user of no name declares. Once all files are in,
//! each user that points to it gets that in its own name, beside what it says
//! itself, which counts where both say something.

use crate::text::words;
use std::collections::HashMap;
use std::collections::HashSet;

use super::Config;
use super::MOST_ERRORS;
use crate::kinds;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::Declared;
use crate::model::Value;

/// The section that declares them.
pub const PERSONAS: &str = "personas";

/// A user that points to a persona that nobody declares.
pub struct UnknownPersona {
    /// The user.
    pub user: Declared,
    /// What it wrote.
    pub written: String,
    /// What was probably meant.
    pub meant: Option<String>,
}

/// How many resources there are once users have what their personas have.
pub fn declared_in_all(config: &Config) -> usize {
    let sizes: HashMap<&str, usize> =
        config.personas.iter().map(|(name, declared, _)| (name.as_str(), declared.len())).collect();
    let given = config.declared.iter().filter_map(|user| {
        let persona = user.attributes.get(kinds::PERSONA)?;
        sizes.get(persona.as_text()?).copied()
    });
    config.declared.len() + given.sum::<usize>()
}

/// Gives users what their personas have.
pub fn expand(config: &mut Config) -> Vec<UnknownPersona> {
    let points = |declared: &Declared| declared.attributes.get(kinds::PERSONA).is_some();
    if !config.declared.iter().any(points) {
        return Vec::new();
    }
    let personas: HashMap<&str, &[Declared]> = config
        .personas
        .iter()
        .map(|(name, declared, _)| (name.as_str(), declared.as_slice()))
        .collect();
    let known: HashSet<Address> =
        config.declared.iter().map(|declared| declared.address.clone()).collect();
    let mut unknown = Vec::new();
    let mut added = Vec::new();
    for user in &mut config.declared {
        let Some(Value::Text(written)) = user.attributes.remove(kinds::PERSONA) else { continue };
        let Some(persona) = personas.get(written.as_str()) else {
            // No more are reported.
            let is_reported = unknown.len() < MOST_ERRORS;
            let meant = is_reported.then(|| words::closest(&written, personas.keys().copied()));
            let meant = meant.flatten().map(str::to_owned);
            unknown.push(UnknownPersona { user: user.clone(), written, meant });
            continue;
        };
        for part in *persona {
            match in_the_name_of(part, &user.address) {
                Some(relation) if !known.contains(&relation.address) => {
                    let when = user.conditional.iter().flat_map(|held| &held.when).copied();
                    let relation = relation.only_when(&when.collect());
                    added.push(Declared { file: user.file, ..relation });
                }
                Some(_) => {}
                None => {
                    let mut attributes = part.attributes.clone();
                    attributes.extend(&user.attributes);
                    user.attributes = attributes;
                }
            }
        }
    }
    config.declared.append(&mut added);
    unknown
}

/// What a persona's user of no name holds, as that user's; `None` for the user
/// itself.
fn in_the_name_of(part: &Declared, user: &Address) -> Option<Declared> {
    let nobody = kinds::nobody();
    let kind = kinds::of(&part.address)?;
    let address = kind.relation().renamed(&part.address, &nobody, user)?;
    let mut attributes = Attributes::new();
    for (path, value) in part.attributes.iter() {
        let value = match value {
            Value::Reference(referred) if *referred == nobody => Value::Reference(user.clone()),
            other => other.clone(),
        };
        attributes.set(path.to_owned(), value);
    }
    Some(Declared { address, attributes, ..part.clone() })
}
