// What the checks share: an org that is served, the clients as commands, and
// steps that say what would be broken.

import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export const { ORGFORM, CLIENTS, WORK, HERE } = process.env;
export const require = createRequire(join(CLIENTS, 'package.json'));
const NODE = process.execPath;

/** Runs a program to its end; throws with all that it printed where it fails. */
export function run(program, args, { env = {}, cwd = WORK, code = 0 } = {}) {
  const ran = spawnSync(program, args, {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
    timeout: 180_000,
  });
  if (ran.status !== code) {
    throw new Error(`${program} ${args.join(' ')}\nexit ${ran.status}\n${ran.stdout}\n${ran.stderr}`);
  }
  return ran.stdout;
}

/** Serves an org; what comes back is its line, with `stop` and the calls so far. */
export async function serve(name, args = []) {
  const log = join(WORK, `${name}.log`);
  const child = spawn(
    ORGFORM,
    ['org', 'serve', '--listen', '127.0.0.1:0', '--request-log', log, ...args],
    { cwd: WORK, stdio: ['ignore', 'pipe', 'ignore'] },
  );
  const ready = await new Promise((done, failed) => {
    let text = '';
    child.stdout.on('data', (data) => {
      text += data;
      if (text.includes('\n')) done(JSON.parse(text.split('\n')[0]));
    });
    child.on('exit', () => failed(new Error(`the org ${name} did not start`)));
  });
  const ended = new Promise((done) => child.on('exit', done));
  const end = async (signal) => {
    child.kill(signal);
    await ended;
  };
  return {
    ...ready,
    calls: () => readFileSync(log, 'utf8').split('\n').length - 1,
    log: () => readFileSync(log, 'utf8'),
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
  };
}

const home = join(WORK, 'home');
mkdirSync(home, { recursive: true });

/** Runs the Salesforce CLI and reads its JSON; `code` is the exit code that is meant. */
export function sf(args, { env = {}, cwd = WORK, code = 0 } = {}) {
  const text = run(NODE, [join(CLIENTS, 'node_modules/@salesforce/cli/bin/run.js'), ...args, '--json'], {
    cwd,
    code,
    env: {
      HOME: home,
      SF_DISABLE_TELEMETRY: 'true',
      SF_AUTOUPDATE_DISABLE: 'true',
      SF_SKIP_NEW_VERSION_CHECK: 'true',
      ...env,
    },
  });
  return JSON.parse(text);
}

/** Runs orgform against an org. */
export function orgform(org, args, options = {}) {
  return run(ORGFORM, [...args, '--state-dir', join(WORK, `state-${org.org_id}`)], {
    ...options,
    env: { SF_INSTANCE_URL: org.instance_url, SF_ACCESS_TOKEN: org.access_token },
  });
}

/** Writes a file below the work folder. */
export function file(path, text) {
  const whole = join(WORK, path);
  mkdirSync(dirname(whole), { recursive: true });
  writeFileSync(whole, text);
  return whole;
}

export function equal(is, wanted, what) {
  const [left, right] = [JSON.stringify(is), JSON.stringify(wanted)];
  if (left !== right) throw new Error(`${what}: ${left} instead of ${right}`);
}

export function holds(is, what) {
  if (!is) throw new Error(what);
}

/** Holds that something is refused in words that include a text. */
export async function refused(action, text) {
  try {
    await action();
  } catch (error) {
    if (`${error.errorCode ?? ''} ${error.message}`.includes(text)) return;
    throw error;
  }
  throw new Error(`was not refused with: ${text}`);
}

const failures = [];
let count = 0;

/** Does one step; the others go on when it fails. */
export async function step(name, action) {
  count += 1;
  try {
    await action();
    console.log(`  ok    ${name}`);
  } catch (error) {
    failures.push(name);
    console.log(`  FAIL  ${name}\n${String(error.stack ?? error).replace(/^/gm, '        ')}`);
  }
}

export function heading(text) {
  console.log(`\n== ${text}`);
}

/** Ends the run. */
export function finish() {
  if (failures.length > 0) {
    console.log(`\n${failures.length} of ${count} steps failed:\n  ${failures.join('\n  ')}`);
    process.exit(1);
  }
  console.log(`\nAll ${count} steps hold.`);
}
