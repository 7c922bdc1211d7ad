/** A decider whose mind is in the addresses: `reject@` is rejected, `hang@` never answered, `full@` finds no room; all else is taken. */
import type { Reply } from '../../src/mail/reply.ts';
import type { ContentWriter, SpooledContent } from '../../src/ports/content.ts';
import { StoreError } from '../../src/ports/store-error.ts';
import type {
  ClientInfo,
  DataAnswer,
  OpenSession,
  ScramKeys,
  Session,
  Spoken,
  WireRefusal,
} from '../../src/smtp/receive/session.ts';

export interface Script {
  /** Every call in order, in words. */
  readonly calls: string[];
  readonly clients: ClientInfo[];
  readonly refusals: WireRefusal[];
  readonly messages: Buffer[];
  /** Messages whose writer was abandoned. */
  abandoned: number;
  closed: number;
  readonly open: OpenSession;
  /** Settles the hooks that hang. */
  release(): void;
}

export interface ScriptOptions {
  readonly greeting?: Spoken;
  /** Back-pressure at every write: the next one before `drained` is an error. */
  readonly slowSpool?: boolean;
  /** Of everybody who logs in by SCRAM; a password is right where it says so. */
  readonly keys?: ScramKeys;
}

const reply = (code: number, enhanced: string, text: string): Reply => ({ code, enhanced, text });
const spoken = (code: number, enhanced: string, text: string, close = false): Spoken => ({
  reply: reply(code, enhanced, text),
  close,
});

export function scriptedSession(options: ScriptOptions = {}): Script {
  const waiting: (() => void)[] = [];
  const hang = <T>(then: T): Promise<T> => new Promise((resolve) => waiting.push(() => resolve(then)));
  const script: Script = {
    calls: [],
    clients: [],
    refusals: [],
    messages: [],
    abandoned: 0,
    closed: 0,
    open: (client) => session(client),
    release: () => {
      for (const go of waiting.splice(0)) go();
    },
  };

  function writer(full: boolean): ContentWriter {
    const chunks: Uint8Array[] = [];
    let ended = false;
    let behind = false;
    const end = () => {
      if (ended) throw new Error('Cannot end a content twice');
      ended = true;
    };
    return {
      get size() {
        return chunks.reduce((sum, chunk) => sum + chunk.length, 0);
      },
      write(chunk) {
        if (ended) throw new Error('Cannot write to a content that has ended');
        if (behind) throw new Error('Cannot write to a spool that is behind as it must have drained');
        chunks.push(Uint8Array.from(chunk));
        behind = options.slowSpool === true;
        return !behind;
      },
      async drained() {
        await new Promise((resolve) => setImmediate(resolve));
        behind = false;
      },
      async finish() {
        end();
        if (full) throw new StoreError('full', 'Cannot take mail as there must be room');
        const octets = Buffer.concat(chunks);
        return {
          ref: '',
          size: octets.length,
          sha256: '',
          header: octets,
          async *open() {
            yield octets;
          },
        } satisfies SpooledContent;
      },
      async abandon() {
        end();
        script.abandoned++;
      },
    };
  }

  function minded(mind: string, ok: Spoken): Promise<Spoken> {
    if (mind === 'reject') return Promise.resolve(spoken(550, '5.7.1', 'not wanted'));
    if (mind === 'defer') return Promise.resolve(spoken(451, '4.7.1', 'come again'));
    if (mind === 'end') return Promise.resolve(spoken(421, '4.7.0', 'go away', true));
    if (mind === 'hang') return hang(ok);
    if (mind === 'throw') return Promise.reject(new Error('the decider broke'));
    return Promise.resolve(ok);
  }

  function session(client: ClientInfo): Session {
    script.clients.push(client);
    let sender = '';
    let busy = false;
    const call = async <T>(name: string, answer: Promise<T>): Promise<T> => {
      if (busy) throw new Error(`Cannot call ${name} as one call must end before the next`);
      busy = true;
      script.calls.push(name);
      try {
        return await answer;
      } finally {
        busy = false;
      }
    };
    let closed = false;
    return {
      greet: (early) =>
        call(early ? 'greet early' : 'greet', Promise.resolve(options.greeting ?? spoken(220, '', 'hello'))),
      helo: (verb, name) => call(`${verb} ${name}`, minded(name.split('.')[0]!, spoken(250, '', 'hello'))),
      tls: (info) => void script.calls.push(`tls ${info.version} ${info.cipher}`),
      authenticated: (user) => void script.calls.push(`authenticated ${user}`),
      scramKeys: (user) => call(`scramKeys ${user}`, Promise.resolve(options.keys!)),
      login: (mechanism, credentials) =>
        call(
          `login ${mechanism} ${JSON.stringify({ ...credentials, verifier: undefined })}`,
          Promise.resolve(
            (credentials.kind === 'scram' ? credentials.fits : credentials.password === 'right')
              ? spoken(235, '2.7.0', 'welcome')
              : spoken(535, '5.7.8', 'wrong'),
          ),
        ),
      mail(path, parameters) {
        sender = path.kind === 'null' ? '' : path.mailbox.local;
        const address = path.kind === 'null' ? '<>' : path.mailbox.address;
        return call(`mail ${address} ${JSON.stringify(parameters)}`, minded(sender, spoken(250, '2.1.0', 'OK')));
      },
      rcpt: ({ mailbox, parameters }) =>
        call(
          `rcpt ${mailbox.address} ${JSON.stringify(parameters)}`,
          minded(mailbox.local, spoken(250, '2.1.5', 'OK')),
        ),
      data() {
        const go: DataAnswer = { kind: 'go', writer: writer(sender === 'full') };
        if (sender === 'nodata')
          return call(
            'data',
            Promise.resolve({ kind: 'refuse', spoken: spoken(451, '4.3.0', 'not now') } as DataAnswer),
          );
        return call('data', sender === 'slowdata' ? hang(go) : Promise.resolve(go));
      },
      async content(content) {
        const octets: Uint8Array[] = [];
        for await (const chunk of content.open(new AbortController().signal)) octets.push(chunk);
        script.messages.push(Buffer.concat(octets));
        return call(
          'content',
          minded(sender.replace(/^content-/, ''), spoken(250, '2.0.0', `queued as ${script.messages.length}`)),
        );
      },
      refused(refusal) {
        if (sender === 'badrecord') throw new Error('the record broke');
        script.refusals.push(refusal);
        return { reply: refusal.reply, close: refusal.close };
      },
      reset: () => void script.calls.push('reset'),
      hungUp: () => {},
      close() {
        if (!closed) script.closed++;
        closed = true;
      },
    };
  }
  return script;
}
