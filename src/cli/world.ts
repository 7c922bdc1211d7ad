/** What the commands ask of the world: main hands it in, tests hand in another. */
import type { Installation } from '../config/installation.ts';
import type { KeyFacts, KeyReading } from '../config/signing-key.ts';
import type { Found } from '../gateway/doctor/examine.ts';
import type { RecipientDirectory } from '../gateway/world.ts';
import type { Problem } from '../language/problem.ts';
import type { Millis, Timestamp } from '../mail/time.ts';
import type { Override } from '../policy/override.ts';
import type { Policy } from '../policy/policy.ts';
import type { Manifest } from '../ports/backup.ts';
import type { ControlAsk, Controlled } from '../ports/control.ts';
import type { DigestStore } from '../ports/digest.ts';
import type { UserChange, UserChanged } from '../ports/logins.ts';
import type { Previewer } from '../ports/preview.ts';
import type { QueueStore, RecordStore } from '../ports/queue.ts';
import type { VirusScanner } from '../ports/services.ts';
import type { TransactionRecord } from '../record/record.ts';
import type { Scenario } from '../record/scenario.ts';
import type { RuleBook } from '../record/view.ts';

export interface CliWorld {
  /** Resolves when more may be written. Rejects with code `EPIPE` when nobody reads any more. */
  out(text: string): Promise<void>;
  err(text: string): Promise<void>;
  /** Text of a file, `-` for standard input. Rejects with a sentence that names the file. */
  readText(path: string): Promise<string>;
  /** Lines of a file, `-` for standard input, as they come. */
  readLines(path: string): AsyncIterable<string>;
  /** Writes a file and the folders above it. */
  writeText(path: string, text: string): Promise<void>;
  /** A new private key in a file that only we may read; `exists` where there is such a file, which stays as it is. */
  makeSigningKey(path: string, kind: 'rsa' | 'ed25519', rsaBits: number): Promise<KeyFacts | 'exists'>;
  /** A private key in its file, as far as it may be told of. */
  signingKey(path: string): KeyReading;
  /** Paths of the files in a folder that end so, sorted; none where there is no such folder. */
  list(folder: string, ending: string): Promise<readonly string[]>;
  now(): Timestamp;
  /** A line that a person types twice and nobody sees; of a pipe, its first line. Rejects where the two differ. */
  askSecret(words: string): Promise<string>;
  /** Changes a file of users; rejects with a sentence. */
  changeUser(path: string, change: UserChange): Promise<UserChanged>;
  /** Rejects with the signal's reason when aborted. */
  sleep(span: Millis, signal: AbortSignal): Promise<void>;
  /** Aborted when a person wants the program to end. */
  readonly signal: AbortSignal;
  /** Who gives these commands, for the record. */
  readonly operator: string;

  /** Reads configuration and policies, and reports every problem; `secrets: false` leaves the files of secrets alone. */
  load(config: string, options: { readonly secrets: boolean }): Promise<Loaded>;
  /** The store as a visitor beside a running gateway. */
  visit(installation: Installation): Promise<Visit>;
  /** Who is known in hosted domains. */
  directory(loaded: Sound): RecipientDirectory;
  /** Makes ready to rehearse; what it opens is closed by `close`. */
  rehearsals(loaded: Sound): Promise<Rehearsals>;
  /** Runs the gateway until it is told to stop; answers the exit status. */
  serve(config: string): Promise<number>;
  /** Asks the running gateway that owns the store. */
  control(installation: Installation, ask: ControlAsk): Promise<Controlled>;
  /** As the store keeps them; those whose time is over included. */
  overrides(installation: Installation): Promise<readonly Override[]>;
  /** Copies the store, whether a gateway runs on it or not; rejects with a sentence. */
  backup(installation: Installation, into: string): Promise<Manifest>;
  restore(installation: Installation, from: string): Promise<Manifest>;
  /** Looks at what lies outside the program. */
  examine(loaded: Sound, how: { readonly offline: boolean; readonly outwards: string }): Promise<readonly Found[]>;
  /** Shows what a held message says. */
  readonly previewer: Previewer;
  /** Octets free where the store lies; undefined where there is no such folder. */
  freeBytes(installation: Installation): Promise<number | undefined>;
}

/** Configuration and policies as far as they could be read. */
export interface Loaded {
  readonly installation: Installation | undefined;
  /** By name. */
  readonly policies: ReadonlyMap<string, Policy>;
  readonly problems: readonly Problem[];
  /** What is written rightly and has nothing behind it, a part that has not come yet or a service: `serve` refuses to start with any. */
  readonly notYet: readonly Problem[];
}

/** What loaded without an error. */
export interface Sound extends Loaded {
  readonly installation: Installation;
}

export interface Visit {
  readonly queue: QueueStore;
  readonly records: RecordStore;
  /** Undefined where none is configured. */
  readonly scanner: VirusScanner | undefined;
  readonly digests: DigestStore;
  /** The rules of a bundle, from the bundle's own files; undefined where it is not stored. */
  rules(bundle: string): Promise<RuleBook | undefined>;
  close(): Promise<void>;
}

export interface Rehearsed {
  readonly record: TransactionRecord;
  readonly policy: RuleBook;
}

/** Rejects with a sentence that says what is wrong where the scenario cannot be played. */
export type Rehearse = (scenario: Scenario) => Promise<Rehearsed>;

export interface Rehearsals {
  /** Scenarios played by what this answers share one scratch state, which starts as the first one's `state` says. */
  start(): Rehearse;
  close(): Promise<void>;
}
