//! Properties over generated files: one apply converges, the order of the YAML
//! does not matter, destroy leaves nothing of ours but deactivated users; and
//! both ways of reading a file agree.

use std::collections::BTreeSet;

use orgform::config::both_readings;
use orgform::local_org::Doubts;
use orgform::local_org::Seed;
use proptest::prelude::*;
use proptest::sample::subsequence;
use proptest::test_runner::Config;

use crate::support::World;

const PERMISSIONS: [&str; 8] = [
    "Modify All Data",
    "View All Data",
    "View Setup and Configuration",
    "Manage Users",
    "Access Activities",
    "ApiEnabled",
    "Run Reports",
    "CanApproveUninstalledApps",
];
const ACCESS: [&str; 7] =
    ["read", "create", "edit", "delete", "view_all", "modify_all", "view_all_fields"];
const CONTACT_FIELDS: [&str; 5] = ["Phone", "Email", "Birthdate", "Title", "MailingAddress"];

/// One file as its entries, so that their order can be changed.
#[derive(Clone, Debug)]
pub struct Generated {
    profiles: Vec<String>,
    sets: Vec<String>,
    groups: Vec<String>,
    users: Vec<String>,
}

impl Generated {
    pub fn yaml(&self, reversed: bool) -> String {
        let mut text = "version: 1\n".to_owned();
        let mut sections = vec![
            ("profiles", &self.profiles),
            ("permission_sets", &self.sets),
            ("permission_set_groups", &self.groups),
            ("users", &self.users),
        ];
        if reversed {
            sections.reverse();
        }
        for (name, entries) in sections {
            if entries.is_empty() {
                continue;
            }
            text.push_str(name);
            text.push_str(":\n");
            let mut entries: Vec<&String> = entries.iter().collect();
            if reversed {
                entries.reverse();
            }
            for entry in entries {
                text.push_str("  ");
                text.push_str(entry);
                text.push('\n');
            }
        }
        text
    }
}

fn a_set(index: usize) -> impl Strategy<Value = String> {
    let object = |name: &'static str| {
        (
            prop::option::of(subsequence(ACCESS.to_vec(), 1..=ACCESS.len())),
            prop_oneof![
                Just(None),
                Just(Some("edit".to_owned())),
                Just(Some("read".to_owned())),
                subsequence(CONTACT_FIELDS.to_vec(), 1..=3).prop_map(|fields| Some(
                    format!(
                        "{{ {}: edit, {} }}",
                        fields[0],
                        fields[1..]
                            .iter()
                            .map(|f| format!("{f}: read"))
                            .collect::<Vec<_>>()
                            .join(", ")
                    )
                    .replace(",  }", " }")
                )),
            ],
        )
            .prop_map(move |(access, fields)| {
                let mut parts = Vec::new();
                if let Some(access) = access {
                    parts.push(format!("access: [{}]", access.join(", ")));
                }
                // Only Contact has all of those fields.
                if let Some(fields) =
                    fields.filter(|fields| name == "Contact" || !fields.starts_with('{'))
                {
                    parts.push(format!("fields: {fields}"));
                }
                format!("{name}: {{ {} }}", parts.join(", "))
            })
    };
    (
        subsequence(PERMISSIONS.to_vec(), 0..=4),
        object("Contact"),
        object("Account"),
        prop::option::of("[A-Za-z0-9 &<>'äö-]{1,40}"),
    )
        .prop_map(move |(permissions, contact, account, description)| {
            let quoted: Vec<String> = permissions.iter().map(|name| (*name).to_owned()).collect();
            let description = description
                .filter(|text| !text.trim().is_empty())
                .map(|text| format!(", description: \"{text}\""))
                .unwrap_or_default();
            format!(
                "Set_{index}: {{ system_permissions: [{}], objects: {{ {contact}, {account} }}{description} }}",
                quoted.join(", ")
            )
        })
}

fn some_of(what: &'static str, count: usize) -> impl Strategy<Value = String> {
    let held = subsequence((0..count).collect::<Vec<_>>(), 0..=count);
    held.prop_map(move |held| {
        held.iter().map(|index| format!("{what}_{index}")).collect::<Vec<_>>().join(", ")
    })
}

fn a_group(index: usize, sets: usize) -> impl Strategy<Value = String> {
    let muted = subsequence(PERMISSIONS.to_vec(), 0..=3);
    let objects = subsequence(ACCESS.to_vec(), 0..=3);
    (some_of("Set", sets), muted, objects, any::<bool>()).prop_map(
        move |(members, muted, objects, fields)| {
            let fields = if fields { ", fields: { Phone: edit, Email: read }" } else { "" };
            format!(
                "Group_{index}: {{ permission_sets: [{members}], muting: {{ system_permissions: [{}], objects: {{ Contact: {{ access: [{}]{fields} }} }} }} }}",
                muted.join(", "),
                objects.join(", ")
            )
        },
    )
}

pub fn a_file() -> impl Strategy<Value = Generated> {
    (1usize..=2, 0usize..=3, 0usize..=2, 0usize..=4)
        .prop_flat_map(|(profiles, sets, groups, users)| {
            let set_entries: Vec<_> = (0..sets).map(a_set).collect();
            let group_entries: Vec<_> = (0..groups).map(|index| a_group(index, sets)).collect();
            let user_entries: Vec<_> = (0..users)
                .map(|index| {
                    (0..profiles, some_of("Set", sets), some_of("Group", groups), any::<bool>()).prop_map(
                        move |(profile, sets, groups, mail)| {
                            let mail = if mail { ", password: email_reset_link" } else { "" };
                            format!(
                                "user{index}@robots.example: {{ last_name: Robot {index}, email: r@robots.example, profile: Profile {profile}, permission_set_licenses: [Salesforce API Integration], permission_sets: [{sets}], permission_set_groups: [{groups}]{mail} }}"
                            )
                        },
                    )
                })
                .collect();
            let profile_entries: Vec<String> = (0..profiles)
                .map(|index| format!("Profile {index}: {{ clone_from: Minimum Access - API Only Integrations }}"))
                .collect();
            (Just(profile_entries), set_entries, group_entries, user_entries)
        })
        .prop_map(|(profiles, sets, groups, users)| Generated { profiles, sets, groups, users })
}

async fn one_apply_is_enough(generated: &Generated) {
    let world =
        World::with(Seed { users: 0, seats: Some(-1), ..Seed::default() }, Doubts::default()).await;
    world.converges_with("as generated", &generated.yaml(false), "5").await;
    world.write("access.yaml", generated.yaml(true));
    world.is_settled("in another order").await;
    let destroyed = world.run(&["destroy", "access.yaml", "--auto-approve"]).await;
    assert_eq!(destroyed.code, 0, "{}", destroyed.whole());
    assert_eq!(world.query("SELECT Id FROM User WHERE IsActive = true").await.len(), 1);
    assert!(world.query("SELECT Id FROM Profile WHERE Name LIKE 'Profile %'").await.is_empty());
    assert!(
        world
            .query(
                "SELECT Id FROM PermissionSet WHERE Name LIKE 'Set_%' AND IsOwnedByProfile = false"
            )
            .await
            .is_empty()
    );
    assert!(world.query("SELECT Id FROM PermissionSetGroup").await.is_empty());
    let left = world
        .query(
            "SELECT Id FROM PermissionSetAssignment WHERE PermissionSet.IsOwnedByProfile = false",
        )
        .await;
    assert!(left.is_empty());
}

proptest! {
    #![proptest_config(Config { cases: 64, max_shrink_iters: 40, ..Config::default() })]

    #[test]
    fn any_file_converges_in_one_apply_in_any_order_and_destroy_takes_it_away(generated in a_file()) {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime");
        runtime.block_on(one_apply_is_enough(&generated));
    }
}

/// Pieces of YAML, good and bad, put together at random.
fn a_text() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        Just("no".to_owned()),
        Just("'no'".to_owned()),
        Just("\"007\"".to_owned()),
        Just("007".to_owned()),
        Just("~".to_owned()),
        Just(String::new()),
        Just("true".to_owned()),
        Just("2026-12-31".to_owned()),
        Just("a@b.example".to_owned()),
        Just("Some Text".to_owned()),
        Just("[x, y]".to_owned()),
        Just("{a: b}".to_owned()),
        Just("ümläut".to_owned()),
        "[ -~]{0,12}",
    ];
    let key = prop_oneof![
        Just("last_name"),
        Just("email"),
        Just("profile"),
        Just("alias"),
        Just("active"),
        Just("password"),
        Just("permission_sets"),
        Just("nonsense"),
    ];
    let entry = prop::collection::vec((key, scalar), 0..6).prop_map(|pairs| {
        pairs
            .into_iter()
            .map(|(key, value)| format!("    {key}: {value}\n"))
            .collect::<Vec<_>>()
            .concat()
    });
    let name = prop_oneof![
        Just("a@b.example"),
        Just("c@d.example"),
        Just("bad name"),
        Just("'q@r.example'")
    ];
    prop::collection::vec((name, entry), 0..4).prop_map(|entries| {
        let mut text = "version: 1\nusers:\n".to_owned();
        for (name, entry) in entries {
            text.push_str(&format!("  {name}:\n{entry}"));
        }
        text
    })
}

proptest! {
    #![proptest_config(Config { cases: 3000, ..Config::default() })]

    /// What the fast path takes the diagnosing one takes too, with the same
    /// values; and what the diagnosing path refuses it refuses with places.
    #[test]
    fn both_ways_of_reading_agree(text in a_text()) {
        let (fast, diagnosed) = both_readings(&text);
        if let Some(fast) = fast {
            // Names that stand twice are refused later on the fast path.
            let names: BTreeSet<_> = fast.declared.iter().map(|declared| declared.address.clone()).collect();
            if names.len() == fast.declared.len() {
                prop_assert_eq!(diagnosed.map_err(|found| format!("{found:?}")), Ok(fast));
            }
        } else if let Err(found) = diagnosed {
            prop_assert!(!found.is_empty());
            for diagnostic in found.reported {
                prop_assert!(diagnostic.at.span.end <= text.len(), "{diagnostic:?}");
            }
        }
    }

    /// Whatever the bytes are, they are read or refused, and nothing panics.
    #[test]
    fn no_text_brings_the_readers_down(text in "[\\PC\n\t:{}\\[\\]&*'\"|>#-]{0,200}") {
        let _ = both_readings(&text);
    }
}
