//! What access means: against a naive evaluator for any mix of sources, and
//! against the org for what a plan says of its users.

use std::collections::BTreeSet;

use orgform::model::Grants;
use orgform::model::ObjectAccess;
use orgform::model::Right;
use orgform::model::Source;
use orgform::model::SourceName;
use orgform::model::SourcedRight;
use orgform::plan::access::Effective;
use proptest::prelude::*;
use proptest::test_runner::Config;

use crate::support::World;
use crate::support::example;
use crate::support::schema_of;

const SYSTEM: [&str; 4] = ["ModifyAllData", "ViewAllData", "RunReports", "ApiEnabled"];
const OBJECTS: [&str; 3] = ["Account", "Contact", "*"];
const FIELDS: [&str; 3] = ["Phone", "Email", "*"];

/// Every right there is in this small world.
fn universe() -> Vec<Right> {
    let system = SYSTEM.iter().map(|name| Right::System((*name).to_owned()));
    let objects = OBJECTS.iter().flat_map(|object| {
        let accesses = ObjectAccess::ALL.into_iter();
        accesses.map(|access| Right::Object { object: (*object).to_owned(), access })
    });
    let fields = OBJECTS[..2].iter().flat_map(|object| {
        FIELDS.iter().flat_map(move |field| {
            [false, true].map(|edit| Right::Field {
                object: (*object).to_owned(),
                field: (*field).to_owned(),
                edit,
            })
        })
    });
    system.chain(objects).chain(fields).collect()
}

/// Whether one right alone lets somebody do what another says, from the tables
/// of the documentation, case by case.
fn implies(held: &Right, wanted: &Right) -> bool {
    if held == wanted {
        return true;
    }
    match (held, wanted) {
        (Right::System(name), Right::Object { access, .. }) => match name.as_str() {
            "ModifyAllData" => *access != ObjectAccess::ViewAllFields,
            "ViewAllData" => matches!(access, ObjectAccess::Read | ObjectAccess::ViewAll),
            _ => false,
        },
        (Right::Object { object, access }, Right::Object { object: other, access: wish }) => {
            use ObjectAccess::*;
            let covers = object == other || object == "*";
            let also: &[ObjectAccess] = match access {
                Create | Edit | ViewAll | ViewAllFields => &[Read],
                Delete => &[Read, Edit],
                ModifyAll => &[Read, Edit, Delete, ViewAll],
                Read => &[],
            };
            covers && (access == wish || also.contains(wish))
        }
        (Right::Object { object, access }, Right::Field { object: other, edit: false, .. }) => {
            *access == ObjectAccess::ViewAllFields && object == other
        }
        (
            Right::Field { object, field, edit },
            Right::Field { object: other, field: wish, edit: wants_edit },
        ) => object == other && (field == wish || field == "*") && (*edit || !wants_edit),
        _ => false,
    }
}

fn grants(grants: &Grants, right: &Right) -> bool {
    match right {
        Right::System(name) => grants.system.contains(name),
        Right::Object { object, access } => {
            grants.objects.get(object).is_some_and(|held| held.contains(access))
        }
        Right::Field { object, field, edit } => grants
            .fields
            .get(object)
            .and_then(|fields| fields.get(field))
            .is_some_and(|may_edit| *may_edit || !edit),
    }
}

/// By brute force: some source grants some right, unmuted, that implies it.
fn naively_allows(sources: &[Source], wanted: &Right) -> bool {
    universe().iter().filter(|held| implies(held, wanted)).any(|held| {
        sources.iter().any(|source| {
            let is_muted = grants(&source.muted, held)
                || matches!(held, Right::Field { object, field, edit: true }
                    if grants(&source.muted, &Right::Field { object: object.clone(), field: field.clone(), edit: false }));
            !is_muted && source.grants.iter().any(|member| grants(member, held))
        })
    })
}

fn some_grants() -> impl Strategy<Value = Grants> {
    let system = prop::sample::subsequence(SYSTEM.to_vec(), 0..=2);
    let accesses = || prop::sample::subsequence(ObjectAccess::ALL.to_vec(), 0..=3);
    let fields = || {
        prop::collection::btree_map(
            prop::sample::select(FIELDS[..2].to_vec()),
            any::<bool>(),
            0..=2,
        )
    };
    (system, accesses(), accesses(), fields(), fields()).prop_map(
        |(system, one, two, first, second)| {
            let mut grants = Grants {
                system: system.into_iter().map(str::to_owned).collect(),
                ..Grants::default()
            };
            for (object, accesses, fields) in [("Account", one, first), ("Contact", two, second)] {
                if !accesses.is_empty() {
                    grants.objects.insert(object.to_owned(), accesses.into_iter().collect());
                }
                if !fields.is_empty() {
                    let fields = fields.into_iter().map(|(name, edit)| (name.to_owned(), edit));
                    grants.fields.insert(object.to_owned(), fields.collect());
                }
            }
            grants
        },
    )
}

fn some_sources() -> impl Strategy<Value = Vec<Source>> {
    let source = |kind: &'static str, members: std::ops::RangeInclusive<usize>, mutes: bool| {
        (prop::collection::vec(some_grants(), members), some_grants(), any::<u8>()).prop_map(
            move |(grants, muted, number)| Source {
                name: SourceName { kind: kind.to_owned(), name: number.to_string() },
                grants,
                muted: if mutes { muted } else { Grants::default() },
            },
        )
    };
    (
        source("profile", 1..=1, false),
        prop::collection::vec(source("permission_set", 1..=1, false), 0..=3),
        prop::collection::vec(source("permission_set_group", 0..=3, true), 0..=2),
    )
        .prop_map(|(profile, sets, groups)| {
            std::iter::once(profile).chain(sets).chain(groups).collect()
        })
}

proptest! {
    #![proptest_config(Config { cases: 1000, ..Config::default() })]

    /// The union over profile, sets and groups, without what groups mute, with
    /// all that follows.
    #[test]
    fn what_sources_allow_together_is_what_a_naive_evaluator_finds(sources in some_sources()) {
        let effective = Effective::of(&sources);
        for right in universe() {
            prop_assert_eq!(
                effective.allows(&right),
                naively_allows(&sources, &right),
                "{:?} by {:#?}", right, sources
            );
        }
    }

    /// What is gained was not allowed before and is afterwards, and nothing
    /// that is gained is left out.
    #[test]
    fn gains_and_losses_are_the_whole_difference(
        before in some_sources(),
        after in some_sources(),
    ) {
        let (before, after) = (Effective::of(&before), Effective::of(&after));
        for (from, to) in [(&before, &after), (&after, &before)] {
            let gains = to.beyond(from);
            for gain in &gains {
                prop_assert!(to.allows(&gain.right) && !from.allows(&gain.right));
                prop_assert!(!gain.through.is_empty());
            }
            for right in universe() {
                let is_new = to.allows(&right) && !from.allows(&right);
                let is_reported = gains.iter().any(|gain| implies(&gain.right, &right));
                prop_assert!(!is_new || is_reported, "{right:?} is not told");
            }
        }
    }
}

/// What the org says that a user may do.
async fn explained(world: &World, user: &str) -> Vec<Right> {
    let ran = world.run(&["explain", "user", user, "--json"]).await;
    if ran.code != 0 {
        return Vec::new();
    }
    let document: serde_json::Value = serde_json::from_str(&ran.output).expect("JSON");
    assert!(schema_of("explain.schema.json").is_valid(&document), "{document}");
    if document["active"] == false {
        return Vec::new();
    }
    let rights: Vec<SourcedRight> =
        serde_json::from_value(document["rights"].clone()).expect("rights");
    rights.into_iter().map(|held| held.right).collect()
}

const SETS: [&str; 4] = [
    "system_permissions: [Modify All Data]",
    "system_permissions: [Run Reports, ViewAllData], objects: { Contact: { access: [read, edit], fields: { Phone: edit } } }",
    "objects: { Contact: { access: [read, view_all_fields], fields: read }, Lead: { access: all } }",
    "objects: { Contact: { access: [read], fields: { Phone: read, Email: edit } } }",
];

/// A user with some of the sets, on one of two profiles.
fn file(profile: &str, held: &[usize], contents: &[usize]) -> String {
    let sets: String = contents
        .iter()
        .enumerate()
        .map(|(name, content)| format!("  S{name}: {{ {} }}\n", SETS[*content]))
        .collect();
    let held: Vec<String> = held.iter().map(|set| format!("S{set}")).collect();
    format!(
        "version: 1\npermission_sets:\n{sets}users:\n  u@robots.example: {{ last_name: U, email: u@robots.example, profile: {profile}, permission_sets: [{}] }}\n",
        held.join(", ")
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_plan_says_of_access_is_what_the_org_says_before_and_after() {
    let world = World::new().await;
    let user = "u@robots.example";
    let straight = [0, 1, 2, 3];
    let steps = [
        file("Standard User", &[3], &straight),
        file("Standard User", &[1, 3], &straight),
        file("Standard User", &[0, 1], &straight),
        file("Minimum Access - Salesforce", &[1, 2], &straight),
        // The sets change, not the assignments.
        file("Minimum Access - Salesforce", &[1, 2], &[0, 3, 1, 2]),
        // One is renamed and changed at once.
        file("Minimum Access - Salesforce", &[1, 2], &[0, 2, 1, 2])
            .replace("  S1: {", "  T1: { was: S1,")
            .replace("[S1, S2]", "[T1, S2]"),
        file("Standard User", &[], &straight),
        "version: 1\n".to_owned(),
        file("Standard User", &[2], &straight),
    ];
    for (number, yaml) in steps.iter().enumerate() {
        let before = explained(&world, user).await;
        world.write("access.yaml", yaml);
        let planned = world.run(&["plan", "access.yaml", "--json"]).await.succeeds();
        let document: serde_json::Value = serde_json::from_str(&planned.output).expect("JSON");
        let changes = document["access"].as_array().expect("a list");
        let told = |what: &str| -> Vec<Right> {
            let lists = changes.iter().filter(|change| change["users"][0] == user);
            let rights = lists.flat_map(|change| change[what].as_array().expect("a list").clone());
            rights
                .map(|held| {
                    let held: SourcedRight = serde_json::from_value(held).expect("a right");
                    held.right
                })
                .collect()
        };
        let (gains, losses) = (told("gains"), told("losses"));
        assert!(
            changes.iter().all(|change| change.get("unknown").is_none()),
            "{number}: {changes:?}"
        );
        world.run(&["apply", "access.yaml", "--auto-approve"]).await.succeeds();
        let after = explained(&world, user).await;
        for (what, from, to, told) in
            [("gain", &before, &after, &gains), ("loss", &after, &before, &losses)]
        {
            let is_new = |right: &&Right| !from.iter().any(|held| implies(held, right));
            let new: BTreeSet<&Right> = to.iter().filter(is_new).collect();
            for right in &new {
                assert!(
                    told.iter().any(|held| implies(held, right)),
                    "step {number}: the {what} of {right:?} is not told in {told:?}"
                );
            }
            for right in told {
                assert!(
                    to.iter().any(|held| implies(held, right)) && is_new(&right),
                    "step {number}: {right:?} is told as a {what} and is none"
                );
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn access_in_words_from_the_org_and_from_the_state() {
    let world = World::new().await;
    world.write("access.yaml", example());
    let user = "integration@coconut.example";
    // An apply does not ask what a packaged set grants, a plan does.
    let applied = world.run(&["apply", "access.yaml", "--auto-approve"]).await.succeeds();
    assert!(applied.output.contains("? what permission set coconut__Coconut_Integration_Config"));
    insta::assert_snapshot!(
        "explain",
        world.run(&["explain", "user", user]).await.succeeds().whole()
    );
    let arguments = ["explain", "user", user, "--object", "contact", "--refresh=false"];
    insta::assert_snapshot!("explain_object", world.run(&arguments).await.succeeds().whole());
    let calm = example().replace("      - Modify All Data\n", "");
    world.write("access.yaml", calm);
    let planned = world.run(&["plan", "access.yaml"]).await.succeeds();
    let (_, told) = planned.output.split_once("What this means for users:").expect("it is told");
    insta::assert_snapshot!("losses", told);
    let markdown = world.run(&["plan", "access.yaml", "--markdown"]).await.succeeds();
    assert!(
        markdown
            .output
            .contains(":warning: **`integration@coconut.example`** can no longer: Modify All Data")
    );
    let missing = world.run(&["explain", "user", "nobody@coconut.example"]).await.fails();
    insta::assert_snapshot!(missing.whole(), @r"
        --- standard error
        Error: this org has no user `nobody@coconut.example`
          Write the username, which looks like an e-mail address.
        --- exit code 1
        ");
}
