"""simple-salesforce: reads, writes and deploys over HTTPS, with zeep reading
our SOAP by Salesforce's own WSDL, which its wheel carries. Each answer of the
Metadata API is checked against that schema: names, order and types."""

import base64
import io
import os
import sys
import zipfile
from importlib.resources import files

import requests
from lxml import etree
from simple_salesforce import Salesforce
from simple_salesforce.exceptions import SalesforceError

URL = os.environ["INSTANCE_URL"]
TOKEN = os.environ["TOKEN"]
METADATA = "http://soap.sforce.com/2006/04/metadata"
ENVELOPE = "http://schemas.xmlsoap.org/soap/envelope/"
XSD = "http://www.w3.org/2001/XMLSchema"
XSI = "http://www.w3.org/2001/XMLSchema-instance"

failures = []


def step(name, action):
    try:
        action()
        print(f"ok    {name}")
    except Exception as error:  # a step that fails in any way is a failure
        failures.append(name)
        print(f"FAIL  {name}\n      {type(error).__name__}: {error}")


def refused(action, text):
    try:
        action()
    except SalesforceError as error:
        assert text in str(error), error
        return
    raise AssertionError(f"was not refused with {text}")


sf = Salesforce(instance_url=URL, session_id=TOKEN, version="65.0")


def zip_of(manifest_types, contents):
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        types = "".join(
            f"<types>{''.join(f'<members>{m}</members>' for m in members)}<name>{name}</name></types>"
            for name, members in manifest_types.items()
        )
        archive.writestr(
            "package.xml",
            f'<?xml version="1.0" encoding="UTF-8"?><Package xmlns="{METADATA}">{types}<version>65.0</version></Package>',
        )
        for path, text in contents.items():
            archive.writestr(path, text)
    return held.getvalue()


def permission_set(label, more=""):
    return f'<?xml version="1.0" encoding="UTF-8"?><PermissionSet xmlns="{METADATA}"><label>{label}</label>{more}</PermissionSet>'


# --- REST ---------------------------------------------------------------


def reads():
    total = sum(1 for _ in sf.query_all_iter("SELECT Id FROM User"))
    assert total == 2501, total
    licenses = sf.query("SELECT Id, Name FROM UserLicense WHERE Name = 'Salesforce Integration'")
    assert licenses["totalSize"] == 1
    assert any(one["name"] == "Profile" for one in sf.describe()["sobjects"])
    assert sf.PermissionSet.describe()["keyPrefix"] == "0PS"
    assert sf.limits()["DailyApiRequests"]["Max"] == 100000
    refused(lambda: sf.query("SELECT Nothing FROM User"), "INVALID_FIELD")


def writes():
    license_id = sf.query("SELECT Id FROM UserLicense WHERE Name = 'Salesforce Integration'")["records"][0]["Id"]
    profile = sf.Profile.create({"Name": "Python Robots", "UserLicenseId": license_id})["id"]
    user = sf.User.create(
        {
            "Username": "robot@python.example",
            "LastName": "Robot",
            "Email": "robot@python.example",
            "Alias": "robot",
            "ProfileId": profile,
            "TimeZoneSidKey": "GMT",
            "LocaleSidKey": "en_US",
            "EmailEncodingKey": "UTF-8",
            "LanguageLocaleKey": "en_US",
        }
    )["id"]
    psl = sf.query("SELECT Id FROM PermissionSetLicense WHERE DeveloperName = 'SalesforceAPIIntegrationPsl'")
    psl = psl["records"][0]["Id"]
    assigned = sf.PermissionSetLicenseAssign.create({"AssigneeId": user, "PermissionSetLicenseId": psl})
    assert assigned["success"], assigned
    assert sf.set_password(user, "a new passw0rd") is None
    refused(lambda: sf.set_password(user, "short"), "INVALID_NEW_PASSWORD")
    assert sf.User.update(user, {"IsActive": False}) == 204
    assert sf.User.get(user)["IsActive"] is False
    # A deactivated user keeps what was assigned.
    kept = sf.query(f"SELECT Id FROM PermissionSetLicenseAssign WHERE AssigneeId = '{user}'")
    assert kept["totalSize"] == 1, kept
    refused(lambda: sf.User.delete(user), "INVALID_TYPE_FOR_OPERATION")
    refused(lambda: sf.Profile.delete(profile), "DELETE_FAILED")


# --- zeep ---------------------------------------------------------------


def crud_by_zeep():
    mdapi = sf.mdapi
    made = mdapi.PermissionSet(
        fullName="By_Zeep", label="By zeep", userPermissions=[{"enabled": True, "name": "ApiEnabled"}]
    )
    mdapi.PermissionSet.create([made])
    read = mdapi.PermissionSet.read(["By_Zeep"])
    assert read.label == "By zeep" and read.userPermissions[0].name == "ApiEnabled", read
    read.label = "Changed"
    mdapi.PermissionSet.update([read])
    assert mdapi.PermissionSet.read(["By_Zeep"]).label == "Changed"
    mdapi.PermissionSet.upsert([read])
    mdapi.PermissionSet.rename("By_Zeep", "By_Zeep_2")
    mdapi.PermissionSet.delete(["By_Zeep_2"])
    admin = mdapi.Profile.read(["Admin"])
    assert admin.userLicense == "Salesforce" and admin.custom is False, admin
    # With Modify All Data every object shows as open, but for View All Fields.
    assert len(admin.objectPermissions) >= 3
    assert all(one.modifyAllRecords and not one.viewAllFields for one in admin.objectPermissions)
    query = mdapi.ListMetadataQuery(type="Profile")
    assert any(one.fullName == "Admin" for one in mdapi.list_metadata([query]))
    assert {one.xmlName for one in mdapi.describe_metadata().metadataObjects} >= {"Profile", "PermissionSet"}


def deploys():
    content = zip_of({"PermissionSet": ["Py"]}, {"permissionsets/Py.permissionset": permission_set("Py")})
    path = os.path.join(os.environ["WORK"], "python.zip")
    with open(path, "wb") as held:
        held.write(content)
    answer = sf.deploy(path, sandbox=False)
    state = sf.checkDeployStatus(answer["asyncId"])
    assert state["state"] == "Succeeded", state
    # simple-salesforce counts all components that were told of.
    assert int(state["deployment_detail"]["deployed_count"]) == 1, state
    assert sf.query("SELECT Id FROM PermissionSet WHERE Name = 'Py'")["totalSize"] == 1


# --- every answer by the WSDL --------------------------------------------


def load_schema():
    wsdl = etree.fromstring((files("simple_salesforce") / "metadata.wsdl").read_bytes())
    schema = wsdl.find(f".//{{{XSD}}}schema[@targetNamespace='{METADATA}']")
    return etree.XMLSchema(etree.fromstring(etree.tostring(schema)))


SCHEMA = load_schema()


def call(body, header="", status=200):
    """Sends a call; its answer must fit the schema."""
    envelope = (
        f'<e:Envelope xmlns:e="{ENVELOPE}" xmlns="{METADATA}" xmlns:xsi="{XSI}"><e:Header>'
        f"<SessionHeader><sessionId>{TOKEN}</sessionId></SessionHeader>{header}</e:Header>"
        f"<e:Body>{body}</e:Body></e:Envelope>"
    )
    answer = requests.post(
        f"{URL}/services/Soap/m/63.0", data=envelope, headers={"Content-Type": "text/xml", "SOAPAction": '""'}, timeout=60
    )
    assert answer.status_code == status, answer.text
    content = etree.fromstring(answer.content).find(f"{{{ENVELOPE}}}Body")[0]
    if status == 200:
        SCHEMA.assertValid(etree.ElementTree(etree.fromstring(etree.tostring(content))))
    return content


def text(content, name):
    return content.findtext(f".//{{{METADATA}}}{name}")


WHOLE_SET = (
    '<metadata xsi:type="PermissionSet"><fullName>Whole</fullName>'
    "<applicationVisibilities><application>Coconut</application><visible>true</visible></applicationVisibilities>"
    "<classAccesses><apexClass>CoconutApi</apexClass><enabled>true</enabled></classAccesses>"
    "<customMetadataTypeAccesses><enabled>true</enabled><name>Coconut_Setting__mdt</name></customMetadataTypeAccesses>"
    "<customPermissions><enabled>true</enabled><name>Coconut_Admin</name></customPermissions>"
    "<customSettingAccesses><enabled>true</enabled><name>Coconut_Options__c</name></customSettingAccesses>"
    "<description>All there is</description>"
    "<externalDataSourceAccesses><enabled>true</enabled><externalDataSource>Coconut_Archive</externalDataSource></externalDataSourceAccesses>"
    "<fieldPermissions><editable>true</editable><field>Lead.Rating</field><readable>true</readable></fieldPermissions>"
    "<flowAccesses><enabled>true</enabled><flow>Coconut_Onboarding</flow></flowAccesses>"
    "<hasActivationRequired>false</hasActivationRequired><label>Whole</label>"
    "<objectPermissions><allowCreate>true</allowCreate><allowDelete>false</allowDelete><allowEdit>true</allowEdit>"
    "<allowRead>true</allowRead><modifyAllRecords>false</modifyAllRecords><object>Lead</object>"
    "<viewAllFields>true</viewAllFields><viewAllRecords>false</viewAllRecords></objectPermissions>"
    "<pageAccesses><apexPage>CoconutSetup</apexPage><enabled>true</enabled></pageAccesses>"
    "<tabSettings><tab>standard-Lead</tab><visibility>Visible</visibility></tabSettings>"
    "<userPermissions><enabled>true</enabled><name>ApiEnabled</name></userPermissions></metadata>"
)
WHOLE_PROFILE = (
    '<metadata xsi:type="Profile"><fullName>Python Robots</fullName>'
    "<applicationVisibilities><application>Coconut</application><default>true</default><visible>true</visible></applicationVisibilities>"
    "<description>All there is</description>"
    "<loginHours><mondayEnd>1020</mondayEnd><mondayStart>480</mondayStart></loginHours>"
    "<loginIpRanges><description>Office</description><endAddress>10.0.0.9</endAddress><startAddress>10.0.0.1</startAddress></loginIpRanges>"
    "<tabVisibilities><tab>standard-Lead</tab><visibility>DefaultOn</visibility></tabVisibilities>"
    "<userPermissions><enabled>true</enabled><name>ApiEnabled</name></userPermissions></metadata>"
)
GROUP = (
    '<metadata xsi:type="PermissionSetGroup"><fullName>Everything</fullName><description>A group</description>'
    "<hasActivationRequired>false</hasActivationRequired><label>Everything</label>"
    "<mutingPermissionSets>Mute</mutingPermissionSets><permissionSets>Whole</permissionSets></metadata>"
)
MUTING = (
    '<metadata xsi:type="MutingPermissionSet"><fullName>Mute</fullName><label>Mute</label>'
    "<userPermissions><enabled>true</enabled><name>ApiEnabled</name></userPermissions></metadata>"
)


def crud_fits():
    call(f"<createMetadata>{WHOLE_SET}</createMetadata>")
    call(f"<createMetadata>{WHOLE_SET}</createMetadata>")  # refused, with errors
    call(f"<upsertMetadata>{MUTING}</upsertMetadata>")
    call(f"<upsertMetadata>{GROUP}</upsertMetadata>")
    call(f"<updateMetadata>{WHOLE_PROFILE}</updateMetadata>")
    for kind, names in {
        "PermissionSet": ["Whole", "coconut__Coconut_Integration_Config"],
        "Profile": ["Admin", "Python Robots", "Minimum Access - API Only Integrations"],
        "PermissionSetGroup": ["Everything"],
        "MutingPermissionSet": ["Mute"],
    }.items():
        wanted = "".join(f"<fullNames>{name}</fullNames>" for name in names)
        read = call(f"<readMetadata><type>{kind}</type>{wanted}</readMetadata>")
        records = read.findall(f".//{{{METADATA}}}records")
        assert [record.findtext(f"{{{METADATA}}}fullName") for record in records] == names
        call(f"<listMetadata><queries><type>{kind}</type></queries><asOfVersion>63.0</asOfVersion></listMetadata>")
    # What is not there comes as nil, as from a real org, though the schema does not say so.
    call("<describeMetadata><asOfVersion>63.0</asOfVersion></describeMetadata>")
    call("<renameMetadata><type>PermissionSet</type><oldFullName>Whole</oldFullName><newFullName>Whole2</newFullName></renameMetadata>")
    call("<deleteMetadata><type>PermissionSetGroup</type><fullNames>Everything</fullNames><fullNames>None</fullNames></deleteMetadata>")


def files_fit():
    good = permission_set("Good")
    bad = permission_set("Bad", "<userPermissions><enabled>true</enabled><name>None</name></userPermissions>")
    for label, contents in {"good": good, "bad": bad}.items():
        content = base64.b64encode(
            zip_of({"PermissionSet": ["Deployed"]}, {"permissionsets/Deployed.permissionset": contents})
        ).decode()
        options = "".join(
            f"<{name}>{value}</{name}>"
            for name, value in {
                "allowMissingFiles": "false", "autoUpdatePackage": "false", "checkOnly": "false", "ignoreWarnings": "false",
                "performRetrieve": "false", "purgeOnDelete": "false", "rollbackOnError": "true", "singlePackage": "true",
            }.items()
        )
        sent = call(f"<deploy><ZipFile>{content}</ZipFile><DeployOptions>{options}</DeployOptions></deploy>")
        deploy_id = text(sent, "id")
        for details in ("true", "false"):
            told = call(
                f"<checkDeployStatus><asyncProcessId>{deploy_id}</asyncProcessId>"
                f"<includeDetails>{details}</includeDetails></checkDeployStatus>"
            )
        assert text(told, "status") == ("Succeeded" if label == "good" else "Failed")
    sent = call(
        "<retrieve><retrieveRequest><apiVersion>63.0</apiVersion><singlePackage>true</singlePackage><unpackaged>"
        "<types><members>*</members><name>Profile</name></types><types><members>None</members><name>PermissionSet</name></types>"
        "<version>63.0</version></unpackaged></retrieveRequest></retrieve>"
    )
    for zipped in ("false", "true"):
        told = call(
            f"<checkRetrieveStatus><asyncProcessId>{text(sent, 'id')}</asyncProcessId>"
            f"<includeZip>{zipped}</includeZip></checkRetrieveStatus>"
        )
    with zipfile.ZipFile(io.BytesIO(base64.b64decode(text(told, "zipFile")))) as archive:
        names = archive.namelist()
        assert "unpackaged/profiles/Admin.profile" in names, names
        # A file, too, fits the schema of its type.
        for name in [name for name in names if name.endswith(".profile")]:
            record = etree.fromstring(archive.read(name))
            record.tag = f"{{{METADATA}}}records"
            record.set(f"{{{XSI}}}type", "Profile")
            answer = etree.Element(f"{{{METADATA}}}readMetadataResponse", nsmap={None: METADATA, "xsi": XSI})
            etree.SubElement(answer, f"{{{METADATA}}}result").append(record)
            SCHEMA.assertValid(etree.ElementTree(etree.fromstring(etree.tostring(answer))))


def faults():
    content = call("<describeValueType><type>Profile</type></describeValueType>", status=500)
    assert content.tag == f"{{{ENVELOPE}}}Fault" and content.findtext("faultcode") == "sf:UNKNOWN_EXCEPTION"
    stranger = Salesforce(instance_url=URL, session_id="00D000000000001!AQno", version="65.0")
    refused(lambda: stranger.query("SELECT Id FROM User"), "INVALID_SESSION_ID")


step("a query of all pages, describes, limits, and a refusal", reads)
step("a user with a profile, a license and a password, deactivated", writes)
step("create, read, update, upsert, rename, delete, list and describe by zeep", crud_by_zeep)
step("a zip is deployed and its status read", deploys)
step("every CRUD answer fits the WSDL", crud_fits)
step("every deploy and retrieve answer, and each file, fits the WSDL", files_fit)
step("faults have the shape and the codes of the platform", faults)
sys.exit(1 if failures else 0)
