/** Delivery into maildirs: `<path>/<domain>/<local>/{tmp,new,cur}`, a file a recipient, complete or not there. */
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Consignment, Delivery } from '../../ports/delivery.ts';
import type { QueueEntry } from '../../queue/entry.ts';
import type { AttemptResult } from '../../queue/transition.ts';
import { syncFolder } from './sync-folder.ts';

export class MaildirDelivery implements Delivery {
  readonly #hostname: string;
  #written = 0;

  constructor(hostname: string) {
    this.#hostname = fileName(hostname);
  }

  async deliver(consignment: Consignment, signal: AbortSignal): Promise<readonly AttemptResult[]> {
    const { route, entries } = consignment;
    if (route.kind !== 'maildir')
      throw new RangeError(
        `Cannot deliver into a maildir as route "${route.name}" must name a path: it is ${route.kind}`,
      );
    const results: AttemptResult[] = [];
    for (const entry of entries) {
      const folder = maildirOf(route.path, entry);
      try {
        await this.#write(folder, entry, consignment, signal);
        const reply = { code: 250, enhanced: '2.0.0', text: 'delivered to the maildir' };
        results.push({ kind: 'delivered', host: folder, reply, to: 'mailbox' });
      } catch (error) {
        // No space, no right: the operator's to mend, so it is tried again.
        const cause = error instanceof Error ? error.message : String(error);
        results.push({ kind: 'transient', host: folder, reply: null, cause });
      }
    }
    return results;
  }

  async close(): Promise<void> {}

  async #write(folder: string, entry: QueueEntry, { open: octets }: Consignment, signal: AbortSignal): Promise<void> {
    await makeMaildir(folder);
    // The name is the entry's own: an attempt repeated after a crash replaces its file instead of making a second one.
    const name = `${Math.floor(entry.admittedAt / 1000)}.${entry.id}.${this.#hostname}`;
    this.#written += 1;
    const draft = join(folder, 'tmp', `${name}.${process.pid}.${this.#written}`);
    try {
      // A draft of this name is our own, from before a crash under the same process id (in a container it is always 1).
      const file = await open(draft, 'w', 0o600);
      try {
        for await (const chunk of octets(signal)) await file.writeFile(chunk);
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(draft, join(folder, 'new', name));
    } catch (error) {
      await rm(draft, { force: true });
      throw error;
    }
    await syncFolder(join(folder, 'new'));
  }
}

/** Local parts in lower case, as recipients are compared; written so that no name leaves the folder or meets another's. */
export function maildirOf(path: string, entry: QueueEntry): string {
  const at = entry.recipient.lastIndexOf('@');
  return join(path, fileName(entry.domain), fileName(entry.recipient.slice(0, at).toLowerCase()));
}

/** Letters, digits and a few signs stand for themselves, anything else, a dot in front and `%` too, as its octets. */
function fileName(text: string): string {
  return [...Buffer.from(text)]
    .map((octet, n) => {
      const letter = String.fromCharCode(octet);
      return /[\w+=@-]/.test(letter) || (letter === '.' && n > 0) ? letter : `%${octet.toString(16).padStart(2, '0')}`;
    })
    .join('');
}

async function makeMaildir(folder: string): Promise<void> {
  // The first folder that had to be made: its name must last, too.
  let made: string | undefined;
  for (const part of ['tmp', 'cur', 'new'])
    made = (await mkdir(join(folder, part), { recursive: true, mode: 0o700 })) ?? made;
  if (made === undefined) return;
  for (let at = folder; at.length >= dirname(made).length && at !== dirname(at); at = dirname(at)) await syncFolder(at);
}
