/** What a filter chooses, in the plainest words. */
import { PAGE, type QuarantineFilter, type QuarantineItem, type QueueFilter } from '../../ports/queue.ts';
import type { QueueEntry } from '../../queue/entry.ts';
import { reasonOf } from '../entry-state.ts';
import { senderOf } from './lanes.ts';

export function page<T extends { readonly id: string }>(
  all: T[],
  filter: { readonly after?: string; readonly limit?: number },
): T[] {
  return all
    .filter(({ id }) => filter.after === undefined || id > filter.after)
    .sort((a, b) => (a.id < b.id ? -1 : 1))
    .slice(0, filter.limit ?? PAGE);
}

export const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

export function entryMatches(filter: QueueFilter): (entry: QueueEntry) => boolean {
  return (entry) =>
    (filter.ids?.includes(entry.id) ?? true) &&
    (filter.recordId === undefined || entry.recordId === filter.recordId) &&
    (filter.recipient === undefined || same(entry.recipient, filter.recipient)) &&
    (filter.sender === undefined || same(senderOf(entry), filter.sender)) &&
    (filter.domain === undefined || same(entry.domain, filter.domain)) &&
    (filter.route === undefined || entry.route === filter.route) &&
    (filter.user === undefined || same(entry.user ?? '', filter.user)) &&
    (filter.reason === undefined || reasonOf(entry).includes(filter.reason)) &&
    (filter.state?.includes(entry.state.kind) ?? true) &&
    (filter.dueBy === undefined || (entry.state.kind === 'waiting' && entry.state.due <= filter.dueBy)) &&
    (filter.admittedBy === undefined || entry.admittedAt <= filter.admittedBy);
}

export function itemMatches(filter: QuarantineFilter): (item: QuarantineItem) => boolean {
  return (item) =>
    (filter.ids?.includes(item.id) ?? true) &&
    (filter.recordId === undefined || item.recordId === filter.recordId) &&
    (filter.recipient === undefined || same(item.entry.recipient, filter.recipient)) &&
    (filter.class === undefined || item.class === filter.class) &&
    (filter.since === undefined || item.at >= filter.since) &&
    (filter.until === undefined || item.at <= filter.until);
}
