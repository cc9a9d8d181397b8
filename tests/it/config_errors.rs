//! Whole outputs of what is refused in files: all at once, with places, and
//! nothing written anywhere.

use crate::support::World;

async fn refused(text: impl AsRef<[u8]>) -> String {
    let world = World::bare();
    world.write("access.yaml", text);
    let ran = world.run(&["plan", "access.yaml"]).await.fails();
    let left: Vec<_> = std::fs::read_dir(world.path()).expect("a folder").collect();
    assert_eq!(left.len(), 1, "nothing is written: {left:?}");
    ran.whole()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_mistakes_of_a_file_are_shown_at_once() {
    insta::assert_snapshot!(
        refused(
            "version: 1
profils:
  X: {}
profiles:
  A: { clone_from: B, description: 5 }
permission_sets:
  1bad__Name:
    label: no
    system_permissions: Modify All Data
    objects:
      Contact: { acces: all, fields: edti }
      Lead: { access: [raed, edit], fields: { Phone: edit, Phone: read } }
users:
  Not-a-Username:
    last_name: 007
    email: nobody
    profile: A
    profile: B
    permission_sets: [X, 12]
    active: maybe
  Big@x.example:
    email: a@b.example
"
        )
        .await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_circle_is_shown_whole_each_step_with_its_place() {
    insta::assert_snapshot!(
        refused("version: 1\nprofiles:\n  A: { clone_from: B }\n  B: { clone_from: C }\n  C: { clone_from: A }\n").await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_thing_twice_is_shown_in_one_list_and_in_two_files() {
    insta::assert_snapshot!(
        refused("version: 1\nusers:\n  a@b.example:\n    { last_name: A, email: a@b.example, profile: P, permission_sets: [S, S] }\n").await
    );
    let world = World::bare();
    world.write("access/a.yaml", "version: 1\nprofiles:\n  P: { clone_from: Standard User }\n");
    world.write("access/b.yaml", "version: 1\nprofiles:\n  Q: { clone_from: Standard User }\n  P: { clone_from: Standard User }\n");
    insta::assert_snapshot!(world.run(&["plan", "access"]).await.fails().whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_yaml_is_told_with_its_place() {
    insta::assert_snapshot!(refused("version: 1\nusers:\n  a@b.example: {\n").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn several_documents_and_an_empty_file_are_refused() {
    insta::assert_snapshot!(refused("version: 1\n---\nversion: 1\n").await);
    for hidden in [
        "version: 1\n...\nversion: 1\n",
        "version: 1\n---\tversion: 1\n",
        "version: 1\r---\rversion: 1\r",
    ] {
        let text = refused(hidden).await;
        assert!(text.contains("a second document begins here"), "{text}");
    }
    let block = refused("version: 1\nprofiles:\n  A:\n    clone_from: B\n    description: |\n      x\n---\nversion: 1\n").await;
    assert!(block.contains("a second document begins here"), "{block}");
    insta::assert_snapshot!(refused("").await);
    insta::assert_snapshot!(refused("# nothing\n").await);
    insta::assert_snapshot!(refused("version: 2\n").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_are_refused_with_their_place() {
    insta::assert_snapshot!(refused(b"version: 1\nusers:\n  \xff\xfe: {}\n").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn nesting_beyond_bounds_is_refused() {
    let flow = format!("version: 1\nusers: {}\n", "[".repeat(20_000));
    assert!(refused(&flow).await.contains("nested more than 64 levels"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_is_too_large_is_refused_unread() {
    let world = World::bare();
    let file = std::fs::File::create(world.path().join("access.yaml")).expect("a file");
    file.set_len(65 * 1024 * 1024).expect("a sparse file");
    let ran = world.run(&["plan", "access.yaml"]).await.fails();
    assert!(ran.errors.contains("more than 67108864 bytes"), "{}", ran.errors);
}

#[tokio::test(flavor = "multi_thread")]
async fn windows_line_ends_a_byte_order_mark_and_a_first_marker_are_no_mistakes() {
    let world = World::bare();
    let yaml =
        "\u{feff}---\r\nversion: 1\r\nprofiles:\r\n  Röbots: { clone_from: Standard User }\r\n";
    world.write("access.yaml", yaml);
    let ran = world.run(&["graph", "access.yaml"]).await.succeeds();
    assert!(ran.output.contains("Röbots"), "{}", ran.output);
    let wrong = yaml.replace("clone_from", "clone");
    let text = refused(wrong).await;
    assert!(
        text.contains("access.yaml:4:13"),
        "the place is right after CRLF and an umlaut: {text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_neither_declared_nor_in_the_org_is_shown_with_its_place() {
    let world = World::new().await;
    world.write(
        "access.yaml",
        "version: 1
users:
  a@b.example:
    last_name: A
    email: a@b.example
    profile: Standard Usr
    permission_sets: [Nope, acme__Config]
    permission_set_licenses: [Salesfrce API Integration]
permission_sets:
  S:
    system_permissions: [Create AppExchange Packages, Modify Al Data]
    objects: { Contat: { fields: edit }, Contact: { fields: { Pone: edit, CleanStatus: edit } } }
",
    );
    insta::assert_snapshot!(world.run(&["plan", "access.yaml"]).await.fails().whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_or_folder_that_is_not_there_is_named() {
    let world = World::bare();
    insta::assert_snapshot!(world.run(&["plan", "missing.yaml"]).await.fails().whole());
    insta::assert_snapshot!(world.run(&["plan"]).await.fails().whole());
}

#[tokio::test(flavor = "multi_thread")]
async fn all_missing_keys_are_shown_and_names_that_differ_in_case_are_one() {
    insta::assert_snapshot!(
        refused("version: 1\nusers:\n  a@b.example:\npermission_sets:\n  coconut__X: {}\n  A: { objects: { Contact: {}, contact: {} } }\n").await
    );
    insta::assert_snapshot!(
        refused("version: 1\npermission_sets:\n  Robots: {}\n  robots: {}\n").await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_file_hides_the_rest_of_it() {
    let text =
        refused("version: 1\nprofiles:\n  A: { clone_from: Standard User } #\0\nusers: {}\n").await;
    assert!(text.contains("a control character (U+0000) stands here"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn small_files_that_unfold_are_bounded() {
    let names: Vec<String> = (0..3000).map(|n| format!("s{n}")).collect();
    let mut yaml = format!(
        "version: 1\nusers:\n  u@b.example: &u {{ last_name: A, email: a@b.example, profile: P, permission_sets: [{}] }}\n",
        names.join(", ")
    );
    for n in 0..3000 {
        yaml.push_str(&format!("  u{n}@b.example: *u\n"));
    }
    let text = refused(&yaml).await;
    assert!(text.contains("expand too far"), "{}", &text[..text.len().min(2000)]);
}

#[tokio::test(flavor = "multi_thread")]
async fn thousands_of_the_same_mistake_are_told_in_good_time() {
    let twice: String = (0..3000).map(|n| format!("  N{n}: {{}}\n  n{n}: {{}}\n")).collect();
    let text = refused(format!("version: 1\npermission_sets:\n{twice}")).await;
    assert!(
        text.contains("and 2,900 more") && text.contains("3,000 errors"),
        "{}",
        &text[text.len() - 200..]
    );
    let chain: String =
        (0..2000).map(|n| format!("  P{n}: {{ clone_from: P{} }}\n", (n + 1) % 2000)).collect();
    let text = refused(format!("version: 1\nprofiles:\n{chain}")).await;
    assert!(text.contains("more)"), "{}", &text[..500]);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_things_cannot_have_been_the_same_one() {
    insta::assert_snapshot!(
        refused("version: 1\npermission_sets:\n  A: { was: Z }\n  B: { was: Z }\n").await
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_list_is_an_empty_list_on_both_ways_of_reading() {
    let world = World::bare();
    world.write(
        "access.yaml",
        "version: 1\nusers:\n  a@b.example:\n    last_name: '007'\n    email: a@b.example\n    profile: P\n    permission_sets:\n    permission_set_licenses:\npermission_sets:\n  S:\n    objects:\n    system_permissions:\n",
    );
    world.run(&["graph", "access.yaml"]).await.succeeds();
}
