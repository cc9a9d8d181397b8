//! The modules and their arrows, as ARCHITECTURE.md draws them, held against the
//! sources. Parsed, so that a full path counts as much as a `use`.

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::path::Path;
use std::path::PathBuf;

use syn::visit::Visit;

/// Modules in which something may wait.
const ASYNC: [&str; 6] = ["cli", "engine", "local_org", "org", "state", "workflow"];

/// The modules and what each may import, as ARCHITECTURE.md lists them.
fn arrows() -> BTreeMap<String, Vec<String>> {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let (_, section) = page.split_once("## Who may import whom").expect("the section");
    let list = section.split("```").nth(1).expect("the list");
    list.lines()
        .skip(1)
        .filter_map(|line| line.split_once(' '))
        .map(|(module, rest)| {
            let rest = rest.split('(').next().unwrap_or_default().trim();
            let modules = rest.split(", ").filter(|module| *module != "nothing").map(str::to_owned);
            (module.to_owned(), modules.collect())
        })
        .collect()
}

#[derive(Default)]
struct Seen {
    modules: BTreeSet<String>,
    crates: BTreeSet<String>,
    macros: BTreeSet<String>,
    is_async: bool,
}

impl<'a> Visit<'a> for Seen {
    fn visit_path(&mut self, path: &'a syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        self.note(&names);
        syn::visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        let mut paths = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut paths);
        for names in paths {
            self.note(&names);
        }
    }

    fn visit_macro(&mut self, mac: &'a syn::Macro) {
        if let Some(name) = mac.path.segments.last() {
            self.macros.insert(name.ident.to_string());
        }
        // What stands inside a macro is no syntax yet: its tokens are looked at.
        let tokens = mac.tokens.to_string();
        let words: Vec<&str> = tokens.split_whitespace().collect();
        for part in words.windows(3) {
            if part[0].ends_with("crate") && part[1] == "::" {
                self.modules.insert(part[2].trim_end_matches("::").to_owned());
            }
        }
        syn::visit::visit_macro(self, mac);
    }

    fn visit_signature(&mut self, signature: &'a syn::Signature) {
        self.is_async |= signature.asyncness.is_some();
        syn::visit::visit_signature(self, signature);
    }

    fn visit_expr_async(&mut self, expression: &'a syn::ExprAsync) {
        self.is_async = true;
        syn::visit::visit_expr_async(self, expression);
    }
}

impl Seen {
    fn note(&mut self, names: &[String]) {
        match names {
            [first, second, ..] if first == "crate" || first == "orgform" => {
                self.modules.insert(second.clone());
            }
            [first, ..] => {
                self.crates.insert(first.clone());
            }
            [] => {}
        }
    }
}

fn flatten(tree: &syn::UseTree, so_far: &mut Vec<String>, into: &mut Vec<Vec<String>>) {
    match tree {
        syn::UseTree::Path(path) => {
            so_far.push(path.ident.to_string());
            flatten(&path.tree, so_far, into);
            so_far.pop();
        }
        syn::UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, so_far, into);
            }
        }
        syn::UseTree::Name(name) => {
            into.push([so_far.as_slice(), &[name.ident.to_string()]].concat());
        }
        syn::UseTree::Rename(name) => {
            into.push([so_far.as_slice(), &[name.ident.to_string()]].concat());
        }
        syn::UseTree::Glob(_) => into.push(so_far.clone()),
    }
}

fn sources(folder: &Path, into: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, into);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            into.push(path);
        }
    }
}

/// All files of `src`, by module, with what each uses.
fn modules() -> BTreeMap<String, Vec<(PathBuf, Seen)>> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut modules: BTreeMap<String, Vec<(PathBuf, Seen)>> = BTreeMap::new();
    for file in files {
        let relative = file.strip_prefix(&src).expect("below src").to_owned();
        if relative.components().count() == 1 {
            continue;
        }
        let module = relative
            .components()
            .next()
            .expect("a part")
            .as_os_str()
            .to_string_lossy()
            .into_owned();
        let text = std::fs::read_to_string(&file).expect("a source");
        let parsed = syn::parse_file(&text).expect("parses");
        let mut seen = Seen::default();
        seen.visit_file(&parsed);
        modules.entry(module).or_default().push((relative, seen));
    }
    modules
}

#[test]
fn no_room_imports_another_against_the_picture() {
    let (modules, mut arrows) = (modules(), arrows());
    arrows.insert("data".to_owned(), Vec::new());
    let known: BTreeSet<&String> = arrows.keys().collect();
    let found: BTreeSet<&String> = modules.keys().collect();
    assert_eq!(found, known, "every folder of src is a module of the picture");
    for (module, files) in &modules {
        let allowed = &arrows[module];
        for (file, seen) in files {
            for other in &seen.modules {
                assert!(
                    other == module || allowed.contains(other),
                    "{} uses crate::{other}, and {module} may use {allowed:?}",
                    file.display()
                );
            }
        }
    }
}

#[test]
fn only_the_edge_prints_and_only_the_state_opens_sled() {
    for (module, files) in modules() {
        for (file, seen) in files {
            for printing in ["print", "println", "eprint", "eprintln", "dbg"] {
                assert!(!seen.macros.contains(printing), "{} uses {printing}!", file.display());
            }
            assert!(
                module == "state" || !seen.crates.contains("sled"),
                "{} uses sled",
                file.display()
            );
            assert!(
                ASYNC.contains(&module.as_str()) || !seen.is_async,
                "{} is async, and {module} is no module that waits",
                file.display()
            );
        }
    }
}

#[test]
fn every_file_says_first_what_it_is_for() {
    let mut files = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut files);
    for file in files {
        let text = std::fs::read_to_string(&file).expect("a source");
        assert!(text.starts_with("//! "), "{} begins with what it is for", file.display());
    }
}

/// A page that names tests names those that there are.
#[test]
fn the_tests_that_a_page_names_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/what-can-go-wrong.md")).expect("the page");
    let named: Vec<(&str, &str)> =
        page.split('`').skip(1).step_by(2).filter_map(|words| words.split_once("::")).collect();
    assert!(named.len() > 20, "{named:?}");
    for (module, name) in named {
        let file = root.join("tests/it").join(format!("{module}.rs"));
        let source = std::fs::read_to_string(&file).unwrap_or_default();
        assert!(source.contains(&format!("fn {name}()")), "there is no test {module}::{name}");
    }
}

/// The one circle of files that there is: what permission sets, their groups and what they
/// grant are to each other on the platform, which the local org plays.
const CIRCLES: [&str; 1] = [
    "local_org/rules/contents, local_org/rules/entity_access, local_org/rules/groups, local_org/rules/set_document, local_org/rules/sets",
];

/// The paths that a file names, from the root of the crate.
struct Named {
    own: Vec<String>,
    paths: Vec<Vec<String>>,
}

impl Named {
    fn note(&mut self, names: &[String]) {
        let ups = names.iter().take_while(|name| *name == "super").count();
        let path = match names.first().map(String::as_str) {
            Some("crate") => names[1..].to_vec(),
            Some("self") => [self.own.as_slice(), &names[1..]].concat(),
            Some("super") => {
                let kept = self.own.len().saturating_sub(ups);
                [&self.own[..kept], &names[ups..]].concat()
            }
            _ => return,
        };
        self.paths.push(path);
    }
}

impl<'a> Visit<'a> for Named {
    fn visit_path(&mut self, path: &'a syn::Path) {
        let names: Vec<String> = path.segments.iter().map(|part| part.ident.to_string()).collect();
        self.note(&names);
        syn::visit::visit_path(self, path);
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        let mut paths = Vec::new();
        flatten(&item.tree, &mut Vec::new(), &mut paths);
        for names in paths {
            self.note(&names);
        }
    }

    fn visit_item_mod(&mut self, item: &'a syn::ItemMod) {
        // Tests may look at everything.
        if item.ident != "tests" {
            syn::visit::visit_item_mod(self, item);
        }
    }
}

/// Which other files each file of `src` names, by their paths without `.rs`. A file and the
/// `mod.rs` above it are one unit, and name each other.
fn files_named() -> BTreeMap<String, BTreeSet<String>> {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let module_of = |file: &Path| -> Vec<String> {
        let relative = file.strip_prefix(&src).expect("below src").with_extension("");
        let parts = relative.iter().map(|part| part.to_string_lossy().into_owned());
        parts.filter(|part| part != "mod").collect()
    };
    let known: BTreeSet<Vec<String>> = files.iter().map(|file| module_of(file)).collect();
    let mut named = BTreeMap::new();
    for file in &files {
        let own = module_of(file);
        let text = std::fs::read_to_string(file).expect("a source");
        let mut seen = Named { own: own.clone(), paths: Vec::new() };
        seen.visit_file(&syn::parse_file(&text).expect("parses"));
        let targets = seen.paths.into_iter().filter_map(|path| {
            (1..=path.len()).rev().map(|end| path[..end].to_vec()).find(|path| known.contains(path))
        });
        let others = targets.filter(|path| !path.starts_with(&own) && !own.starts_with(path));
        named.insert(own.join("/"), others.map(|path| path.join("/")).collect());
    }
    named
}

#[test]
fn no_files_name_each_other_in_a_circle() {
    let named = files_named();
    let numbers: BTreeMap<&String, usize> = named.keys().zip(0..).collect();
    let mut graph = petgraph::graph::DiGraph::<&String, ()>::new();
    let nodes: Vec<_> = named.keys().map(|file| graph.add_node(file)).collect();
    for (file, others) in &named {
        for other in others {
            graph.add_edge(nodes[numbers[file]], nodes[numbers[other]], ());
        }
    }
    let mut circles: Vec<String> = petgraph::algo::tarjan_scc(&graph)
        .into_iter()
        .filter(|files| files.len() > 1)
        .map(|files| {
            let mut files: Vec<&str> = files.into_iter().map(|file| graph[file].as_str()).collect();
            files.sort_unstable();
            files.join(", ")
        })
        .collect();
    circles.sort();
    assert_eq!(circles, CIRCLES);
}

#[test]
fn the_page_lists_who_knows_a_kind_by_name() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("ARCHITECTURE.md")).expect("the page");
    let (_, section) = page.split_once("## Who knows a kind by name").expect("the section");
    let section = section.split("\n## ").next().expect("its text");
    let listed: BTreeSet<String> = section
        .lines()
        .filter_map(|line| Some(line.strip_prefix("| `")?.split('`').next()?.to_owned()))
        .collect();
    let src = root.join("src");
    let mut files = Vec::new();
    sources(&src, &mut files);
    let mut found = BTreeSet::new();
    for file in files {
        let relative = file.strip_prefix(&src).expect("below src").to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&file).expect("a source");
        let code = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let may_know = ["kinds/", "local_org/", "model/kind_name.rs"];
        let is_test = relative.ends_with("tests.rs");
        let may_know = is_test || may_know.iter().any(|place| relative.starts_with(place));
        let names_one = code
            .split("KindName::")
            .skip(1)
            .any(|rest| rest.starts_with(|letter: char| letter.is_ascii_uppercase()));
        if names_one && !may_know {
            found.insert(relative);
        }
    }
    assert_eq!(found, listed);
}
