//! One shape of access at any size, written for orgform and for Terraform: profiles,
//! permission sets, users, and three assignments to each user.
//!
//! Terraform has no such resources, so that its `terraform_data` stands for each
//! thing, with the same references between them; its state is written as its own
//! apply would leave it, since that takes hours beyond a few thousand.

use std::fmt::Write as _;
use std::path::Path;

use serde_json::Value as Json;
use serde_json::json;

/// Assignments of one user.
const EACH: usize = 3;

/// How many things of each sort there are.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    /// All resources.
    pub resources: usize,
    /// Profiles.
    pub profiles: usize,
    /// Permission sets.
    pub sets: usize,
    /// Users.
    pub users: usize,
}

impl Shape {
    /// As many users as there may be among so many resources; permission sets make
    /// up the rest.
    pub fn of(resources: usize) -> Self {
        let profiles = |users: usize| (users / 50).max(1);
        let all = |users: usize| profiles(users) + (users / 10).max(EACH) + users * (EACH + 1);
        let mut users = (resources / (EACH + 1)).max(1);
        while users > 1 && all(users) > resources {
            users -= 1;
        }
        let profiles = profiles(users);
        let sets = EACH.max(resources.saturating_sub(profiles + users * (EACH + 1)));
        Self { resources: profiles + sets + users * (EACH + 1), profiles, sets, users }
    }

    /// The sets of a user.
    fn sets_of(&self, user: usize) -> [usize; EACH] {
        std::array::from_fn(|place| {
            if self.sets > EACH * 3 {
                (user * 7 + place * (1 + user % 3)) % self.sets
            } else {
                (user + place) % self.sets
            }
        })
    }

    /// Writes it for orgform, in so many files. One of them has `more` users beside.
    pub fn write_yaml(&self, folder: &Path, files: usize, more: usize) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        for file in 0..files {
            let part = |count: usize| count * file / files..count * (file + 1) / files;
            let mut text = String::from("version: 1\n");
            section(&mut text, "profiles", part(self.profiles), |text, number| {
                let _ = write!(
                    text,
                    "  Profile {number}:\n    clone_from: Minimum Access - Salesforce\n"
                );
            });
            section(&mut text, "permission_sets", part(self.sets), |text, number| {
                let _ = write!(
                    text,
                    "  PermSet_{number}:\n    label: Permission set {number}\n    objects:\n      Account: {{ access: [read, edit] }}\n      Contact: {{ access: [read] }}\n      Lead: {{ access: [read, create, edit] }}\n"
                );
            });
            let last = if file + 1 == files { more } else { 0 };
            let users = part(self.users);
            section(&mut text, "users", users.start..users.end + last, |text, number| {
                let profile = number % self.profiles;
                let [first, second, third] = self.sets_of(number);
                let _ = write!(
                    text,
                    "  user{number}@example.com.test:\n    alias: u{number}\n    last_name: User {number}\n    email: user{number}@example.com\n    title: Engineer\n    profile: Profile {profile}\n    permission_sets: [PermSet_{first}, PermSet_{second}, PermSet_{third}]\n"
                );
            });
            std::fs::write(folder.join(format!("part{file:02}.yaml")), text)?;
        }
        Ok(())
    }

    /// Writes it for Terraform, one block for each resource, or one `for_each` for
    /// each sort.
    pub fn write_terraform(&self, folder: &Path, for_each: bool) -> std::io::Result<()> {
        std::fs::create_dir_all(folder)?;
        let text = if for_each { self.for_each() } else { self.blocks() };
        std::fs::write(folder.join("main.tf"), text)
    }

    fn blocks(&self) -> String {
        let mut text = String::new();
        for number in 0..self.profiles {
            let _ = write!(
                text,
                "resource \"terraform_data\" \"profile_{number}\" {{\n  input = {{\n    name         = \"Profile {number}\"\n    user_license = \"Salesforce Integration\"\n    api_enabled  = true\n  }}\n}}\n"
            );
        }
        for number in 0..self.sets {
            let profile = number % self.profiles;
            let _ = write!(
                text,
                "resource \"terraform_data\" \"permset_{number}\" {{\n  input = {{\n    name               = \"PermSet_{number}\"\n    label              = \"Permission set {number}\"\n    profile_id         = terraform_data.profile_{profile}.id\n    object_permissions = \"{GRANTS}\"\n  }}\n}}\n"
            );
        }
        for number in 0..self.users {
            let profile = number % self.profiles;
            let sets = self.sets_of(number);
            let first = sets[0];
            let _ = write!(
                text,
                "resource \"terraform_data\" \"user_{number}\" {{\n  input = {{\n    username        = \"user{number}@example.com.test\"\n    alias           = \"u{number}\"\n    title           = \"Engineer\"\n    profile_id      = terraform_data.profile_{profile}.id\n    default_permset = terraform_data.permset_{first}.id\n  }}\n}}\n"
            );
            for (place, set) in sets.iter().enumerate() {
                let _ = write!(
                    text,
                    "resource \"terraform_data\" \"assign_{number}_{place}\" {{\n  input = {{\n    assignee_id       = terraform_data.user_{number}.id\n    permission_set_id = terraform_data.permset_{set}.id\n  }}\n}}\n"
                );
            }
        }
        text
    }

    fn for_each(&self) -> String {
        let mut text = String::from("locals {\n  profiles = {\n");
        for number in 0..self.profiles {
            let _ = writeln!(text, "    p{number} = {{ name = \"Profile {number}\" }}");
        }
        text.push_str("  }\n  permsets = {\n");
        for number in 0..self.sets {
            let profile = number % self.profiles;
            let _ = writeln!(
                text,
                "    s{number} = {{ name = \"PermSet_{number}\", profile = \"p{profile}\" }}"
            );
        }
        text.push_str("  }\n  users = {\n");
        let mut assignments = String::new();
        for number in 0..self.users {
            let profile = number % self.profiles;
            let sets = self.sets_of(number);
            let _ = writeln!(
                text,
                "    u{number} = {{ username = \"user{number}@example.com.test\", title = \"Engineer\", profile = \"p{profile}\", permset = \"s{}\" }}",
                sets[0]
            );
            for (place, set) in sets.iter().enumerate() {
                let _ = writeln!(
                    assignments,
                    "    u{number}_{place} = {{ user = \"u{number}\", permset = \"s{set}\" }}"
                );
            }
        }
        let _ = write!(text, "  }}\n  assigns = {{\n{assignments}  }}\n}}\n{RESOURCES}");
        text
    }

    /// The state that Terraform's apply of the same would have left.
    pub fn write_terraform_state(
        &self,
        folder: &Path,
        version: &str,
        for_each: bool,
    ) -> std::io::Result<()> {
        let id = |sort: usize, number: usize| format!("{sort:08x}-0000-4000-8000-{number:012x}");
        let named = |sort: &str, number: usize| format!("terraform_data.{sort}_{number}");
        let mut state =
            Written { for_each, resources: Vec::new(), groups: [const { Vec::new() }; 4] };
        for number in 0..self.profiles {
            let input = json!({"api_enabled": true, "name": format!("Profile {number}"),
                "user_license": "Salesforce Integration"});
            state.add(
                0,
                &format!("p{number}"),
                number.to_string(),
                &id(0, number),
                &input,
                Vec::new(),
            );
        }
        for number in 0..self.sets {
            let profile = number % self.profiles;
            let mut input = json!({"name": format!("PermSet_{number}"),
                "object_permissions": GRANTS, "profile_id": id(0, profile)});
            if !for_each {
                input["label"] = json!(format!("Permission set {number}"));
            }
            let needs = if for_each {
                vec!["terraform_data.profile".to_owned()]
            } else {
                vec![named("profile", profile)]
            };
            state.add(1, &format!("s{number}"), number.to_string(), &id(1, number), &input, needs);
        }
        for number in 0..self.users {
            let profile = number % self.profiles;
            let sets = self.sets_of(number);
            let input = json!({"alias": format!("u{number}"),
                "default_permset": id(1, sets[0]), "profile_id": id(0, profile),
                "title": "Engineer", "username": format!("user{number}@example.com.test")});
            let needs = if for_each {
                ["permset", "profile"].map(|sort| format!("terraform_data.{sort}")).to_vec()
            } else {
                let mut needs = vec![
                    named("permset", sets[0]),
                    named("profile", sets[0] % self.profiles),
                    named("profile", profile),
                ];
                needs.sort();
                needs.dedup();
                needs
            };
            state.add(
                2,
                &format!("u{number}"),
                number.to_string(),
                &id(2, number),
                &input,
                needs.clone(),
            );
            for (place, set) in sets.into_iter().enumerate() {
                let input = json!({"assignee_id": id(2, number), "permission_set_id": id(1, set)});
                let mut needs = needs.clone();
                if for_each {
                    needs.push("terraform_data.user".to_owned());
                } else {
                    needs.push(named("permset", set));
                    needs.push(named("profile", set % self.profiles));
                    needs.push(named("user", number));
                    needs.sort();
                    needs.dedup();
                }
                let own = id(3, number * EACH + place);
                state.add(
                    3,
                    &format!("u{number}_{place}"),
                    format!("{number}_{place}"),
                    &own,
                    &input,
                    needs,
                );
            }
        }
        let document = json!({"version": 4, "terraform_version": version,
            "serial": self.resources + 1, "lineage": id(9, self.resources), "outputs": {},
            "resources": state.finish(), "check_results": null});
        std::fs::write(folder.join("terraform.tfstate"), document.to_string())
    }
}

fn section(
    text: &mut String,
    name: &str,
    numbers: std::ops::Range<usize>,
    entry: impl Fn(&mut String, usize),
) {
    if !numbers.is_empty() {
        let _ = writeln!(text, "{name}:");
        for number in numbers {
            entry(text, number);
        }
    }
}

const GRANTS: &str = "Account:read,edit;Contact:read;Lead:read,create,edit";
const SORTS: [&str; 4] = ["profile", "permset", "user", "assign"];
const RESOURCES: &str = r#"
resource "terraform_data" "profile" {
  for_each = local.profiles
  input    = { name = each.value.name, user_license = "Salesforce Integration", api_enabled = true }
}
resource "terraform_data" "permset" {
  for_each = local.permsets
  input = {
    name               = each.value.name
    profile_id         = terraform_data.profile[each.value.profile].id
    object_permissions = "Account:read,edit;Contact:read;Lead:read,create,edit"
  }
}
resource "terraform_data" "user" {
  for_each = local.users
  input = {
    username        = each.value.username
    alias           = each.key
    title           = each.value.title
    profile_id      = terraform_data.profile[each.value.profile].id
    default_permset = terraform_data.permset[each.value.permset].id
  }
}
resource "terraform_data" "assign" {
  for_each = local.assigns
  input = {
    assignee_id       = terraform_data.user[each.value.user].id
    permission_set_id = terraform_data.permset[each.value.permset].id
  }
}
"#;

/// A state of Terraform's while it is written.
struct Written {
    for_each: bool,
    resources: Vec<Json>,
    groups: [Vec<Json>; 4],
}

impl Written {
    fn add(
        &mut self,
        sort: usize,
        key: &str,
        suffix: String,
        id: &str,
        input: &Json,
        needs: Vec<String>,
    ) {
        let types: serde_json::Map<String, Json> = input
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| {
                (name.clone(), json!(if value.is_boolean() { "bool" } else { "string" }))
            })
            .collect();
        let held = json!({"value": input, "type": ["object", types]});
        let mut instance = json!({"schema_version": 0, "attributes": {"id": id, "input": held,
            "output": held, "triggers_replace": null}, "sensitive_attributes": []});
        if !needs.is_empty() {
            instance["dependencies"] = json!(needs);
        }
        if self.for_each {
            instance["index_key"] = json!(key);
            self.groups[sort].push(instance);
        } else {
            self.resources.push(resource(&format!("{}_{suffix}", SORTS[sort]), vec![instance]));
        }
    }

    fn finish(mut self) -> Vec<Json> {
        for (sort, instances) in SORTS.iter().zip(self.groups) {
            if !instances.is_empty() {
                self.resources.push(resource(sort, instances));
            }
        }
        self.resources
    }
}

fn resource(name: &str, instances: Vec<Json>) -> Json {
    json!({"mode": "managed", "type": "terraform_data", "name": name,
        "provider": "provider[\"terraform.io/builtin/terraform\"]", "instances": instances})
}
