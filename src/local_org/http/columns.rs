//! What `columns=true` answers in place of a query's rows: the columns that
//! they have. The Salesforce CLI asks for it after each query.

use serde_json::Value as Json;
use serde_json::json;

use crate::local_org::schema::Field;
use crate::local_org::schema::Object;
use crate::local_org::schema::Schema;
use crate::local_org::soql::Query;
use crate::local_org::soql::Selection;

/// The columns of a query; names that are none were refused before.
pub fn columns(schema: &Schema, query: &Query) -> Json {
    let object = schema.object(&query.from);
    let selects_id = query
        .select
        .iter()
        .any(|item| matches!(item, Selection::Field(path, _) if path.eq_ignore_ascii_case("Id")));
    json!({
        "columnMetadata": of_object(schema, object, query),
        "entityName": object.map_or(query.from.as_str(), |object| object.name),
        "groupBy": !query.group.is_empty(),
        "idSelected": selects_id,
        "keyPrefix": object.map(|object| object.prefix),
    })
}

fn of_object(schema: &Schema, object: Option<&Object>, query: &Query) -> Vec<Json> {
    let mut columns: Vec<Json> = Vec::new();
    for item in &query.select {
        match item {
            Selection::Field(path, _) => {
                let parts: Vec<&str> = path.split('.').collect();
                add(&mut columns, schema, object, &parts);
            }
            Selection::Children(children) => {
                let child = object.and_then(|object| {
                    let (name, child, _) = object
                        .children
                        .iter()
                        .find(|(name, ..)| name.eq_ignore_ascii_case(&children.from))?;
                    Some((*name, schema.object(child)?))
                });
                let Some((name, child)) = child else { continue };
                let mut joined = column(name, None);
                joined["aggregate"] = json!(true);
                joined["joinColumns"] = json!(of_object(schema, Some(child), children));
                columns.push(joined);
            }
            Selection::Aggregate(aggregate) => {
                let field = object.and_then(|object| object.field(&aggregate.path));
                let unnamed = format!("expr{}", columns.len());
                let mut shown = column(aggregate.alias.as_deref().unwrap_or(&unnamed), field);
                shown["aggregate"] = json!(true);
                columns.push(shown);
            }
            Selection::Count | Selection::Fields(..) => {}
        }
    }
    columns
}

/// Adds a path; paths that begin alike share their columns.
fn add(columns: &mut Vec<Json>, schema: &Schema, object: Option<&Object>, parts: &[&str]) {
    let [first, rest @ ..] = parts else { return };
    if rest.is_empty() {
        let field = object.and_then(|object| object.field(first));
        columns.push(column(field.map_or(*first, |field| &field.name), field));
        return;
    }
    let parent = object.and_then(|object| object.parent(first));
    let name = parent.and_then(Field::relationship).unwrap_or(first).to_owned();
    let target = parent.and_then(|field| schema.object(field.reference.as_deref()?));
    let place = columns.iter().position(|held| held["columnName"] == name).unwrap_or_else(|| {
        columns.push(column(&name, None));
        columns.len() - 1
    });
    let mut joined = columns[place]["joinColumns"].as_array().cloned().unwrap_or_default();
    add(&mut joined, schema, target, rest);
    columns[place]["joinColumns"] = Json::Array(joined);
}

fn column(name: &str, field: Option<&Field>) -> Json {
    let kind = field.map_or("", |field| field.kind.as_str());
    let apex_type = match kind {
        "id" | "reference" => "Id",
        "boolean" => "Boolean",
        "int" => "Integer",
        "double" | "currency" | "percent" => "Double",
        "date" => "Date",
        "datetime" => "Datetime",
        _ => "String",
    };
    json!({
        "aggregate": false,
        "apexType": apex_type,
        "booleanType": kind == "boolean",
        "columnName": name,
        "custom": name.ends_with("__c"),
        "displayName": name,
        "foreignKeyName": null,
        "insertable": field.is_some_and(|field| field.createable),
        "joinColumns": [],
        "numberType": matches!(apex_type, "Integer" | "Double"),
        "textType": apex_type == "String",
        "updatable": field.is_some_and(|field| field.updateable),
    })
}
