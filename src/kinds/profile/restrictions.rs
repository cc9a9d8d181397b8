//! From where and when the users of a profile may log in. Each of the two lists
//! is replaced as a whole (Metadata API Developer Guide, `ProfileLoginHours` and
//! `ProfileLoginIpRange`).

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::fmt;
use std::net::IpAddr;

use schemars::JsonSchema;
use schemars::Schema;
use schemars::SchemaGenerator;
use schemars::json_schema;
use serde::Deserialize;
use serde::Deserializer;
use serde::de::Error as _;

use crate::kinds::spec::Text;
use crate::kinds::spec::Word;
use crate::model::Attributes;
use crate::model::Element;
use crate::model::Value;

pub const LOGIN_HOURS: &str = "login_hours";
pub const LOGIN_IP_RANGES: &str = "login_ip_ranges";

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl Day {
    const ALL: [Self; 7] = [
        Self::Monday,
        Self::Tuesday,
        Self::Wednesday,
        Self::Thursday,
        Self::Friday,
        Self::Saturday,
        Self::Sunday,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Monday => "monday",
            Self::Tuesday => "tuesday",
            Self::Wednesday => "wednesday",
            Self::Thursday => "thursday",
            Self::Friday => "friday",
            Self::Saturday => "saturday",
            Self::Sunday => "sunday",
        }
    }
}

impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Text(text) = Text::deserialize(deserializer)?;
        Self::ALL.into_iter().find(|day| day.name() == text).ok_or_else(|| {
            D::Error::custom(format!(
                "`{text}` is no day; days are {}",
                Self::ALL.map(Self::name).join(", ")
            ))
        })
    }
}

impl JsonSchema for Day {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Day".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = Self::ALL.map(Self::name);
        json_schema!({"type": "string", "enum": names})
    }
}

/// Hours of a day, from and to, in whole hours; equal when nobody may log in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours(u32, u32);

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == self.1 { f.write_str("none") } else { write!(f, "{}-{}", self.0, self.1) }
    }
}

impl Hours {
    fn parse(text: &str) -> Option<Self> {
        if text.eq_ignore_ascii_case("none") {
            return Some(Self(0, 0));
        }
        let hour = |text: &str| {
            let text = text.trim();
            let text = text.strip_suffix(":00").unwrap_or(text);
            text.parse::<u32>().ok().filter(|hour| *hour <= 24)
        };
        let (from, to) = text.split_once('-')?;
        Some(Self(hour(from)?, hour(to)?)).filter(|hours| hours.0 < hours.1)
    }
}

impl<'de> Deserialize<'de> for Hours {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Word(text) = Word::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom(
                "hours are written like `8-18` or `8:00-18:00`, or `none` when nobody may log in",
            )
        })
    }
}

impl JsonSchema for Hours {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Hours".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^(none|[0-9]{1,2}(:00)? ?- ?[0-9]{1,2}(:00)?)$"})
    }
}

/// Addresses, from and to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpRange(IpAddr, IpAddr);

impl fmt::Display for IpRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.0, self.1)
    }
}

impl IpRange {
    fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-').unwrap_or((text, text));
        let range = Self(from.trim().parse().ok()?, to.trim().parse().ok()?);
        (range.0.is_ipv4() == range.1.is_ipv4() && range.0 <= range.1).then_some(range)
    }
}

impl<'de> Deserialize<'de> for IpRange {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Word(text) = Word::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            D::Error::custom("an address range is written like `203.0.113.0-203.0.113.255`")
        })
    }
}

impl JsonSchema for IpRange {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "IpRange".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "minLength": 2})
    }
}

/// Takes what a profile's document says of both into attributes.
pub fn observe(document: &Element, attributes: &mut Attributes) {
    if let Some(hours) = document.all("loginHours").next() {
        let minutes = |day: Day, end: &str| {
            hours.child_text(&format!("{day}{end}"))?.trim().parse::<u32>().ok()
        };
        let days: BTreeSet<String> = Day::ALL
            .into_iter()
            .filter_map(|day| {
                let hours = Hours(minutes(day, "Start")? / 60, minutes(day, "End")? / 60);
                Some(format!("{day} {hours}"))
            })
            .collect();
        if !days.is_empty() {
            attributes.set(LOGIN_HOURS, Value::Set(days));
        }
    }
    let ranges: BTreeSet<String> = document
        .all("loginIpRanges")
        .filter_map(|range| {
            let (from, to) = (range.child_text("startAddress")?, range.child_text("endAddress")?);
            let written = format!("{from}-{to}");
            Some(IpRange::parse(&written).map_or(written, |range| range.to_string()))
        })
        .collect();
    if !ranges.is_empty() {
        attributes.set(LOGIN_IP_RANGES, Value::Set(ranges));
    }
}

/// The elements that bring both from `before` to `after`. No hours at all are
/// written as an empty element; addresses can't be taken out that way, so that
/// they stay.
pub fn differing(before: &Attributes, after: &Attributes) -> Vec<Element> {
    let mut elements = Vec::new();
    if before.get(LOGIN_HOURS) != after.get(LOGIN_HOURS) {
        let mut children = Vec::new();
        for (day, hours) in after.names(LOGIN_HOURS).filter_map(|written| written.split_once(' ')) {
            if let Some(Hours(from, to)) = Hours::parse(hours) {
                children.push(Element::text(&format!("{day}Start"), (from * 60).to_string()));
                children.push(Element::text(&format!("{day}End"), (to * 60).to_string()));
            }
        }
        children.sort_by(|left, right| left.name.cmp(&right.name));
        elements.push(Element::parent("loginHours", children));
    }
    if before.get(LOGIN_IP_RANGES) != after.get(LOGIN_IP_RANGES) {
        for (from, to) in after.names(LOGIN_IP_RANGES).filter_map(|written| written.split_once('-'))
        {
            elements.push(Element::parent(
                "loginIpRanges",
                vec![Element::text("endAddress", to), Element::text("startAddress", from)],
            ));
        }
    }
    elements
}

#[cfg(test)]
mod tests {
    use super::Hours;
    use super::IpRange;

    #[test]
    fn hours_and_addresses_are_read_and_nonsense_is_not() {
        assert_eq!(Hours::parse("8:00-18:00"), Some(Hours(8, 18)));
        assert_eq!(Hours::parse("0-24"), Some(Hours(0, 24)));
        assert_eq!(Hours::parse("none").map(|hours| hours.to_string()).as_deref(), Some("none"));
        for text in ["18-8", "8", "8:30-9", "-", "8-25"] {
            assert_eq!(Hours::parse(text), None, "{text}");
        }
        let range = IpRange::parse("10.0.0.1 - 10.0.0.9").expect("a range");
        assert_eq!(range.to_string(), "10.0.0.1-10.0.0.9");
        assert!(IpRange::parse("2001:db8::1-2001:db8::ff").is_some());
        for text in ["10.0.0.9-10.0.0.1", "10.0.0-10.0.0.1", "10.0.0.1-2001:db8::1", "x"] {
            assert_eq!(IpRange::parse(text), None, "{text}");
        }
    }
}
