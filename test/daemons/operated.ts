/** A whole gateway that tests of a file share, used as an operator uses it: mail goes in by SMTP, its own commands tell what became of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { RecordEvent } from '../../src/record/record.ts';
import { GatewayProcess, postern } from '../support/gateway-process.ts';
import { installationFolder } from '../support/installation-folder.ts';
import { speak } from '../support/speak.ts';
import { openStore } from '../support/store-folder.ts';

export type Happened = Pick<RecordEvent, 'kind' | 'recipient' | 'at' | 'by' | 'text'>;
type Store = Awaited<ReturnType<typeof openStore>>;

interface Begun {
  readonly lines: readonly string[];
  /** Keys of its listener; whoever speaks from loopback may send through it without them. */
  readonly listener?: string;
  /** A file of authorities that the process trusts beside the usual ones. */
  readonly authority?: string;
}

export class Operated {
  readonly #gateway: GatewayProcess;
  readonly #config: string;
  readonly #folder: string;
  readonly #store: Store;
  readonly port: number;

  private constructor(gateway: GatewayProcess, config: string, folder: string, store: Store, port: number) {
    this.#gateway = gateway;
    this.#config = config;
    this.#folder = folder;
    this.#store = store;
    this.port = port;
  }

  static async start({ lines, listener = 'trusted_networks: [127.0.0.0/8]', authority }: Begun): Promise<Operated> {
    const folder = mkdtempSync(join(tmpdir(), 'postern-operated-'));
    const at = installationFolder(lines, undefined, { listener, folder });
    const env = authority === undefined ? {} : { NODE_EXTRA_CA_CERTS: authority };
    const gateway = new GatewayProcess(at.config, { env, atEnd: () => {} });
    try {
      const port = await gateway.port();
      return new Operated(gateway, at.config, folder, await openStore(at.store, { mode: 'visit' }), port);
    } catch (error) {
      gateway.signal('SIGKILL');
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.#store.close();
    this.#gateway.signal('SIGTERM');
    const { code, err } = await this.#gateway.ended;
    rmSync(this.#folder, { recursive: true, force: true });
    expect(code, err).toBe(0);
  }

  /** The id under which it took the message. */
  async send(mark: string, ...to: readonly string[]): Promise<string> {
    const said = await speak(`127.0.0.1:${this.port}`, [
      'EHLO client.test',
      'MAIL FROM:<alice@store.test>',
      ...to.map((one) => `RCPT TO:<${one}>`),
      'DATA',
      `From: alice@store.test\r\nTo: ${to.join(', ')}\r\nSubject: ${mark}\r\n\r\n${mark}.\r\n.`,
      'QUIT',
    ]);
    const id = /^250 2\.0\.0 queued as (\w{13})/.exec(said)?.[1];
    if (id === undefined) throw new Error(`the gateway did not take ${mark}: ${said}`);
    return id;
  }

  /** What happened to the message since it was taken, once that holds. */
  async until(id: string, holds: (events: readonly Happened[]) => boolean): Promise<readonly Happened[]> {
    let events: readonly Happened[] = [];
    const look = async () => {
      events = (await this.#store.records.get(id))?.events ?? [];
      return holds(events);
    };
    await expect.poll(look, { timeout: 30_000, interval: 20 }).toBe(true);
    return events;
  }

  /** The first thing that happened to the only recipient. */
  first = (id: string): Promise<Happened> => this.until(id, ({ length }) => length > 0).then(([one]) => one!);

  /** What a command prints. */
  async run(...words: readonly string[]): Promise<string> {
    const { code, out, err } = await postern(...words, '--config', this.#config);
    expect({ code, err }, words.join(' ')).toEqual({ code: 0, err: '' });
    return out;
  }

  /** `queue list` of what is chosen so. */
  async waiting(...choice: readonly string[]): Promise<readonly Waiting[]> {
    const out = await this.run('queue', 'list', ...choice, '--json');
    return out.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Waiting]));
  }
}

export interface Waiting {
  readonly recipient: string;
  readonly attempts: number;
  readonly last: { readonly host: string; readonly said: string; readonly only_at: string } | null;
  readonly suspended: { readonly why: string } | null;
  readonly state: { readonly kind: string };
}
