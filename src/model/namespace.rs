//! Names of what packages bring: a namespace, two underscores and the name that it has in
//! the package (Salesforce DX Developer Guide, "Namespace").

use std::fmt;

/// The name of a set, a group, a tab or a record type, in two parts.
///
/// Not for names of objects and fields, which end in two underscores and a letter of their
/// own (`Region__c`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackagedName<'a> {
    /// The namespace of the package; `None` for what the org has of its own.
    pub namespace: Option<&'a str>,
    /// The name behind it.
    pub bare: &'a str,
}

impl<'a> PackagedName<'a> {
    /// Reads a whole name.
    pub fn of(name: &'a str) -> Self {
        match name.split_once("__") {
            Some((namespace, bare)) => Self { namespace: Some(namespace), bare },
            None => Self { namespace: None, bare: name },
        }
    }
}

impl fmt::Display for PackagedName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.namespace {
            Some(namespace) => write!(f, "{namespace}__{}", self.bare),
            None => f.write_str(self.bare),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::PackagedName;

    #[test]
    fn a_name_reads_back_from_its_parts() {
        for (name, namespace, bare) in
            [("coconut__Config", Some("coconut"), "Config"), ("Config", None, "Config")]
        {
            assert_eq!(PackagedName::of(name), PackagedName { namespace, bare });
            assert_eq!(PackagedName { namespace, bare }.to_string(), name);
        }
    }
}
