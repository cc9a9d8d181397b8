//! From words to exact permissions: labels to API names, `edit` to fields.

use crate::kinds::access_path::AccessPath;
use crate::kinds::access_path::FieldLevel;
use crate::text::words;
use std::collections::BTreeMap;
use std::collections::BTreeSet;

use super::LICENSE;
use super::PermissionSet;
use super::SYSTEM;
use super::field_paths;
use super::named_objects;
use crate::facts::Catalog;
use crate::facts::FieldsFact;
use crate::kinds::Kind;
use crate::kinds::permission_set_license_assignment;
use crate::kinds::permissions;
use crate::kinds::permissions::Unresolved;
use crate::model::Attributes;
use crate::model::Declared;
use crate::model::Place;
use crate::model::Problem;
use crate::model::Value;

/// Names fields, and counts them where there are many.
fn listed(fields: &[String]) -> String {
    const NAMED: usize = 8;
    match fields {
        [only] => format!("the field {only}"),
        few if few.len() <= NAMED => format!("the fields {}", few.join(", ")),
        many => format!("{} and {} more fields", many[..NAMED].join(", "), many.len() - NAMED),
    }
}

impl PermissionSet {
    pub(in crate::kinds) fn problem(
        declared: &Declared,
        place: Place,
        message: String,
        hint: Option<String>,
    ) -> Problem {
        Problem { hint, ..Problem::at(declared, place, message) }
    }

    /// A license as metadata names it: a permission set license by its developer
    /// name, a user license by its name.
    pub(super) fn resolve_license(
        &self,
        declared: &Declared,
        catalog: &Catalog,
        resolved: &mut Attributes,
        problems: &mut Vec<Problem>,
    ) {
        let Some(written) = declared.attributes.text(LICENSE) else { return };
        let name = permission_set_license_assignment::developer_name(written);
        if let Some(license) = catalog.permission_set_license.get(name).is() {
            resolved.set(LICENSE, Value::Text(license.name.clone()));
        } else if let Some(license) = catalog.user_license(written) {
            resolved.set(LICENSE, Value::Text(license.name.clone()));
        } else {
            problems.push(Self::problem(
                declared,
                self.place(&declared.address, LICENSE),
                format!("this org has no license `{written}`"),
                Some("write a permission set license's developer name or label, or a user license's name, as Setup > Company Information shows it".to_owned()),
            ));
        }
    }

    /// Fields that are granted and that the org no longer shows the caller, where
    /// every field was asked for: they are not withdrawn for that.
    pub(super) fn invisible_grants(
        &self,
        declared: &Declared,
        before: &Attributes,
        catalog: &Catalog,
    ) -> Vec<Problem> {
        let mut problems = Vec::new();
        for (object, level, _) in field_paths(&declared.attributes) {
            let (None, Some(known)) = (level, catalog.fields.get(object).is()) else { continue };
            let is_invisible = |name: &&str| !known.fields.iter().any(|field| field.name == **name);
            let granted = FieldLevel::ALL.into_iter().flat_map(|level| {
                let path = AccessPath::Fields(object, level).to_string();
                before.names(&path).collect::<Vec<_>>()
            });
            let missing: Vec<String> = granted.filter(is_invisible).map(str::to_owned).collect();
            if !missing.is_empty() {
                let place = self.place(&declared.address, &AccessPath::Object(object).to_string());
                problems.push(Self::problem(
                    declared,
                    place.key("fields"),
                    format!(
                        "the set grants {} of `{object}`, which the org does not show to the token's user",
                        listed(&missing)
                    ),
                    Some("give that user access to them, or use the token of one that has it; they are not taken out for that".to_owned()),
                ));
            }
        }
        problems
    }

    /// System permissions by API name. `said` are a set's attributes, which may be
    /// a part of what is declared.
    pub(in crate::kinds) fn resolve_system_permissions(
        declared: &Declared,
        said: &Attributes,
        place: &dyn Fn(&str) -> Place,
        catalog: &Catalog,
        problems: &mut Vec<Problem>,
    ) -> BTreeSet<String> {
        let mut names = BTreeSet::new();
        for written in said.names(SYSTEM) {
            let place = place(SYSTEM).item(written);
            match permissions::api_name(written, catalog) {
                Ok(name) if permissions::is_unknown_in_org(&name, catalog) => {
                    problems.push(Self::problem(
                        declared,
                        place,
                        format!("this org has no system permission `{name}`"),
                        Some("the feature or release that brings it may be missing here; take the line out, or write it only for orgs that have it".to_owned()),
                    ));
                }
                Ok(name) => {
                    names.insert(name);
                }
                Err(Unresolved::Ambiguous(fitting)) => problems.push(Self::problem(
                    declared,
                    place,
                    format!("the label `{written}` fits {}", fitting.join(" and ")),
                    Some("write the API name of the one that is meant".to_owned()),
                )),
                Err(Unresolved::Unknown(meant)) => problems.push(Self::problem(
                    declared,
                    place,
                    format!("no system permission has the label or API name `{written}`"),
                    meant.map(|meant| format!("did you mean `{meant}`?")),
                )),
            }
        }
        names
    }

    /// Fields by object and level. `said` are a set's attributes, which may be a
    /// part of what is declared.
    pub(in crate::kinds) fn resolve_fields(
        declared: &Declared,
        said: &Attributes,
        place: &dyn Fn(&str) -> Place,
        catalog: &Catalog,
        problems: &mut Vec<Problem>,
    ) -> BTreeMap<(String, FieldLevel), BTreeSet<String>> {
        let mut granted: BTreeMap<(String, FieldLevel), BTreeSet<String>> = BTreeMap::new();
        let place = |object: &str| place(&AccessPath::Object(object).to_string());
        for object in named_objects(said) {
            let known = catalog.fields.get(object).is().map(|known| known.object.as_str());
            if let Some((message, hint)) = misspelt(object, known) {
                problems.push(Problem::at(declared, place(object).itself(), message).hint(hint));
            }
        }
        for (object, level, value) in field_paths(said) {
            let place = place(object).key("fields");
            let Some(known) = catalog.fields.get(object).is() else { continue };
            let mut grant = |level: FieldLevel, name: &str| {
                let key = (object.to_owned(), level);
                granted.entry(key).or_default().insert(name.to_owned());
            };
            match (level, value) {
                (None, Value::Text(_)) if !known.hidden.is_empty() => {
                    let message = format!(
                        "the token's user does not see {} of `{object}`, so that it can't be said what every field is",
                        listed(&known.hidden)
                    );
                    let hint = "give that user access to them, use the token of one that has it, or name the fields one by one";
                    problems.push(Problem::at(declared, place, message).hint(hint));
                }
                (None, Value::Text(word)) => {
                    for field in &known.fields {
                        let may_edit = *word == FieldLevel::Edit.word() && field.editable;
                        let level = if may_edit { FieldLevel::Edit } else { FieldLevel::Read };
                        grant(level, &field.name);
                    }
                }
                (Some(level), Value::Set(names)) => {
                    for name in names {
                        match not_grantable(known, object, name, level) {
                            None => grant(level, name),
                            Some((message, hint)) => {
                                let place = place.clone().key(name).itself();
                                problems.push(Problem::at(declared, place, message).hint(hint));
                            }
                        }
                    }
                }
                _ => {}
            }
        }
        granted
    }
}

/// What is wrong with an object's name, by how the org spells it.
fn misspelt(object: &str, known: Option<&str>) -> Option<(String, String)> {
    match known {
        Some(name) if name == object => None,
        Some(name) => Some((
            format!("the org spells the object `{object}` as `{name}`"),
            format!("write `{name}`"),
        )),
        None => Some((
            format!("this org has no object `{object}`"),
            "object names are API names, for example `Contact` or `Region__c`".to_owned(),
        )),
    }
}

/// Why a field can't be granted at a level. One that the token's user does not see is
/// there; whether it can be edited, the org tells.
fn not_grantable(
    known: &FieldsFact,
    object: &str,
    name: &str,
    level: FieldLevel,
) -> Option<(String, String)> {
    match known.fields.iter().find(|field| field.name == name) {
        Some(field) if level == FieldLevel::Edit && !field.editable => Some((
            format!("`{object}.{name}` can be read but never edited"),
            "write `read`".to_owned(),
        )),
        Some(_) => None,
        None if known.hidden.iter().any(|hidden| hidden == name) => None,
        None => {
            let names = known.fields.iter().map(|field| field.name.as_str());
            let hint = match words::closest(name, names) {
                Some(meant) => format!("did you mean `{meant}`?"),
                None => {
                    "required fields, ids and audit fields are always there and can't be granted"
                        .to_owned()
                }
            };
            Some((format!("`{object}` has no field `{name}` whose access can be granted"), hint))
        }
    }
}
