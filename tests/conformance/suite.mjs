// All checks, client by client, with how many calls each made.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import * as cli from './sf.mjs';
import { CLIENTS, HERE, WORK, finish, heading, run, serve, step } from './harness.mjs';
import { jsforceChecks } from './jsforce.mjs';
import { markdownChecks } from './markdown.mjs';

const python = join(CLIENTS, 'python/bin/python');
run(python, [join(HERE, 'certificate.py')]);
const certificate = join(WORK, 'app.crt');
const key = join(WORK, 'app.key');
const calls = [];
const version = (name) =>
  JSON.parse(readFileSync(join(CLIENTS, 'node_modules', name, 'package.json'), 'utf8')).version;

const org = await serve('cli', ['--app-certificate', certificate, '--seed-org', 'sandbox=true,trial_ends=2099-01-01']);
await cli.signIn(org, key);
await cli.records(org);
await cli.files();
await cli.assign(org);
await cli.both(org);
calls.push([`Salesforce CLI ${version('@salesforce/cli')}, with orgform`, org.calls()]);
await org.stop();

const reviewed = await serve('reviewed');
await markdownChecks(reviewed);
await reviewed.stop();

const short = await serve('short', ['--app-certificate', certificate, '--seed-org', 'session_seconds=2',
  '--tls-listen', '127.0.0.1:0']);
await cli.sessions(short, key);
await cli.quickly(short);
calls.push([`Salesforce CLI ${version('@salesforce/cli')}, short sessions`, short.calls()]);
await short.stop();

const large = await serve('jsforce', ['--seed-org', 'users=2500', '--data', 'jsforce']);
await jsforceChecks(large, () => serve('jsforce-again', ['--data', 'jsforce']));
calls.push([`jsforce ${version('jsforce')}`, large.calls()]);
await large.stop();

heading('simple-salesforce');
const secure = await serve('simple', ['--tls-listen', '127.0.0.1:0', '--seed-org', 'users=2500']);
await step('reads, writes, deploys, and every SOAP answer fits Salesforce\'s own schema', () => {
  const text = run(python, [join(HERE, 'simple.py')], {
    env: {
      REQUESTS_CA_BUNDLE: secure.tls_certificate,
      INSTANCE_URL: secure.tls_instance_url,
      TOKEN: secure.access_token,
    },
  });
  process.stdout.write(text.replace(/^/gm, '        '));
});
calls.push(['simple-salesforce', secure.calls()]);
await secure.stop();

heading('calls made');
for (const [client, count] of calls) console.log(`  ${String(count).padStart(5)}  ${client}`);
finish();
