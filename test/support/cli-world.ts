/** A world for commands: files and a store in memory, an installation read from text, what was written kept. */
import { memoryStore } from '../../src/adapters/memory/store.ts';
import { threadPreviewer } from '../../src/adapters/preview/previewer.ts';
import type { CliWorld, Loaded, Rehearse } from '../../src/cli/world.ts';
import { loadInstallation } from '../../src/config/load-installation.ts';
import type { KeyFacts } from '../../src/config/signing-key.ts';
import type { Found } from '../../src/gateway/doctor/examine.ts';
import type { Override } from '../../src/policy/override.ts';
import type { Policy } from '../../src/policy/policy.ts';
import type { Manifest } from '../../src/ports/backup.ts';
import type { Controlled } from '../../src/ports/control.ts';
import type { VirusScanner } from '../../src/ports/services.ts';
import type { Store } from '../../src/ports/store.ts';
import { aRecord, RULES } from './record.ts';
import { NOON } from './samples.ts';

export const INSTALLATION = `
hostname: mx1.example.com
listeners: { mx: { address: "127.0.0.1:2525", policy: inbound } }
domains: { example.com: { route: store, recipients: any } }
routes: { store: { hosts: ["127.0.0.1:2526"] } }
`;

const MANIFEST: Manifest = {
  backup: 1,
  version: '0.1.0',
  node: 'mx1',
  at: NOON,
  entries: 3,
  quarantined: 1,
  records: 9,
  ended: [],
  files: {},
};

export interface FakeWorld extends CliWorld {
  readonly store: Store;
  readonly written: { out: string; err: string };
  /** What `rehearse` answers. */
  play: Rehearse;
  loaded: Loaded;
  /** What the doctor finds. */
  findings: readonly Found[];
  /** What the gateway answers. */
  answer: Controlled;
  /** Overrides that the store keeps. */
  kept: readonly Override[];
  /** What is asked before a release. */
  scanner: VirusScanner | undefined;
  readonly files: Map<string, string>;
  readonly asked: string[];
  /** What a person types. */
  secret: string;
}

export function fakeWorld(files: { readonly [path: string]: string } = {}): FakeWorld {
  const store = memoryStore();
  const written = { out: '', err: '' };
  const present = new Map(Object.entries(files));
  const asked: string[] = [];
  const bundle = { files: [] };
  const policy = { name: 'inbound', bundle, rules: RULES, checks: [], lists: new Map() } as unknown as Policy;
  const read = loadInstallation('/etc/postern/postern.yaml', {
    read: (path) => (path.endsWith('postern.yaml') ? INSTALLATION : undefined),
    exists: () => true,
    glob: (pattern) => [pattern.replace('*', 'inbound')],
    show: (path) => path,
    pair: () => ({ kind: 'unread' }),
    signingKey: () => ({ kind: 'unread' }),
  });
  const text = async (path: string): Promise<string> => {
    const found = present.get(path);
    if (found === undefined) throw new Error(`Cannot read ${path}: there is no such file`);
    return found;
  };
  const world: FakeWorld = {
    store,
    written,
    files: present,
    asked,
    loaded: {
      installation: read.installation,
      problems: read.problems,
      notYet: [],
      policies: new Map([['inbound', policy]]),
    },
    play: async () => ({ record: aRecord(), policy: { rules: RULES } }),
    out: async (piece) => {
      written.out += piece;
    },
    err: async (piece) => {
      written.err += piece;
    },
    readText: text,
    async *readLines(path) {
      yield* (await text(path)).split('\n');
    },
    makeSigningKey: async (path, kind) => {
      if (present.has(path)) return 'exists';
      present.set(path, `a private key of ${kind}`);
      return madeKey(kind);
    },
    signingKey: (path) =>
      present.has(path)
        ? { kind: 'read', facts: madeKey('rsa') }
        : { kind: 'failed', absent: true, why: 'gone', remedy: '' },
    writeText: async (path, content) => void present.set(path, content),
    list: async (folder, ending) =>
      [...present.keys()].filter((path) => path.startsWith(`${folder}/`) && path.endsWith(ending)).sort(),
    askSecret: async () => world.secret,
    secret: 'correct horse',
    changeUser: async (path, { user, password, scram }) => {
      asked.push(`change ${user} in ${path}${password === undefined ? ', gone' : ''}${scram ? '' : ' without scram'}`);
      return password === undefined ? 'unknown' : 'added';
    },
    now: () => NOON,
    sleep: async () => {},
    signal: new AbortController().signal,
    operator: 'olga',
    load: async (config, { secrets }) => {
      asked.push(`load ${config}${secrets ? ' with secrets' : ''}`);
      return world.loaded;
    },
    directory: () => ({ resolve: async () => ({ result: 'known', source: 'any', listed: false, by: '' }) }),
    visit: async () => ({
      queue: store.queue,
      records: store.records,
      scanner: world.scanner,
      digests: store.digests,
      rules: async () => ({ rules: RULES }),
      close: async () => void asked.push('closed'),
    }),
    rehearsals: async () => ({
      start: () => (scenario) => world.play(scenario),
      close: async () => void asked.push('rehearsals closed'),
    }),
    serve: async (config) => {
      asked.push(`serve ${config}`);
      return 0;
    },
    control: async (_installation, ask) => {
      asked.push(`control ${JSON.stringify(ask)}`);
      return world.answer;
    },
    answer: { kind: 'stopped', why: 'there is no socket' },
    overrides: async () => world.kept,
    kept: [],
    backup: async (_installation, into) => {
      asked.push(`backup ${into}`);
      return MANIFEST;
    },
    restore: async (_installation, from) => {
      asked.push(`restore ${from}`);
      return MANIFEST;
    },
    examine: async () => world.findings,
    findings: [],
    scanner: undefined,
    previewer: threadPreviewer(),
    freeBytes: async () => 5 * 1024 ** 3,
  };
  return world;
}

/** As long as real ones. */
const madeKey = (kind: 'rsa' | 'ed25519'): KeyFacts =>
  kind === 'rsa'
    ? { algorithm: 'rsa-sha256', rsaBits: 2048, published: 'A'.repeat(392) }
    : { algorithm: 'ed25519-sha256', rsaBits: undefined, published: 'B'.repeat(44) };
