// What a plan says to a code host, drawn by a renderer of GitHub's Markdown: names that
// mean harm become text, and neither markup nor a mention.

import { ORGFORM, equal, file, heading, holds, orgform, require, run, step } from './harness.mjs';

const { micromark } = await import(require.resolve('micromark'));
const { gfm, gfmHtml } = await import(require.resolve('micromark-extension-gfm'));

const PIECES = [
  '`', '``', '```', '````', '<img src=y>', '<script>', '</details>', '</code>', '<!--', '-->', '<a href=x>',
  '@org/team', '\\@org/team', '@me', '#12', 'GH-7', 'a@b.example', 'www.x.example', 'https://x.example',
  '[x](javascript:y)', '![x](y)', '**', '__', '~~', '|', '\\', '&lt;', '&', '$x$', '$`x`$', ':tada:', '- x', '1. x',
  '# x', '> x', '+', '=', '---', '====', '    x', ' ', ' ', ' ', 'word', 'word', '0a1b2c3d4e5f60718293a4b5c6d7e8f901234567',
  '[^1]', '<?x', ']]>', '"', "'", '{{x}}', '${x}', '%',
];

/** The same names each time. */
function names(count) {
  let seed = 20260923;
  const next = (below) => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  const made = new Set();
  while (made.size < count) {
    let name = '';
    for (let piece = next(7) + 1; piece > 0; piece -= 1) name += PIECES[next(PIECES.length)];
    name = name.trim();
    if (name && name.length < 200) made.add(name);
  }
  return [...made];
}

const TAGS = new Set(['h2', 'p', 'ul', 'li', 'code', 'pre', 'strong', 'br', 'blockquote', 'details', 'summary',
  'table', 'thead', 'tbody', 'tr', 'th', 'td']);

/** The tags of an HTML text, with what they hold. */
function tags(html) {
  return [...html.matchAll(/<(\/?)([a-zA-Z!?][a-zA-Z0-9]*)([^>]*)>/g)].map(([, , name, rest]) => [name, rest.trim()]);
}

function check(markdown) {
  const html = micromark(markdown, { allowDangerousHtml: true, extensions: [gfm()], htmlExtensions: [gfmHtml()] });
  for (const [name, rest] of tags(html)) {
    holds(TAGS.has(name), `<${name} ${rest}> in ${html}`);
    holds(rest === '' || rest === 'class="language-diff"', `<${name} ${rest}>`);
  }
  const outside = html.replace(/<pre>.*?<\/pre>/gs, '').replace(/<code>.*?<\/code>/gs, '').replace(/:(warning|x|no_entry):/g, '');
  for (const live of [/@/, /#\d/, /https?:/, /www\./, /:[a-z]+:/, /\$/, /\b(?=[a-f]*\d)[0-9a-f]{7,40}\b/, /GH-\d/i]) {
    holds(!live.test(outside), `${live} outside of code in ${outside}`);
  }
  return html;
}

export async function markdownChecks(org) {
  heading('a plan on a code host');
  const hostile = names(360);
  await step(`${hostile.length} names that mean harm are text in Markdown`, () => {
    let seen = 0;
    for (let first = 0; first < hostile.length; first += 6) {
      const some = hostile.slice(first, first + 6);
      const profiles = some.map((name) => `  ${JSON.stringify(name)}: { clone_from: Standard User, description: ${JSON.stringify(name)} }`);
      const users = some.map((name, n) => `  u${first + n}@x.example: { last_name: ${JSON.stringify(name.slice(0, 80))}, email: u@x.example, profile: ${JSON.stringify(name)}, permission_sets: [S] }`);
      const yaml = `version: 1\npermission_sets:\n  S: { label: ${JSON.stringify(some[0].slice(0, 80))}, system_permissions: [Modify All Data] }\nprofiles:\n${profiles.join('\n')}\nusers:\n${users.join('\n')}\n`;
      file('hostile/access.yaml', yaml);
      const html = check(orgform(org, ['plan', 'hostile/access.yaml', '--markdown']));
      seen += some.filter((name) => name.includes('<img')).length;
      holds(html.includes('Modify All Data'), 'what is risky is told');
    }
    holds(seen > 20, `${seen} images`);
  });
  await step('and in pictures', () => {
    const tagsOf = (text) => [...new Set(tags(text).map(([name]) => name))].filter((name) => name !== '?xml').sort();
    const svg = run(ORGFORM, ['graph', 'hostile/access.yaml', '--format', 'svg']);
    equal(tagsOf(svg).filter((name) => !['circle', 'g', 'marker', 'path', 'rect', 'style', 'svg', 'text', 'title', 'defs'].includes(name)), [], 'tags');
    const mermaid = run(ORGFORM, ['graph', 'hostile/access.yaml', '--format', 'mermaid']);
    equal(tagsOf(mermaid), ['br'], 'tags of Mermaid');
  });
}
