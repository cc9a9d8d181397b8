// The Salesforce CLI: signs in by token and by JWT, queries, makes records,
// assigns, deploys and retrieves; and what it made, orgform takes over, as the
// CLI takes over what orgform made.

import { copyFileSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import { WORK, HERE, equal, file, heading, holds, orgform, refused, sf, step } from './harness.mjs';

const ADMIN = 'admin@local.orgform.example';
const SET = `<?xml version="1.0" encoding="UTF-8"?>
<PermissionSet xmlns="http://soap.sforce.com/2006/04/metadata">
    <classAccesses>
        <apexClass>CoconutApi</apexClass>
        <enabled>true</enabled>
    </classAccesses>
    <description>Made by the CLI &amp; kept</description>
    <fieldPermissions>
        <editable>true</editable>
        <field>Lead.Rating</field>
        <readable>true</readable>
    </fieldPermissions>
    <hasActivationRequired>false</hasActivationRequired>
    <label>Made by the CLI</label>
    <objectPermissions>
        <allowCreate>true</allowCreate>
        <allowDelete>false</allowDelete>
        <allowEdit>true</allowEdit>
        <allowRead>true</allowRead>
        <modifyAllRecords>false</modifyAllRecords>
        <object>Lead</object>
        <viewAllFields>true</viewAllFields>
        <viewAllRecords>false</viewAllRecords>
    </objectPermissions>
    <userPermissions>
        <enabled>true</enabled>
        <name>ApiEnabled</name>
    </userPermissions>
</PermissionSet>
`;
const PROFILE = `<?xml version="1.0" encoding="UTF-8"?>
<Profile xmlns="http://soap.sforce.com/2006/04/metadata">
    <custom>true</custom>
    <userLicense>Salesforce Platform</userLicense>
    <userPermissions>
        <enabled>true</enabled>
        <name>ApiEnabled</name>
    </userPermissions>
</Profile>
`;
const BY_REST = { SF_ORG_METADATA_REST_DEPLOY: 'true' };
const BY_SOAP = { SF_ORG_METADATA_REST_DEPLOY: 'false' };

const at = (project, kind, name, suffix) =>
  `${project}/force-app/main/default/${kind}/${name}.${suffix}-meta.xml`;

function project(name) {
  file(
    `${name}/sfdx-project.json`,
    JSON.stringify({ packageDirectories: [{ path: 'force-app', default: true }], sourceApiVersion: '66.0' }),
  );
  file(`${name}/force-app/main/default/.keep`, '');
  return join(WORK, name);
}

function states(answer) {
  return Object.fromEntries(answer.result.files.map((one) => [one.fullName, one.state]));
}

function deploy(cwd, names, env, more = []) {
  const metadata = names.flatMap((name) => ['--metadata', name]);
  const options = ['-o', ADMIN, '--ignore-conflicts', ...more];
  return sf(['project', 'deploy', 'start', ...metadata, ...options], { cwd, env });
}

function retrieve(cwd, names) {
  const metadata = names.flatMap((name) => ['--metadata', name]);
  return sf(['project', 'retrieve', 'start', ...metadata, '-o', ADMIN, '--ignore-conflicts'], { cwd });
}

const query = (text, more = []) =>
  sf(['data', 'query', '-q', text, '-o', ADMIN, ...more]).result.records;

export async function signIn(org, key) {
  heading('Salesforce CLI: signing in');
  await step('an access token signs in, and the org is what it says', () => {
    const env = { SF_ACCESS_TOKEN: org.access_token };
    const { result } = sf(
      ['org', 'login', 'access-token', '--instance-url', org.instance_url, '--no-prompt'],
      { env },
    );
    equal([result.username, result.orgId, result.isDevHub], [ADMIN, org.org_id, false], 'who');
  });
  await step('the token of another org is refused', () => {
    const env = { SF_ACCESS_TOKEN: '00D000000000001!AQEAQforeign' };
    const args = ['org', 'login', 'access-token', '--instance-url', org.instance_url, '--no-prompt'];
    const answer = sf(args, { env, code: 1 });
    holds(/Bad_OAuth_Token/.test(answer.message), answer.message);
  });
  await step('a JWT for a user who is not there, or of another app, is refused', () => {
    const login = (client, user) =>
      sf(
        ['org', 'login', 'jwt', '--client-id', client, '--jwt-key-file', key, '--username', user,
          '--instance-url', org.instance_url],
        { code: 1 },
      ).message;
    const nobody = login(org.consumer_key, 'nobody@local.orgform.example');
    holds(nobody.includes('authentication failure'), nobody);
    const stranger = login('3MVG9stranger', ADMIN);
    holds(stranger.includes('client identifier invalid'), stranger);
  });
  await step('a JWT that the key of the app has signed signs in', () => {
    const { result } = sf([
      'org', 'login', 'jwt', '--client-id', org.consumer_key, '--jwt-key-file', key,
      '--username', ADMIN, '--instance-url', org.instance_url,
    ]);
    equal([result.username, result.orgId], [ADMIN, org.org_id], 'who');
  });
}

export async function records(org) {
  heading('Salesforce CLI: records and assignments');
  await step('a query shows users, and a wrong one is refused with its place', () => {
    holds(query('SELECT Id, Username FROM User').some((row) => row.Username === ADMIN), 'no admin');
    const args = ['data', 'query', '-q', 'SELECT Id, Nothing FROM User', '-o', ADMIN];
    const answer = sf(args, { code: 1 });
    holds(/No such column 'Nothing'/.test(answer.message), answer.message);
    holds(/Row:1:Column:12/.test(answer.message), answer.message);
  });
  await step('the Tooling API says what a permission needs', () => {
    const rows = query(
      "SELECT Permission, RequiredPermission FROM PermissionDependency WHERE Permission = 'ViewSetup'",
      ['--use-tooling-api'],
    );
    holds(rows.some((row) => row.RequiredPermission === 'ViewRoles'), JSON.stringify(rows));
  });
  await step('records are made: a profile, and a user who has it', () => {
    const [license] = query("SELECT Id FROM UserLicense WHERE Name = 'Salesforce Integration'");
    const make = (object, values) =>
      sf(['data', 'create', 'record', '-s', object, '-v', values, '-o', ADMIN]).result.id;
    const profile = make('Profile', `Name='CLI Robots' UserLicenseId=${license.Id}`);
    make(
      'User',
      `Username=robot@cli.example LastName=Robot Email=robot@cli.example Alias=robot ProfileId=${profile} TimeZoneSidKey=Europe/Berlin LocaleSidKey=en_US EmailEncodingKey=UTF-8 LanguageLocaleKey=en_US`,
    );
  });
  await step('a user with a name that is taken is refused in the words of the platform', () => {
    const [profile] = query("SELECT Id FROM Profile WHERE Name = 'CLI Robots'");
    const answer = sf(
      ['data', 'create', 'record', '-s', 'User', '-o', ADMIN, '-v',
        `Username=robot@cli.example LastName=Robot Email=robot@cli.example Alias=robot ProfileId=${profile.Id} TimeZoneSidKey=Europe/Berlin LocaleSidKey=en_US EmailEncodingKey=UTF-8 LanguageLocaleKey=en_US`],
      { code: 1 },
    );
    holds(/Duplicate Username/.test(answer.message), answer.message);
  });
}

export async function files() {
  heading('Salesforce CLI: deploying and retrieving');
  const cwd = project('made');
  file(at('made', 'permissionsets', 'Made_By_Cli', 'permissionset'), SET);
  file(at('made', 'profiles', 'Made By Cli', 'profile'), PROFILE);
  const set = 'PermissionSet:Made_By_Cli';
  const profile = 'Profile:Made By Cli';

  for (const [transport, env] of [['REST', BY_REST], ['SOAP', BY_SOAP]]) {
    await step(`a dry run by ${transport} tries, and leaves nothing`, () => {
      const { result } = deploy(cwd, [set], env, ['--dry-run']);
      equal([result.checkOnly, result.status], [true, 'Succeeded'], 'the answer');
      equal(query("SELECT Id FROM PermissionSet WHERE Name = 'Made_By_Cli'"), [], 'sets');
    });
  }
  await step('a set and a profile are deployed by REST', () => {
    const made = states(deploy(cwd, [set, profile], BY_REST));
    equal(made, { Made_By_Cli: 'Created', 'Made By Cli': 'Created' }, 'states');
  });
  await step('the same by SOAP changes nothing', () => {
    const made = states(deploy(cwd, [set, profile], BY_SOAP));
    equal(made, { Made_By_Cli: 'Unchanged', 'Made By Cli': 'Unchanged' }, 'states');
  });
  await step('a set is retrieved as it was deployed, byte by byte', () => {
    const again = project('again');
    retrieve(again, [set]);
    const path = join(WORK, at('again', 'permissionsets', 'Made_By_Cli', 'permissionset'));
    equal(readFileSync(path, 'utf8'), SET, 'the file');
  });
  await step('a profile shows what the manifest names, and its permissions', () => {
    const again = project('profile');
    retrieve(again, [profile]);
    const path = join(WORK, at('profile', 'profiles', 'Made By Cli', 'profile'));
    equal(readFileSync(path, 'utf8'), PROFILE, 'the file');
  });
  await step('what the org does not have is named, and nothing of the rest stays', () => {
    file(at('made', 'permissionsets', 'Broken', 'permissionset'), SET.replace('ApiEnabled', 'NoSuchThing'));
    for (const env of [BY_REST, BY_SOAP]) {
      const answer = sf(
        ['project', 'deploy', 'start', '--metadata', 'PermissionSet:Broken', '-o', ADMIN, '--ignore-conflicts'],
        { cwd, env, code: 1 },
      );
      const [failure] = answer.result.details.componentFailures;
      equal(failure.problem, 'Unknown user permission: NoSuchThing', 'the problem');
      equal([failure.fullName, failure.componentType], ['Broken', 'PermissionSet'], 'the component');
    }
  });
  await step('an element that does not belong there is told with its line', () => {
    file(
      at('made', 'permissionsets', 'Broken', 'permissionset'),
      SET.replace('<label>', '<wonder>1</wonder>\n    <label>'),
    );
    const answer = sf(
      ['project', 'deploy', 'start', '--metadata', 'PermissionSet:Broken', '-o', ADMIN, '--ignore-conflicts'],
      { cwd, env: BY_REST, code: 1 },
    );
    const [failure] = answer.result.details.componentFailures;
    equal([failure.lineNumber, failure.columnNumber].map(Number), [14, 5], 'the place');
    holds(/wonder invalid at this location in type PermissionSet/.test(failure.problem), failure.problem);
  });
  await step('View All Fields is no element before version 63', () => {
    project('old');
    file(at('old', 'permissionsets', 'Old', 'permissionset'), SET);
    file('old/sfdx-project.json', JSON.stringify({ packageDirectories: [{ path: 'force-app', default: true }], sourceApiVersion: '62.0' }));
    const answer = sf(
      ['project', 'deploy', 'start', '--metadata', 'PermissionSet:Old', '-o', ADMIN, '--ignore-conflicts'],
      { cwd: join(WORK, 'old'), env: BY_REST, code: 1 },
    );
    const [failure] = answer.result.details.componentFailures;
    holds(/viewAllFields invalid at this location/.test(failure.problem), failure.problem);
    retrieve(join(WORK, 'old'), [set]);
    const path = join(WORK, at('old', 'permissionsets', 'Made_By_Cli', 'permissionset'));
    equal(readFileSync(path, 'utf8'), SET.replace(/ *<viewAllFields>.*\n/, ''), 'the file of version 62');
  });
}

export async function assign(org) {
  heading('Salesforce CLI: giving access');
  await step('a license, then a set', () => {
    sf(['org', 'assign', 'permsetlicense', '--name', 'SalesforceAPIIntegrationPsl', '--on-behalf-of', 'robot@cli.example', '-o', ADMIN]);
    sf(['org', 'assign', 'permset', '--name', 'Made_By_Cli', '--on-behalf-of', 'robot@cli.example', '-o', ADMIN]);
  });
  await step('both again: the license is taken for done, the set is refused as a duplicate', () => {
    sf(['org', 'assign', 'permsetlicense', '--name', 'SalesforceAPIIntegrationPsl', '--on-behalf-of', 'robot@cli.example', '-o', ADMIN]);
    const again = sf(
      ['org', 'assign', 'permset', '--name', 'Made_By_Cli', '--on-behalf-of', 'robot@cli.example', '-o', ADMIN],
      { code: 1 },
    );
    holds(JSON.stringify(again).includes('Duplicate PermissionSetAssignment'), JSON.stringify(again));
  });
  await step('users are listed with their profiles', () => {
    const { result } = sf(['org', 'list', 'users', '-o', ADMIN]);
    equal(result[0].profileName, 'System Administrator', 'the profile');
    equal(sf(['org', 'display', 'user', '-o', ADMIN]).result.orgId, org.org_id, 'the org');
  });
  await step('a scratch org gets a user, with a set and a password', () => {
    const definition = file(
      'user.json',
      JSON.stringify({
        Username: 'tester@cli.example', LastName: 'Tester', Email: 'tester@cli.example', Alias: 'tester',
        profileName: 'Standard User', permsets: ['Made_By_Cli'], generatePassword: true,
      }),
    );
    // Signed in by JWT the CLI would sign the new user in so, whom nobody has approved.
    sf(['org', 'logout', '--target-org', ADMIN, '--no-prompt']);
    sf(['org', 'login', 'access-token', '--instance-url', org.instance_url, '--no-prompt'], {
      env: { SF_ACCESS_TOKEN: org.access_token },
    });
    const { result } = sf(['org', 'create', 'user', '--definition-file', definition, '-o', ADMIN]);
    equal(result.permissionSetAssignments, ['Made_By_Cli'], 'sets');
    const [user] = query("SELECT Alias, Profile.Name, LastPasswordChangeDate FROM User WHERE Username = 'tester@cli.example'");
    equal([user.Alias, user.Profile.Name], ['tester', 'Standard User'], 'the user');
    holds(user.LastPasswordChangeDate, 'no password was set');
  });
}

const MADE = `version: 1
profiles:
  CLI Robots: { clone_from: Minimum Access - API Only Integrations }
permission_sets:
  Made_By_Cli:
    label: Made by the CLI
    description: Made by the CLI & kept
    system_permissions: [ApiEnabled]
    apex_classes: [CoconutApi]
    objects:
      Lead: { access: [read, create, edit, view_all_fields], fields: { Rating: edit } }
users:
  robot@cli.example:
    last_name: Robot
    email: robot@cli.example
    profile: CLI Robots
    permission_set_licenses: [Salesforce API Integration]
    permission_sets: [Made_By_Cli]
`;

export async function both(org) {
  heading('The Salesforce CLI and orgform, each with what the other made');
  await step('orgform takes over what the CLI made, without a write', () => {
    file('made.yaml', MADE);
    const stamps = () => ['User', 'Profile', 'PermissionSet', 'PermissionSetAssignment', 'PermissionSetLicenseAssign']
      .map((object) => query(`SELECT Id, SystemModstamp FROM ${object} ORDER BY Id`).map((row) => [row.Id, row.SystemModstamp]));
    const stampsBefore = stamps();
    const before = org.log();
    const text = orgform(org, ['apply', 'made.yaml', '--auto-approve']);
    holds(/^Apply complete: 5 adopted\.|^Apply complete: .*5 adopted/m.test(text), text);
    // Reads by POST are composite requests of queries and readMetadata.
    const lines = org.log().slice(before.length).split('\n');
    const writes = lines.filter((line) => / (PATCH|DELETE) | POST .*sobjects/.test(line));
    equal(writes, [], 'writes');
    equal(stamps(), stampsBefore, 'what is in the org');
  });
  await step('and has nothing to do then', () => {
    const text = orgform(org, ['plan', 'made.yaml', '--detailed-exitcode']);
    holds(/^No changes\./m.test(text), text);
  });
  await step('the CLI retrieves what orgform made, and deploys it again without a change', () => {
    copyFileSync(join(HERE, '../../examples/integration-user.yaml'), join(WORK, 'integration-user.yaml'));
    orgform(org, ['apply', 'made.yaml', 'integration-user.yaml', '--auto-approve']);
    const cwd = project('orgform');
    const names = ['PermissionSet:Coconut_Integration_API_Access', 'Profile:Coconut Integration'];
    retrieve(cwd, names);
    for (const env of [BY_REST, BY_SOAP]) {
      equal(
        states(deploy(cwd, names, env)),
        { Coconut_Integration_API_Access: 'Unchanged', 'Coconut Integration': 'Unchanged' },
        'states',
      );
    }
    const text = orgform(org, ['plan', 'made.yaml', 'integration-user.yaml', '--detailed-exitcode']);
    holds(/^No changes\./m.test(text), text);
  });
  await step('what the CLI changes, orgform shows and puts right', () => {
    const cwd = project('changed');
    file(at('changed', 'permissionsets', 'Made_By_Cli', 'permissionset'), SET.replace('<allowCreate>true', '<allowCreate>false'));
    equal(states(deploy(cwd, ['PermissionSet:Made_By_Cli'], BY_REST)), { Made_By_Cli: 'Changed' }, 'states');
    const text = orgform(org, ['plan', 'made.yaml', 'integration-user.yaml', '--detailed-exitcode'], { code: 2 });
    holds(/permission_set\.Made_By_Cli/.test(text), text);
    orgform(org, ['apply', 'made.yaml', 'integration-user.yaml', '--auto-approve']);
    retrieve(project('back'), ['PermissionSet:Made_By_Cli']);
    const path = join(WORK, at('back', 'permissionsets', 'Made_By_Cli', 'permissionset'));
    equal(readFileSync(path, 'utf8'), SET, 'the file');
  });
}

export async function quickly(org) {
  heading('Salesforce CLI: signing in by one address, and deploying what was validated');
  const trusting = { NODE_EXTRA_CA_CERTS: org.tls_certificate };
  await step('an sfdx-url signs in by HTTPS, and renews its session', () => {
    // Signed in by JWT before, the CLI would go on with that.
    sf(['org', 'logout', '--target-org', ADMIN, '--no-prompt']);
    const address = file('address.txt', org.sfdx_auth_url);
    const { result } = sf(['org', 'login', 'sfdx-url', '--sfdx-url-file', address], { env: trusting });
    equal([result.username, result.orgId], [ADMIN, org.org_id], 'who');
    for (let time = 0; time < 2; time += 1) {
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 2500);
      const args = ['data', 'query', '-q', 'SELECT Id FROM Organization', '-o', ADMIN];
      equal(sf(args, { env: trusting }).result.totalSize, 1, 'organizations');
    }
  });
  await step('what was validated is deployed by its id', () => {
    const cwd = project('quick');
    file(at('quick', 'permissionsets', 'Quick', 'permissionset'), SET);
    const validated = sf(
      ['project', 'deploy', 'validate', '--metadata', 'PermissionSet:Quick', '-o', ADMIN, '--test-level', 'RunLocalTests'],
      { cwd, env: { ...trusting, ...BY_SOAP } },
    ).result;
    equal([validated.checkOnly, validated.status], [true, 'Succeeded'], 'the validation');
    const args = ['data', 'query', '-q', "SELECT Id FROM PermissionSet WHERE Name = 'Quick'", '-o', ADMIN];
    equal(sf(args, { env: trusting }).result.totalSize, 0, 'sets');
    sf(['project', 'deploy', 'quick', '--job-id', validated.id, '-o', ADMIN], { cwd, env: trusting });
    equal(sf(args, { env: trusting }).result.totalSize, 1, 'sets');
  });
}

export async function sessions(org, key) {
  heading('Salesforce CLI: a session that ends');
  await step('is signed in anew by JWT, unseen', async () => {
    const user = ADMIN;
    sf(['org', 'login', 'jwt', '--client-id', org.consumer_key, '--jwt-key-file', key, '--username', user,
      '--instance-url', org.instance_url]);
    await new Promise((done) => setTimeout(done, 2500));
    const signIns = () => org.log().split('\n').filter((line) => line.includes('/services/oauth2/token')).length;
    const before = signIns();
    holds(query('SELECT Id FROM User').length > 0, 'no users');
    holds(signIns() > before, 'it was not signed in anew');
  });
  await step('is refused where nothing can be signed', async () => {
    await refused(async () => {
      const answer = await fetch(`${org.instance_url}/services/data/v66.0/limits`, {
        headers: { authorization: `Bearer ${org.org_id.slice(0, 15)}!AQnothing` },
      });
      const [{ errorCode, message }] = await answer.json();
      throw Object.assign(new Error(message), { errorCode });
    }, 'INVALID_SESSION_ID Session expired or invalid');
  });
}
