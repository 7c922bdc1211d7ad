/** Admits messages into the store of the folder that is named, until it is killed; prints each id once it was promised. */
import { writeSync } from 'node:fs';
import { idSource } from '../../src/adapters/ids.ts';
import { openSqliteStore } from '../../src/adapters/sqlite/open.ts';
import { sampleAdmission, spool } from './samples.ts';

const [path = '', round = '0'] = process.argv.slice(2);
const log = { event: () => {}, warn: () => {}, error: () => {} };
const store = await openSqliteStore({ path, mode: 'serve', minFreeBytes: 0, retention: undefined, log });
const ids = idSource(Number(round), 0, Date.now);

/** One in sixteen is too large for the database and lies in the spool. */
let drawn = 0;
const sized = () => {
  drawn += 1;
  return drawn % 16 === 0 ? 70_000 : 2000;
};

writeSync(1, 'ready\n');
await Promise.all(
  Array.from({ length: 25 }, async () => {
    for (;;) {
      const id = ids.next();
      const content = await spool(store.content, `${id} ${'x'.repeat(sized())}`);
      await store.queue.admit(sampleAdmission(id, content));
      writeSync(1, `${id}\n`);
    }
  }),
);
