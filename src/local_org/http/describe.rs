//! What describe says of an object and its fields, in the shape of a real
//! describe (REST API Developer Guide, "sObject Describe"; the keys are those
//! of describes that API clients have published).

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::Mutex;

use serde_json::Value as Json;
use serde_json::json;

use super::Server;
use crate::local_org::schema::Field;
use crate::local_org::schema::Object;
use crate::local_org::schema::Schema;
use crate::local_org::schema::is_filled;

/// Describes that were asked for: an org's schema does not change while it is
/// served, and that of a permission set is large.
#[derive(Debug, Default)]
pub struct Described {
    held: Mutex<HashMap<(String, String), Arc<Json>>>,
}

impl Described {
    /// The describe of an object.
    pub fn get(&self, schema: &Schema, object: &Object, version: &str) -> Arc<Json> {
        let key = (object.name.to_owned(), version.to_owned());
        let mut held = Server::lock(&self.held);
        let described =
            held.entry(key).or_insert_with(|| Arc::new(describe(schema, object, version)));
        Arc::clone(described)
    }
}

/// What the global describe says of an object.
pub fn summary(object: &Object, version: &str) -> Json {
    let at = format!("/services/data/v{version}/sobjects/{}", object.name);
    json!({
        "activateable": false,
        "associateEntityType": null,
        "associateParentEntity": null,
        "createable": object.createable,
        "custom": object.name.ends_with("__c"),
        "customSetting": false,
        "deepCloneable": false,
        "deletable": object.deletable,
        "deprecatedAndHidden": false,
        "feedEnabled": false,
        "hasSubtypes": false,
        "isInterface": false,
        "isSubtype": false,
        "keyPrefix": object.prefix,
        "label": object.label,
        "labelPlural": plural(object.label),
        "layoutable": !object.is_setup,
        "mergeable": false,
        "mruEnabled": false,
        "name": object.name,
        "queryable": true,
        "replicateable": true,
        "retrieveable": true,
        "searchable": !object.is_setup,
        "triggerable": !object.is_setup,
        "undeletable": !object.is_setup,
        "updateable": object.updateable,
        "urls": {
            "sobject": at,
            "describe": format!("{at}/describe"),
            "rowTemplate": format!("{at}/{{ID}}"),
        },
    })
}

fn plural(label: &str) -> String {
    match label.strip_suffix('y') {
        Some(stem) if !label.ends_with("ay") => format!("{stem}ies"),
        _ if label.ends_with('s') => label.to_owned(),
        _ => format!("{label}s"),
    }
}

fn describe(schema: &Schema, object: &Object, version: &str) -> Json {
    let fields: Vec<Json> = schema
        .seen_fields(object, version)
        .map(|field| describe_field(schema, object, field))
        .collect();
    let children: Vec<Json> = object
        .children
        .iter()
        .map(|(name, child, field)| {
            json!({
                "cascadeDelete": object.name == "PermissionSet",
                "childSObject": child,
                "deprecatedAndHidden": false,
                "field": field,
                "junctionIdListNames": [],
                "junctionReferenceTo": [],
                "relationshipName": name,
                "restrictedDelete": false,
            })
        })
        .collect();
    let described = summary(object, version);
    let more = json!({
        "actionOverrides": [],
        "childRelationships": children,
        "compactLayoutable": !object.is_setup,
        "defaultImplementation": null,
        "extendedBy": null,
        "extendsInterfaces": null,
        "fields": fields,
        "implementedBy": null,
        "implementsInterfaces": null,
        "listviewable": null,
        "lookupLayoutable": null,
        "namedLayoutInfos": [],
        "networkScopeFieldName": null,
        "recordTypeInfos": [],
        "searchLayoutable": !object.is_setup,
        "sobjectDescribeOption": "FULL",
        "supportedScopes": [{"label": format!("All {}", plural(object.label)), "name": "everything"}],
    });
    joined(described, more)
}

/// Two objects as one.
fn joined(mut left: Json, right: Json) -> Json {
    if let (Json::Object(left), Json::Object(right)) = (&mut left, right) {
        left.extend(right);
    }
    left
}

fn soap_type(kind: &str) -> &'static str {
    match kind {
        "id" | "reference" => "tns:ID",
        "boolean" => "xsd:boolean",
        "int" => "xsd:int",
        "double" | "currency" | "percent" => "xsd:double",
        "date" => "xsd:date",
        "datetime" => "xsd:dateTime",
        "address" => "urn:address",
        "location" => "urn:location",
        "base64" => "xsd:base64Binary",
        _ => "xsd:string",
    }
}

fn describe_field(schema: &Schema, object: &Object, field: &Field) -> Json {
    let kind = field.kind.as_str();
    let is_text = matches!(
        kind,
        "string"
            | "textarea"
            | "phone"
            | "email"
            | "url"
            | "picklist"
            | "multipicklist"
            | "combobox"
    );
    let is_number = matches!(kind, "double" | "currency" | "percent");
    let is_long = kind == "textarea" && field.length > 255;
    let is_compound = matches!(kind, "address" | "location");
    let is_custom = field.name.ends_with("__c");
    let reference: Vec<&String> = field.reference.iter().collect();
    let first = json!({
        "aggregatable": !matches!(kind, "boolean" | "multipicklist") && !is_compound && !is_long,
        "aiPredictionField": false,
        "autoNumber": false,
        "byteLength": if is_text { field.length * 3 } else { field.length },
        "calculated": false,
        "calculatedFormula": null,
        "cascadeDelete": false,
        "caseSensitive": false,
        "compoundFieldName": field.compound,
        "controllerName": null,
        "createable": field.createable,
        "custom": is_custom,
        "defaultValue": if kind == "boolean" { json!(false) } else { Json::Null },
        "defaultValueFormula": null,
        "defaultedOnCreate": is_filled(object, field),
        "dependentPicklist": false,
        "deprecatedAndHidden": false,
        "digits": if kind == "int" { 8 } else { 0 },
        "displayLocationInDecimal": false,
        "encrypted": false,
        "externalId": false,
        "extraTypeInfo": null,
    });
    let second = json!({
        "filterable": !is_long && !is_compound,
        "filteredLookupInfo": null,
        "formulaTreatNullNumberAsZero": false,
        "groupable": !matches!(kind, "datetime" | "multipicklist") && !is_number && !is_long && !is_compound,
        "highScaleNumber": false,
        "htmlFormatted": false,
        "idLookup": field.name == "Id" || (object.name == "User" && field.name == "Username") || (object.name == "Profile" && field.name == "Name"),
        "inlineHelpText": null,
        "label": field.label,
        "length": field.length,
        "mask": null,
        "maskType": null,
        "name": field.name,
        "nameField": field.name == "Name",
        "namePointing": false,
        "nillable": field.nillable,
        "permissionable": field.permissionable,
        "picklistValues": schema.values(object, field),
        "polymorphicForeignKey": false,
        "precision": if is_number { 18 } else { 0 },
        "queryByDistance": false,
        "referenceTargetField": null,
        "referenceTo": reference,
        "relationshipName": field.relationship(),
        "relationshipOrder": null,
        "restrictedDelete": false,
        "restrictedPicklist": !field.values.is_empty(),
        "scale": if is_number { 2 } else { 0 },
        "searchPrefilterable": false,
        "soapType": soap_type(kind),
        "sortable": !is_long && !is_compound && kind != "multipicklist",
        "type": kind,
        "unique": object.name == "User"
            && matches!(field.name.as_str(), "Username" | "FederationIdentifier"),
        "updateable": field.updateable,
        "writeRequiresMasterRead": false,
    });
    joined(first, second)
}
