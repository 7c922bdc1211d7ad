/** What every engine of queue, records, content and state keeps, whatever it is made of. */
import { describe } from 'vitest';
import type { Store } from '../../src/ports/store.ts';
import { contentContract } from './content-contract.ts';
import { digestContract } from './digest-contract.ts';
import { quarantineContract } from './quarantine-contract.ts';
import { queueContract } from './queue-contract.ts';
import { recordContract } from './record-contract.ts';
import { stateContract } from './state-contract.ts';
import { turnsContract } from './turns-contract.ts';

export interface Engine {
  readonly name: string;
  /** A fresh store; the engine cleans up after the test. */
  open(): Promise<Store>;
  /** The same place opened again after `close`; undefined where nothing survives. */
  readonly reopen?: (store: Store) => Promise<Store>;
}

export function storeContract(engine: Engine): void {
  describe(`${engine.name}: content`, () => contentContract(engine));
  describe(`${engine.name}: queue`, () => queueContract(engine));
  describe(`${engine.name}: quarantine`, () => quarantineContract(engine));
  describe(`${engine.name}: turns`, () => turnsContract(engine));
  describe(`${engine.name}: digests`, () => digestContract(engine));
  describe(`${engine.name}: records`, () => recordContract(engine));
  describe(`${engine.name}: state`, () => stateContract(engine));
}
