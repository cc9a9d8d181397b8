//! Reading what the org has of given resources, in as few calls as can be.

use crate::model::KindName;
use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::collections::HashMap;

use super::EngineError;
use super::pieces::Pieces;
use super::questions::Round;
use super::targets::Targets;
use crate::facts::Catalog;
use crate::facts::Fact;
use crate::facts::Inquiry;
use crate::kinds;
use crate::model::Address;
use crate::model::Attributes;
use crate::model::KeySource;
use crate::model::Observed;
use crate::model::Row;
use crate::model::SalesforceId;
use crate::model::Value;
use crate::org::Org;
use crate::org::keyed_queries;
use crate::org::queries_by_username;

/// Where a thing goes once it is known whole.
type Sink<'a> = dyn FnMut(Address, Observed) + Send + 'a;

/// A query that a kind asks for itself: the kind's number among kinds, and the query's
/// among its own.
type KindQuery = (usize, usize);

/// Reads facts and resources together. Things that one row tells whole go to
/// `sink` while their page is read; the others when all their parts are in.
pub async fn observe(
    org: &Org,
    targets: &Targets,
    mut inquiry: Inquiry,
    catalog: &mut Catalog,
    sink: &mut Sink<'_>,
) -> Result<(), EngineError> {
    inquiry.begin(catalog);
    let mut pieces = Pieces::default();
    for number in 0.. {
        let mut round = Round::of(inquiry.questions(number, catalog));
        let of_kinds = if number == 0 {
            queries_of_kinds(targets, &mut round, catalog)
        } else if round.is_empty() {
            break;
        } else {
            Vec::new()
        };
        ask_round(org, &mut round, of_kinds, (&mut inquiry, catalog), (&mut pieces, sink)).await?;
        round.ask_others(org, &mut inquiry, catalog).await?;
    }
    inquiry.finish(catalog);
    let aliases = profile_aliases(catalog);
    let mut renamed = |address: Address, mut observed: Observed| {
        if !aliases.is_empty() {
            in_english(&mut observed, &aliases);
        }
        sink(address, observed);
    };
    pieces.complete(org, targets, &mut renamed).await
}

/// Asks the queries and describes of a round, and those of kinds behind them.
async fn ask_round(
    org: &Org,
    round: &mut Round,
    of_kinds: Vec<(KindQuery, String)>,
    (inquiry, catalog): (&mut Inquiry, &mut Catalog),
    (pieces, sink): (&mut Pieces, &mut Sink<'_>),
) -> Result<(), EngineError> {
    let mut texts = round.texts();
    let of_facts = texts.len();
    let (of_kinds, further): (Vec<KindQuery>, Vec<String>) = of_kinds.into_iter().unzip();
    texts.extend(further);
    let objects = round.objects();
    let objects: Vec<&str> = objects.iter().map(String::as_str).collect();
    let may_be_refused = round.may_be_refused();
    let may_be_refused = |text: usize| may_be_refused.get(text).copied().unwrap_or(false);
    let mut pages = |text: usize, rows: Vec<Row>| {
        if text < of_facts {
            round.take_page(text, &rows, (inquiry, catalog), &mut |kind, row| {
                pieces.take(kind, 0, row, sink);
            });
            return;
        }
        let (kind, query) = of_kinds[text - of_facts];
        let names_user = kinds::ALL[kind].queries()[query].key_source == KeySource::User;
        for row in rows {
            if names_user {
                pieces.of_users.push((kind, query, row));
            } else {
                pieces.take(kind, query, &row, sink);
            }
        }
    };
    let described = org.ask(&texts, &objects, &may_be_refused, &mut pages).await?;
    round.take_rest(&described, inquiry, catalog);
    Ok(())
}

/// The queries of kinds that do not go along with one of facts.
fn queries_of_kinds(
    targets: &Targets,
    round: &mut Round,
    catalog: &Catalog,
) -> Vec<(KindQuery, String)> {
    let mut queries = Vec::new();
    for (index, keys) in &targets.keys {
        let kind = kinds::ALL[*index];
        for (number, query) in kind.queries().iter().enumerate() {
            if number == 0 && query.piggybacks {
                let keys: Vec<String> = keys.iter().cloned().collect();
                if round.piggyback(*index, query, &keys) {
                    continue;
                }
            }
            let mut columns: Vec<&str> = query.fields.to_vec();
            if number == 0 {
                let further = targets.columns.get(index).into_iter().flatten();
                let has = |column: &&String| {
                    kind.columns().is_none_or(|columns| columns.has(column, catalog))
                };
                let known = further.filter(has);
                columns.extend(known.map(String::as_str));
            }
            let keys = keys.iter().map(String::as_str);
            let (object, key, filters) = (query.object, query.key, query.filters);
            let texts = match query.key_source {
                KeySource::Name => keyed_queries(object, &columns, key, filters, keys),
                KeySource::User => queries_by_username(object, &columns, key, filters, keys),
                KeySource::RecordId => {
                    let ids = targets.ids.get(index).into_iter().flat_map(BTreeMap::keys);
                    let ids = ids.map(SalesforceId::as_str);
                    keyed_queries(object, query.fields, key, filters, ids)
                }
            };
            queries.extend(texts.into_iter().map(|text| ((*index, number), text)));
        }
    }
    queries
}

/// Profiles by the name that the org shows, where that is not the one meant.
fn profile_aliases(catalog: &Catalog) -> HashMap<Address, Address> {
    catalog
        .profile
        .from(String::new()..)
        .filter_map(|(_, profile)| {
            let shown = profile.shown.as_ref()?;
            Some((
                Address::new(KindName::PROFILE, shown),
                Address::new(KindName::PROFILE, &profile.name),
            ))
        })
        .collect()
}

fn in_english(observed: &mut Observed, aliases: &HashMap<Address, Address>) {
    let meant: Vec<(String, Address)> = observed
        .attributes
        .references()
        .filter_map(|(path, shown)| Some((path.to_owned(), aliases.get(shown)?.clone())))
        .collect();
    for (path, address) in meant {
        observed.attributes.set(path, Value::Reference(address));
    }
}

/// Asks for facts alone.
///
/// # Errors
/// When the org refuses a question, or a call breaks.
pub async fn ask_facts(
    org: &Org,
    facts: &BTreeSet<Fact>,
    catalog: &mut Catalog,
) -> Result<(), EngineError> {
    let inquiry = Inquiry::about(facts.iter().cloned());
    observe(org, &Targets::default(), inquiry, catalog, &mut |_, _| {}).await
}

/// Reads single resources, by natural key.
pub async fn observe_some(
    org: &Org,
    addresses: impl IntoIterator<Item = Address>,
) -> Result<BTreeMap<Address, Observed>, EngineError> {
    let mut targets = Targets::default();
    let wanted: BTreeSet<Address> = addresses.into_iter().collect();
    for address in &wanted {
        targets.add(address, None);
        if kinds::of(address)
            .and_then(kinds::Kind::document)
            .is_some_and(|document| !document.is_read_for(&Attributes::new()))
        {
            targets.without_document(address);
        }
    }
    // Salesforce compares names without case.
    let spelled: HashMap<String, Address> =
        wanted.iter().map(|address| (address.folded(), address.clone())).collect();
    let mut found = BTreeMap::new();
    let mut nothing = Catalog::new();
    observe(org, &targets, Inquiry::default(), &mut nothing, &mut |address, observed| {
        let key = address.folded();
        if let Some(address) = spelled.get(&key) {
            found.insert(address.clone(), observed);
        }
    })
    .await?;
    Ok(found)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::observe;
    use super::observe_some;
    use crate::engine::targets::Targets;
    use crate::engine::testing::Reply;
    use crate::engine::testing::Script;
    use crate::facts::Catalog;
    use crate::facts::Inquiry;
    use crate::facts::ProfileFact;
    use crate::model::Address;
    use crate::model::KindName;
    use crate::model::SalesforceId;

    fn user(name: &str) -> Address {
        Address::new(KindName::USER, name)
    }

    #[tokio::test]
    async fn what_two_rows_tell_of_a_user_is_put_together() {
        let one = json!({
            "Id": "005000000000001AAA", "Username": "One@x.example", "LastName": "One",
            "IsActive": true, "Profile": {"Name": "Robots"},
        });
        let login =
            json!({"Id": "0Yw000000000001AAA", "UserId": "005000000000001AAA", "IsFrozen": true});
        let script = Script::of([
            ("FROM User WHERE Username IN ('one@x.example','two@x.example')", Reply::rows(&[one])),
            ("FROM UserLogin WHERE UserId IN ('005000000000001AAA')", Reply::rows(&[login])),
        ]);
        let wanted = [user("one@x.example"), user("two@x.example")];
        let found = observe_some(&script.org(), wanted).await.expect("it is read");
        script.is_over();
        assert_eq!(found.keys().collect::<Vec<_>>(), [&user("one@x.example")], "one is absent");
        let one = &found[&user("one@x.example")];
        assert_eq!(one.attributes.flag("frozen"), Some(true));
        assert_eq!(one.attributes.flag("active"), Some(true));
        assert_eq!(one.attributes.text("last_name"), Some("One"));
        assert_eq!(one.companion_id, SalesforceId::parse("0Yw000000000001AAA"));
    }

    #[tokio::test]
    async fn a_profile_that_the_org_shows_in_another_language_is_the_one_that_is_meant() {
        let one = json!({
            "Id": "005000000000001AAA", "Username": "one@x.example",
            "Profile": {"Name": "Systemadministrator"},
        });
        let script = Script::of([
            ("FROM User WHERE", Reply::rows(&[one])),
            ("FROM UserLogin WHERE", Reply::rows(&[])),
        ]);
        let mut catalog = Catalog::new();
        let profile = ProfileFact {
            id: SalesforceId::parse("00e000000000001").expect("an id"),
            shown: Some("Systemadministrator".to_owned()),
            name: "System Administrator".to_owned(),
            license_id: SalesforceId::parse("100000000000001").expect("an id"),
            license: "Salesforce".to_owned(),
        };
        catalog.profile.insert(profile.name.clone(), profile);
        let mut targets = Targets::default();
        targets.add(&user("one@x.example"), None);
        let mut found = Vec::new();
        let mut take = |_, observed: crate::model::Observed| found.push(observed);
        observe(&script.org(), &targets, Inquiry::default(), &mut catalog, &mut take)
            .await
            .expect("it is read");
        script.is_over();
        let profile = found[0].attributes.reference("profile").expect("a profile");
        assert_eq!(profile.name(), "System Administrator");
    }

    #[tokio::test]
    async fn an_answer_that_breaks_is_an_error_and_nothing_is_taken_for_absent() {
        let refused = json!([{"errorCode": "INVALID_FIELD", "message": "No such column"}]);
        let script = Script::of([("FROM User WHERE", Reply::Json(400, refused))]);
        let error = observe_some(&script.org(), [user("one@x.example")]).await;
        script.is_over();
        assert!(error.is_err());
    }
}
