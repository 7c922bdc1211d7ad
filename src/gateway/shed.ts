/** Clients that were shed at the door, on record: one for all of a kind, with their count. */
import type { Reply } from '../mail/reply.ts';
import type { RecordStore } from '../ports/queue.ts';
import type { ClientInfo } from '../smtp/receive/session.ts';
import { connectionRecord } from './record-of.ts';
import { refusalReply } from './replies.ts';
import { newSessionState } from './session-state.ts';
import type { OpenListener, World } from './world.ts';

/** `records`: where it goes as it is; it is folded already. */
export function openShedding(
  world: World,
  listener: OpenListener,
  records: Pick<RecordStore, 'append'>,
  client: ClientInfo,
  reason: string,
  said: Reply,
) {
  const state = newSessionState(world, listener, client);
  const reply = refusalReply(said, state.id);
  state.replies.push({ to: 'connect', reply, reason });
  return {
    reply,
    close(count: number): void {
      void connectionRecord(state)
        .then((record) => records.append({ ...record, count }, []))
        .catch((error: unknown) => world.log.error('record.failed', { id: state.id, error: String(error) }));
    },
  };
}
