/** The carrier's thread: a dispatcher over SMTP, LMTP and maildirs, fed by the thread that admits. */

import { resolve } from 'node:path';
import { parentPort, workerData } from 'node:worker_threads';
import { installationFiles } from '../adapters/files/installation-files.ts';
import { idSource } from '../adapters/ids.ts';
import { joinStore } from '../adapters/sqlite/open.ts';
import { systemClock } from '../adapters/system/clock.ts';
import { jsonLog } from '../adapters/system/log.ts';
import type { Installation } from '../config/installation.ts';
import { loadInstallation } from '../config/load-installation.ts';
import { recordOutlet } from '../gateway/record-outlet.ts';
import { PAGE, type QueueStore } from '../ports/queue.ts';
import type { CarrierData, FromCarrier, ToCarrier } from './carrier.ts';
import { dispatcherFor } from './dispatcher.ts';
import { recordLines } from './record-lines.ts';
import { sha256 } from './sha256.ts';

/** Of the sixteen threads that may draw ids on a node, this is the last but one; rehearsals are the last. */
const ID_THREAD = 14;

const data = workerData as CarrierData;
const port = parentPort;
if (port === null) throw new Error('Cannot run the carrier as it must be started as a thread');

let installation = read();
const log = jsonLog(installation.log.level);
const store = await joinStore(data.store, data.storePath);
const gauge = new Int32Array(data.gauge);
const ids = idSource(data.node, ID_THREAD, systemClock.now);
const lines = recordLines(installation.records.jsonl, () => new Map(), log);
const { queue } = recordOutlet(store, { subject: installation.records.subject, masks: [], hash: sha256 }, lines);
const dispatcher = dispatcherFor({
  store: { queue, content: store.content },
  clock: systemClock,
  log,
  ids,
  installation: () => installation,
  owner: data.owner,
  gauge: (inHand) => void Atomics.store(gauge, 0, inHand),
});

port.on('message', (message: ToCarrier) => {
  switch (message.kind) {
    case 'take':
      for (const [ref, octets] of message.octets) store.takeOver(ref, octets);
      return dispatcher.kick(message.leases);
    case 'more':
      if (dispatcher.claim() !== undefined) dispatcher.wake();
      return;
    case 'reload':
      try {
        installation = read();
      } catch (error) {
        log.error('reload.refused', { error: String(error) });
      }
      return;
    case 'reopen':
      return lines.reopen();
    case 'stop':
      void stop();
  }
});
dispatcher.start();
if (data.recover) await recover(store.queue);
port.postMessage({ kind: 'ready' } satisfies FromCarrier);

async function stop(): Promise<void> {
  await dispatcher.stop();
  await lines.close();
  await store.close();
  data.store.close();
  port!.close();
}

/** Who reloads has checked the files already; they are read once more because a configuration does not travel. */
function read(): Installation {
  const { installation: loaded, problems } = loadInstallation(resolve(data.config), installationFiles(process.cwd()));
  if (loaded === undefined) throw new Error(problems.map(({ message }) => message).join('; '));
  return loaded;
}

/** Takes up what the thread before this one had in hand when it died. */
async function recover(queue: QueueStore): Promise<void> {
  let after: string | undefined;
  for (;;) {
    const page = await queue.list({ state: ['leased'], limit: PAGE, ...(after === undefined ? {} : { after }) });
    dispatcher.kick(
      page.flatMap((entry) =>
        entry.state.kind === 'leased' && entry.state.owner === data.owner
          ? [{ entry, owner: data.owner, until: entry.state.until }]
          : [],
      ),
    );
    if (page.length < PAGE) return;
    after = page.at(-1)!.id;
  }
}
