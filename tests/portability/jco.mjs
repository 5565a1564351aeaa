// Maps and reconciles the fixture in Node, with the component as jco transpiled it.
// usage: node jco.mjs TRANSPILED-FOLDER FIXTURE-FOLDER
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

const [, , transpiled, fixture] = process.argv;
const read = (name) => readFileSync(join(fixture, name), 'utf8');
const { instantiate } = await import(pathToFileURL(join(transpiled, 'component.js')));

// The pure half calls no import but the log: everything else of a host is a stub that says so.
const refuse = (name) => () => {
  throw new Error(`the pure half called ${name}`);
};
const stub = (name) =>
  new Proxy(
    {},
    {
      get: (_, item) => {
        if (typeof item !== 'string') return undefined;
        if (name.startsWith('userload:directory/log')) return () => {};
        return /^[A-Z]/.test(item) ? class {} : refuse(`${name} ${item}`);
      },
    },
  );
const imports = new Proxy({}, { get: (_, name) => stub(String(name)) });
const core = (file) => WebAssembly.compile(readFileSync(join(transpiled, file)));
const { transform } = await instantiate(core, imports);

// jco's names and WIT's: `was-absent` is `wasAbsent`, a case is `{ tag, val }`, none is undefined.
const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
const camel = (name) => name.replace(/-([a-z])/g, (_, letter) => letter.toUpperCase());
const canonical = (value) => {
  if (Array.isArray(value)) return value.map(canonical);
  if (value === null || typeof value !== 'object') return value;
  if ('tag' in value) return value.val === undefined ? value.tag : { [value.tag]: canonical(value.val) };
  const entries = Object.entries(value).filter(([, it]) => it !== undefined);
  return Object.fromEntries(entries.map(([name, it]) => [kebab(name), canonical(it)]));
};
const CASES = ['tie', 'evidence'];
const own = (value) => {
  if (Array.isArray(value)) return value.map(own);
  if (value === null || typeof value !== 'object') return value;
  const entries = Object.entries(value).map(([name, it]) => {
    if (!CASES.includes(name)) return [camel(name), own(it)];
    if (typeof it === 'string') return [name, { tag: it }];
    const [[tag, val]] = Object.entries(it);
    return [name, { tag, val }];
  });
  return Object.fromEntries(entries);
};
const call = (work) => {
  try {
    return { ok: work() };
  } catch (error) {
    if (error?.payload === undefined) throw error;
    return { err: error.payload };
  }
};

const mapping = read('mapping.json').trimEnd();
const policy = read('policy.json').trimEnd();
const known = JSON.parse(read('known.json'));
const mapped = read('records.jsonl')
  .trimEnd()
  .split('\n')
  .map((raw) => call(() => transform.mapRecord(mapping, raw)));
const present = mapped
  .filter((it) => it.ok)
  .map(({ ok }) => ({ incoming: ok, known: own(known.present[ok.id] ?? []) }));
const decided = call(() => transform.reconcile(policy, { present, absent: own(known.absent) }));
console.log(JSON.stringify({ mapped: canonical(mapped), decided: canonical(decided) }));
