// jsforce: reads the org from end to end as an auditor would, writes records
// and collections, uses all calls of the Metadata API, and signs in by OAuth.

import { equal, heading, holds, refused, require, step } from './harness.mjs';

const jsforce = require('jsforce');
const JSZip = require('jszip');

/** A zip with a manifest and files. */
function zip(types, files, more = {}) {
  const archive = new JSZip();
  const members = Object.entries(types)
    .map(([name, names]) => `<types>${names.map((one) => `<members>${one}</members>`).join('')}<name>${name}</name></types>`)
    .join('');
  const manifest = (content) =>
    `<?xml version="1.0" encoding="UTF-8"?><Package xmlns="http://soap.sforce.com/2006/04/metadata">${content}<version>66.0</version></Package>`;
  archive.file('package.xml', manifest(members));
  for (const [name, text] of Object.entries(files)) archive.file(name, text);
  for (const [name, content] of Object.entries(more)) archive.file(name, manifest(content));
  return archive.generateAsync({ type: 'nodebuffer', compression: 'DEFLATE' });
}

const set = (label, more = '') =>
  `<?xml version="1.0" encoding="UTF-8"?>\r\n<PermissionSet xmlns="http://soap.sforce.com/2006/04/metadata">\r\n  <label>${label}</label>\r\n${more}</PermissionSet>\r\n`;

export async function jsforceChecks(org, again) {
  const connect = (more = {}) =>
    new jsforce.Connection({ instanceUrl: org.instance_url, accessToken: org.access_token, version: '66.0', ...more });
  const conn = connect();
  conn.metadata.pollInterval = 20;

  heading('jsforce: reading');
  await step('a query of more than one page is read to its end', async () => {
    const rows = await conn.query('SELECT Id FROM User', { autoFetch: true, maxFetch: 10_000 });
    equal([rows.records.length, rows.totalSize, rows.done], [2501, 2501, true], 'users');
  });
  await step('every object can be described, and queried with all its fields', async () => {
    const { sobjects } = await conn.describeGlobal();
    holds(sobjects.length >= 33, `${sobjects.length} objects`);
    for (const { name, label, urls } of sobjects) {
      const described = await conn.sobject(name).describe();
      equal([described.name, described.label, described.urls], [name, label, urls], name);
      const fields = described.fields.map((field) => field.name);
      holds(fields.includes('Id'), `${name} has no Id`);
      // Shorter than the longest address, which the fields of a set are not.
      for (let from = 0; from < fields.length; from += 100) {
        const some = fields.slice(from, from + 100);
        await conn.query(`SELECT ${some.join(', ')} FROM ${name} LIMIT 3`);
      }
    }
  });
  await step('who may do what is told to an auditor', async () => {
    const one = async (text) => (await conn.query(text)).records;
    const owned = await one("SELECT Id, Profile.Name, (SELECT Assignee.Username FROM Assignments) FROM PermissionSet WHERE IsOwnedByProfile = true AND Profile.Name = 'System Administrator'");
    equal(owned[0].Assignments.records.map((row) => row.Assignee.Username), ['admin@local.orgform.example'], 'holders');
    const open = await one(`SELECT Id, SobjectType, PermissionsModifyAllRecords FROM ObjectPermissions WHERE ParentId = '${owned[0].Id}'`);
    holds(open.length >= 3, 'Modify All Data shows no object');
    holds(open.every((row) => row.Id.startsWith('000') && row.PermissionsModifyAllRecords), JSON.stringify(open));
    await refused(() => conn.sobject('ObjectPermissions').update({ Id: open[0].Id, PermissionsRead: true }), 'MALFORMED_ID');
    const apps = await one("SELECT SetupEntityId, SetupEntityType, Parent.Profile.Name FROM SetupEntityAccess WHERE SetupEntityType = 'ConnectedApplication'");
    const [app] = await one("SELECT Id, Name FROM ConnectedApplication WHERE Name = 'orgform'");
    holds(apps.some((row) => row.SetupEntityId === app.Id), 'no profile is approved for the app');
  });
  await step('limits are counted in each answer', async () => {
    await conn.request('/services/data/v66.0/limits');
    const { used, limit } = conn.limitInfo.apiUsage;
    holds(used > 0 && limit === 100_000, `${used}/${limit}`);
  });
  await step('the identity of a token is told', async () => {
    const identity = await conn.identity();
    equal([identity.organization_id, identity.username], [org.org_id, 'admin@local.orgform.example'], 'who');
  });
  await step('a query that is none is refused with its place', async () => {
    await refused(() => conn.query("SELECT Id FROM User WHERE Name = 'x"), 'MALFORMED_QUERY');
    await refused(() => conn.query('SELECT Id FROM Nothing'), 'INVALID_TYPE');
    await refused(() => conn.query('SELECT Id, Nothing FROM User'), 'ERROR at Row:1:Column:12');
  });

  heading('jsforce: records');
  const ids = {};
  await step('a set is made, changed, read and deleted', async () => {
    const made = await conn.sobject('PermissionSet').create({ Name: 'By_Jsforce', Label: 'By jsforce' });
    ids.set = made.id;
    await conn.sobject('PermissionSet').update({ Id: made.id, Label: 'Changed' });
    equal((await conn.sobject('PermissionSet').retrieve(made.id)).Label, 'Changed', 'the label');
    const other = await conn.sobject('PermissionSet').create({ Name: 'Gone', Label: 'Gone' });
    await conn.sobject('PermissionSet').destroy(other.id);
    await refused(() => conn.sobject('PermissionSet').destroy(other.id), 'ENTITY_IS_DELETED');
  });
  await step('several records are read at once, and one that is not there is null', async () => {
    const read = await conn.sobject('PermissionSet').retrieve([ids.set, '0PS000000000zzzAAA']);
    equal(read.map((one) => one?.Name ?? null), ['By_Jsforce', null], 'names');
  });
  await step('a collection of assignments, with one that is refused', async () => {
    const users = (await conn.query("SELECT Id FROM User WHERE Username LIKE 'user1_@%'")).records;
    const rows = [...users, users[0]].map((user) => ({ AssigneeId: user.Id, PermissionSetId: ids.set }));
    const made = await conn.sobject('PermissionSetAssignment').create(rows, { allowRecursive: true });
    equal(made.map((one) => one.success), [...users.map(() => true), false], 'results');
    equal(made.at(-1).errors[0].statusCode ?? made.at(-1).errors[0].errorCode, 'DUPLICATE_VALUE', 'the code');
  });
  await step('all or none leaves none', async () => {
    const [user] = (await conn.query("SELECT Id FROM User WHERE Username = 'user20@local.orgform.example'")).records;
    const row = { AssigneeId: user.Id, PermissionSetId: ids.set };
    const made = await conn.sobject('PermissionSetAssignment').create([row, row], { allOrNone: true });
    equal(made.map((one) => one.success), [false, false], 'results');
    const held = await conn.query(`SELECT Id FROM PermissionSetAssignment WHERE AssigneeId = '${user.Id}' AND PermissionSetId = '${ids.set}'`);
    equal(held.totalSize, 0, 'assignments');
  });
  await step('a class is opened to a set by a row, and its document says so', async () => {
    const [entity] = (await conn.query("SELECT Id FROM ApexClass WHERE Name = 'CoconutApi'")).records;
    const made = await conn.sobject('SetupEntityAccess').create({ ParentId: ids.set, SetupEntityId: entity.Id });
    const document = await conn.metadata.read('PermissionSet', 'By_Jsforce');
    equal(document.classAccesses[0], { apexClass: 'CoconutApi', enabled: true }, 'access');
    await conn.sobject('SetupEntityAccess').destroy(made.id);
    equal((await conn.metadata.read('PermissionSet', 'By_Jsforce')).classAccesses, [], 'access');
  });

  heading('jsforce: metadata');
  await step('create, read, update, upsert, list, describe, rename and delete', async () => {
    const made = await conn.metadata.create('PermissionSet', { fullName: 'Meta', label: 'Meta', userPermissions: [{ enabled: true, name: 'ApiEnabled' }] });
    equal([made.success, made.fullName], [true, 'Meta'], 'create');
    const twice = await conn.metadata.create('PermissionSet', { fullName: 'Meta', label: 'Meta' });
    equal(twice.errors[0]?.statusCode ?? twice.errors.statusCode, 'DUPLICATE_DEVELOPER_NAME', 'create again');
    const read = await conn.metadata.read('PermissionSet', ['Meta', 'Not_There']);
    equal(read[0].userPermissions, [{ enabled: true, name: 'ApiEnabled' }], 'read');
    // Whole replacement: what is not said is no longer granted.
    await conn.metadata.update('PermissionSet', { fullName: 'Meta', label: 'Other' });
    equal((await conn.metadata.read('PermissionSet', 'Meta')).userPermissions, [], 'update');
    const put = await conn.metadata.upsert('PermissionSet', [{ fullName: 'Meta', label: 'M' }, { fullName: 'Meta2', label: 'M2' }]);
    equal(put.map((one) => one.created), [false, true], 'upsert');
    const listed = await conn.metadata.list([{ type: 'PermissionSet' }, { type: 'Profile' }]);
    holds(listed.some((one) => one.fullName === 'Meta2' && one.fileName === 'unpackaged/permissionsets/Meta2.permissionset'), 'list');
    holds(listed.some((one) => one.type === 'Profile' && one.fullName === 'Admin'), 'list of profiles');
    const { metadataObjects } = await conn.metadata.describe('66.0');
    holds(metadataObjects.some((one) => one.xmlName === 'Profile' && one.directoryName === 'profiles'), 'describe');
    equal((await conn.metadata.rename('PermissionSet', 'Meta2', 'Meta3')).success, true, 'rename');
    const gone = await conn.metadata.delete('PermissionSet', ['Meta', 'Meta3']);
    equal(gone.map((one) => one.success), [true, true], 'delete');
  });
  await step('a profile is overlaid: what is not said stays', async () => {
    const [license] = (await conn.query("SELECT Id FROM UserLicense WHERE Name = 'Salesforce Platform'")).records;
    await conn.sobject('Profile').create({ Name: 'Overlaid / here', UserLicenseId: license.Id });
    const fullName = 'Overlaid %2F here';
    await conn.metadata.update('Profile', { fullName, userPermissions: [{ enabled: true, name: 'ApiEnabled' }] });
    await conn.metadata.update('Profile', { fullName, description: 'Kept' });
    const profile = await conn.metadata.read('Profile', fullName);
    equal(profile.userPermissions, [{ enabled: true, name: 'ApiEnabled' }], 'permissions');
    await conn.metadata.update('Profile', { fullName, userPermissions: [{ enabled: false, name: 'ApiEnabled' }] });
    equal((await conn.metadata.read('Profile', fullName)).userPermissions, [], 'permissions');
  });
  const deploy = async (content, options = {}) =>
    conn.metadata.deploy(await content, { singlePackage: true, rollbackOnError: true, ...options }).complete(true);
  await step('a zip is deployed, and retrieved again', async () => {
    const files = { 'permissionsets/Zipped.permissionset': set('Zipped') };
    const result = await deploy(zip({ PermissionSet: ['Zipped'] }, files));
    equal([result.success, result.numberComponentsDeployed], [true, 1], 'deploy');
    const retrieved = await conn.metadata
      .retrieve({ apiVersion: '66.0', singlePackage: true, unpackaged: { types: [{ members: ['*'], name: 'PermissionSet' }], version: '66.0' } })
      .complete();
    const archive = await JSZip.loadAsync(retrieved.zipFile, { base64: true });
    const text = await archive.file('unpackaged/permissionsets/Zipped.permissionset').async('string');
    holds(text.includes('<label>Zipped</label>'), text);
  });
  await step('by REST the same, with the options before the zip and as texts', async () => {
    const content = await zip({ PermissionSet: ['Zipped'] }, { 'permissionsets/Zipped.permissionset': set('Again') });
    const form = new FormData();
    form.append('json', new Blob([JSON.stringify({ deployOptions: { singlePackage: 'true', rollbackOnError: 'true', checkOnly: 'false' } })], { type: 'application/json' }));
    form.append('file', new Blob([content], { type: 'application/zip' }), 'deploy.zip');
    const headers = { authorization: `Bearer ${org.access_token}` };
    const url = `${org.instance_url}/services/data/v66.0/metadata/deployRequest`;
    const sent = await fetch(url, { method: 'POST', headers, body: form });
    const { id, deployResult } = await sent.json();
    equal([sent.status, deployResult.done], [201, false], 'sent');
    const done = await (await fetch(`${url}/${id}?includeDetails=true`, { headers })).json();
    equal([done.deployResult.status, done.deployResult.details.componentSuccesses[0].changed], ['Succeeded', true], 'done');
  });
  await step('what is wrong with a package is told of each component, and rolled back or kept', async () => {
    const files = {
      'permissionsets/Good.permissionset': set('Good'),
      'permissionsets/Bad.permissionset': set('Bad', '<userPermissions><enabled>true</enabled><name>ViewSetup</name></userPermissions>'),
      'permissionsets/Torn.permissionset': '<PermissionSet><label>',
      'permissionsets/Extra.permissionset': set('Extra'),
    };
    const types = { PermissionSet: ['Good', 'Bad', 'Torn', 'Missing'], CustomObject: ['Account'] };
    const problems = (result) =>
      Object.fromEntries([result.details.componentFailures].flat().map((one) => [one.fullName, one.problem]));
    const failed = await deploy(zip(types, files));
    equal(failed.status, 'Failed', 'status');
    const told = problems(failed);
    equal(told.Bad, 'Permission ViewSetup depends on permission(s): ViewRoles', 'a prerequisite');
    equal(told.Extra, 'Not in package.xml', 'a file too many');
    equal(told.Missing, "An object 'Missing' of type PermissionSet was named in package.xml, but was not found in zipped directory", 'a file too few');
    holds(told.Torn.startsWith('Error parsing file: '), told.Torn);
    equal((await conn.query("SELECT Id FROM PermissionSet WHERE Name = 'Good'")).totalSize, 0, 'sets');
    const partial = await deploy(zip(types, files), { rollbackOnError: false });
    equal(partial.status, 'SucceededPartial', 'status');
    equal((await conn.query("SELECT Id FROM PermissionSet WHERE Name = 'Good'")).totalSize, 1, 'sets');
  });
  await step('destructive changes delete, and what is assigned stays', async () => {
    const change = (name) => ({ 'destructiveChanges.xml': `<types><members>${name}</members><name>PermissionSet</name></types>` });
    equal((await deploy(zip({}, {}, change('Good')))).status, 'Succeeded', 'deleted');
    equal((await deploy(zip({}, {}, change('By_Jsforce')))).status, 'Failed', 'assigned');
  });
  await step('no zip, an empty zip and a broken one are answered', async () => {
    for (const content of [Buffer.from('nothing'), await new JSZip().generateAsync({ type: 'nodebuffer' })]) {
      equal((await deploy(content)).success, false, 'success');
    }
  });

  heading('jsforce: signing in');
  await step('client credentials sign in, and a wrong secret does not', async () => {
    const oauth2 = { loginUrl: org.instance_url, clientId: org.consumer_key, clientSecret: org.consumer_secret };
    const signed = new jsforce.Connection({ instanceUrl: org.instance_url, oauth2, version: '66.0' });
    await signed.authorize({ grant_type: 'client_credentials' });
    equal((await signed.identity()).username, 'admin@local.orgform.example', 'who');
    const wrong = new jsforce.Connection({ instanceUrl: org.instance_url, oauth2: { ...oauth2, clientSecret: 'x' } });
    await refused(() => wrong.authorize({ grant_type: 'client_credentials' }), 'invalid client credentials');
  });
  await step('a refresh token renews a session, and is good for one use', async () => {
    const oauth2 = new jsforce.OAuth2({ loginUrl: org.instance_url, clientId: org.consumer_key, clientSecret: org.consumer_secret });
    const stale = connect({ oauth2, accessToken: `${org.org_id.slice(0, 15)}!AQstale`, refreshToken: org.refresh_token });
    let renewed = 0;
    stale.on('refresh', () => { renewed += 1; });
    equal([(await stale.query('SELECT Id FROM Organization')).totalSize, renewed], [1, 1], 'renewed');
    await refused(() => oauth2.refreshToken(org.refresh_token), 'expired access/refresh token');
  });
  await step('login() by SOAP is off, as in a new org', async () => {
    const old = new jsforce.Connection({ loginUrl: org.instance_url, version: '60.0' });
    await refused(() => old.login('admin@local.orgform.example', 'secret'), 'SOAP API login() is disabled by default in this org.');
  });
  await step('a revoked token is refused', async () => {
    const oauth2 = { loginUrl: org.instance_url, clientId: org.consumer_key, clientSecret: org.consumer_secret };
    const signed = new jsforce.Connection({ instanceUrl: org.instance_url, oauth2, version: '66.0' });
    await signed.authorize({ grant_type: 'client_credentials' });
    const token = signed.accessToken;
    await signed.logout();
    const stale = connect({ accessToken: token });
    await refused(() => stale.query('SELECT Id FROM User'), 'Session expired or invalid');
  });

  heading('jsforce: what was acknowledged is kept');
  await step('through a kill in the middle of writes', async () => {
    const made = [];
    const writing = (async () => {
      for (let number = 0; number < 5000; number += 1) {
        const one = await conn.sobject('PermissionSet').create({ Name: `Kept_${number}`, Label: 'Kept' });
        made.push(one.id);
      }
    })().catch(() => {});
    await new Promise((done) => setTimeout(done, 700));
    await org.kill();
    await writing;
    holds(made.length > 5, `only ${made.length} were made in time`);
    const next = await again();
    const later = connect({ instanceUrl: next.instance_url });
    const { records } = await later.query("SELECT Id FROM PermissionSet WHERE Name LIKE 'Kept%'", { autoFetch: true, maxFetch: 10_000 });
    const there = new Set(records.map((row) => row.Id));
    equal(made.filter((id) => !there.has(id)), [], 'lost');
    equal(next.org_id, org.org_id, 'the org');
    await next.stop();
  });
}
