/** Records as JSON lines beside the store, for other programs: one object a line, later events by themselves. */
import { LineFile } from '../adapters/files/line-file.ts';
import type { Told } from '../gateway/record-outlet.ts';
import type { Policy } from '../policy/policy.ts';
import type { Log } from '../ports/log.ts';
import { jsonLine } from '../record/jsonl.ts';
import { eventView, recordView } from '../record/view.ts';

export interface RecordLines extends Told {
  reopen(): void;
  close(): Promise<void>;
}

/** `path` '' writes none. Several threads may write one file: each appends whole lines. */
export function recordLines(path: string, policies: () => ReadonlyMap<string, Policy>, log: Log): RecordLines {
  if (path === '') return { record: () => {}, events: () => {}, reopen: () => {}, close: async () => {} };
  const file = new LineFile(path, log);
  return {
    record: (record, events) => {
      const policy = policies().get(record.policy);
      // A reload may have come between: its rules are not those that were asked.
      const asked = policy?.bundle.digest === record.bundle ? policy : undefined;
      file.write(jsonLine(recordView(record, events, asked)));
    },
    events: (events) => {
      for (const event of events) file.write(jsonLine({ id: event.recordId, event: eventView(event) }));
    },
    reopen: () => file.reopen(),
    close: () => file.close(),
  };
}
