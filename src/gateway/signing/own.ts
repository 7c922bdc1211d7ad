/** Signatures over mail of our own, by the keys of the domain it is from, else of the one that `hostname` lies in. */
import type { Installation } from '../../config/installation.ts';
import type { Timestamp } from '../../mail/time.ts';
import type { Notification } from '../../ports/queue.ts';
import type { SigningKeys } from '../../ports/signing-keys.ts';
import { Stamps } from './stamps.ts';

/** Its record says who signed. Rejects where a key that should sign cannot: whoever owes the mail tries again. */
export async function signedOwn(
  mail: Notification,
  { signing, hostname }: Pick<Installation, 'signing' | 'hostname'>,
  keys: SigningKeys | undefined,
  at: Timestamp,
): Promise<Notification> {
  if (keys === undefined || signing.size === 0) return mail;
  const stamps = new Stamps(mail.content, 'authenticated', {
    signer: { keys, signing, at, hostname },
    sealer: undefined,
  });
  const entry = await stamps.stamp(mail.entry, undefined);
  const [event] = stamps.events(mail.record.id, at);
  if (event?.kind !== 'signed') return mail;
  const { record } = mail;
  const note = { by: 'signing', text: `signed: ${event.text}` };
  const recipients = record.recipients.map((one) => ({ ...one, notes: [...one.notes, note] }));
  return { ...mail, record: { ...record, recipients }, entry };
}
